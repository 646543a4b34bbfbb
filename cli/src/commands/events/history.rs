use clap::Args;

use crate::commands::Run;
use crate::commands::events::{EventLine, show_lines};
use crate::error::Result;
use crate::http::Request;
use crate::paging;
use crate::session::{Session, unexpected};

/// Print past events, the newest first: revision, topic, data
///
/// Of a changed key, its name and version stand in place of the data.
#[derive(Args)]
pub(crate) struct History {
    /// At most so many events
    #[arg(long, value_name = "N", default_value_t = 50)]
    last: u32,
    /// Only these topics; * stands for anything
    #[arg(long, value_name = "PATTERN")]
    topic: Option<String>,
    /// Only from this time on, as RFC 3339
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only up to this time, as RFC 3339
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Only what this principal published
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only what is about this
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
    /// Only those of this project
    #[arg(long)]
    project: Option<String>,
    /// Only after this revision
    #[arg(long, value_name = "REV")]
    after: Option<i64>,
    /// Only before this revision
    #[arg(long, value_name = "REV")]
    before: Option<i64>,
}

impl Run for History {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let request = Request::get("/api/events/history")
            .query("last", self.last)
            .query_if("topic", self.topic)
            .query_if("source", self.source)
            .query_if("subject", self.subject)
            .query_if("project", self.project)
            .query_if("from", self.from)
            .query_if("to", self.to)
            .query_if("after", self.after)
            .query_if("before", self.before);
        let response = session.call(request)?;
        if session.options.wants_json() {
            session.show_json(&response.body)?;
        } else {
            let events: Vec<EventLine<'_>> =
                serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))?;
            show_lines(session, &events)?;
        }
        paging::tell_what_follows(session, &response, "before");
        Ok(())
    }
}
