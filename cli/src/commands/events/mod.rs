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
    leaf::<wait::WaitForEvent>("wait"),
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

/// What the topics of changed keys begin with.
pub(crate) const STATE_TOPICS: &str = "coro.state.";

impl EventLine<'_> {
    /// Revision, topic and data; of a changed key, its name and version in
    /// place of the data. Agents read these lines by the hundred, and the hash
    /// in the data costs more than all the rest; `--json` has it.
    pub(crate) fn row(&self) -> String {
        let revision = self.revision.to_string();
        let version = self.version();
        if self.topic.starts_with(STATE_TOPICS) && !version.is_empty() {
            return row(&[&revision, &self.topic, &self.subject, &version]);
        }
        let data = compact(self.data.get()).unwrap_or_default();
        format!("{}\t{data}", row(&[&revision, &self.topic]))
    }

    /// The version that a key got, such as `v3`; empty where the event is about
    /// something else.
    pub(crate) fn version(&self) -> String {
        #[derive(Deserialize)]
        struct Change {
            version: i64,
        }
        match serde_json::from_str(self.data.get()) {
            Ok(Change { version }) => format!("v{version}"),
            Err(_) => String::new(),
        }
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

    #[test]
    fn of_a_changed_key_its_name_and_version_are_printed() {
        let put = r#"{"key":"shop/plan","version":3,"hash":"ab","size":1,"content_type":"x"}"#;
        let table = [
            ("coro.state.put", put, "7\tcoro.state.put\tshop/plan\tv3"),
            (
                "coro.state.deleted",
                r#"{"key":"shop/plan","version":4}"#,
                "7\tcoro.state.deleted\tshop/plan\tv4",
            ),
            ("coro.state.new", "{}", "7\tcoro.state.new\t{}"),
            ("coro.state.new", "null", "7\tcoro.state.new\tnull"),
            (
                "shop.state.put",
                r#"{"version":3}"#,
                "7\tshop.state.put\t{\"version\":3}",
            ),
        ];
        for (topic, data, expected) in table {
            let event = format!(
                r#"{{"revision":7,"topic":"{topic}","subject":"shop/plan","data":{data}}}"#
            );
            let event: EventLine<'_> = serde_json::from_str(&event).unwrap();
            assert_eq!(event.row(), expected);
        }
    }
}
