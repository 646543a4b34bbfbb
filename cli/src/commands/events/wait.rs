use clap::Args;

use crate::commands::Run;
use crate::commands::events::{EventLines, show_lines};
use crate::error::{CliError, Result, timed_out};
use crate::http::Request;
use crate::polling::{WAIT_DURATION, Wait};
use crate::session::{Session, unexpected};

/// Wait for the first event of a pattern and print it
///
/// Exit code 8 means that none came in the time of --timeout, by default 50
/// seconds; the message has the revision to go on from.
#[derive(Args)]
pub(crate) struct WaitForEvent {
    /// Topics to wait for; * stands for anything
    pattern: String,
    /// Only those of this project
    #[arg(long)]
    project: Option<String>,
    /// Begin after this revision; by default with what happens from now on
    #[arg(long, value_name = "REV")]
    from: Option<i64>,
}

impl Run for WaitForEvent {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        // Where nothing is said it is one long poll.
        let time = session.options.timeout.unwrap_or(WAIT_DURATION);
        let mut wait = Wait::begin(session, Some(time));
        let mut from = self.from;
        loop {
            if wait.is_over() {
                return Err(self.nothing_came(from));
            }
            let response = wait.call(session, |seconds| {
                let request = Request::get("/api/events")
                    .query("pattern", &self.pattern)
                    .query_if("project", self.project.as_deref())
                    .query("limit", 1);
                // First the present itself: whoever does not know it can't go
                // on from there, where the server is away meanwhile.
                Ok(match from {
                    Some(from) => request.query("from", from).query("wait", seconds),
                    None => request.query("wait", 0),
                })
            })?;
            let page: EventLines<'_> =
                serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))?;
            if page.events.is_empty() {
                from = Some(page.next);
            } else if session.options.wants_json() {
                return session.show_json(&response.body);
            } else {
                return show_lines(session, &page.events);
            }
        }
    }
}

impl WaitForEvent {
    fn nothing_came(&self, from: Option<i64>) -> CliError {
        let error = timed_out(format!("no event of {:?} came in time", self.pattern));
        match from {
            Some(from) => error.hint(format!("go on without a gap with --from {from}")),
            None => error,
        }
    }
}
