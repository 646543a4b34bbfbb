//! The log of everything that happens.

mod history;
mod publish;
mod subscribe;
mod wait;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::commands::{Node, leaf};
use crate::error::Result;
use crate::print::{compact, row};
use crate::session::{Session, unexpected};

pub(crate) static COMMANDS: &[Node] = &[
    leaf::<publish::Publish>("publish"),
    leaf::<history::History>("history"),
    leaf::<subscribe::Subscribe>("subscribe"),
    leaf::<wait::Wait>("wait"),
];

/// The parts of an event that are printed. The data stays text, so that every
/// digit of a number survives.
#[derive(Deserialize)]
pub(crate) struct EventLine<'a> {
    pub(crate) revision: i64,
    #[serde(borrow)]
    pub(crate) topic: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) subject: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) data: &'a RawValue,
}

impl EventLine<'_> {
    /// Revision, topic and data.
    pub(crate) fn row(&self) -> String {
        let data = compact(self.data.get()).unwrap_or_default();
        format!(
            "{}\t{data}",
            row(&[&self.revision.to_string(), &self.topic])
        )
    }
}

/// A page of events, as a long poll or a consumer answers.
#[derive(Deserialize)]
pub(crate) struct EventLines<'a> {
    #[serde(borrow)]
    pub(crate) events: Vec<EventLine<'a>>,
    /// The revision to go on from.
    pub(crate) next: i64,
}

/// Prints an event of a stream.
pub(crate) fn show_event(session: &mut Session<'_>, data: &str) -> Result<()> {
    if session.options.wants_json() {
        return session.show_json(data.as_bytes());
    }
    let event: EventLine<'_> = serde_json::from_str(data).map_err(|error| unexpected(&error))?;
    session.line(&event.row())
}

/// Prints events, a line each.
pub(crate) fn show_lines(session: &mut Session<'_>, events: &[EventLine<'_>]) -> Result<()> {
    events
        .iter()
        .try_for_each(|event| session.line(&event.row()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_and_its_numbers_keep_their_digits() {
        let event = r#"{"revision":7,"topic":"shop.\u0061pi","data":{ "n": 12345678901234567890123,
            "text": "a\nb" }}"#;
        let event: EventLine<'_> = serde_json::from_str(event).unwrap();
        assert_eq!(
            event.row(),
            "7\tshop.api\t{\"n\":12345678901234567890123,\"text\":\"a\\nb\"}"
        );
    }
}
