use clap::Args;

use crate::commands::Run;
use crate::commands::events::{EventLine, STATE_TOPICS};
use crate::error::Result;
use crate::follow::{Follow, follow};
use crate::http::Request;
use crate::print::row;
use crate::session::{Session, unexpected};

/// Print changes of keys as they happen: revision, what, key, version
#[derive(Args)]
pub(crate) struct Watch {
    /// Only keys that begin so
    prefix: Option<String>,
    /// Begin after this revision; by default with what happens from now on
    #[arg(long, value_name = "REV")]
    from: Option<i64>,
    /// End after so many changes
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

impl Run for Watch {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let request = Request::get("/api/state")
            .flag("watch")
            .query_if("prefix", self.prefix);
        let what = Follow {
            from: self.from,
            limit: self.limit,
        };
        follow(session, what, request, |session, data| {
            if session.options.wants_json() {
                return session.show_json(data.as_bytes());
            }
            session.line(&change_line(data)?)
        })
    }
}

fn change_line(data: &str) -> Result<String> {
    let event: EventLine<'_> = serde_json::from_str(data).map_err(|error| unexpected(&error))?;
    let what = event
        .topic
        .strip_prefix(STATE_TOPICS)
        .unwrap_or(&event.topic);
    Ok(row(&[
        &event.revision.to_string(),
        what,
        &event.subject,
        &event.version(),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_a_line_of_what_changed() {
        let data = r#"{"id":7,"revision":7,"topic":"coro.state.put","subject":"shop/plan","data":{"version":3},"source":"coro"}"#;
        assert_eq!(change_line(data).unwrap(), "7\tput\tshop/plan\tv3");
        assert!(change_line("{}").is_err());
    }
}
