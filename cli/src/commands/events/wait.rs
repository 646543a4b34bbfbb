use std::time::{Duration, Instant};

use clap::Args;
use coro_api::limits::WAIT_SECONDS_MAX;

use crate::commands::Run;
use crate::commands::events::{EventLines, show_lines};
use crate::error::{CliError, Result, timed_out};
use crate::http::{Patience, Request};
use crate::session::{Session, unexpected, whole_seconds};

/// How long to wait where nothing is said: one long poll.
const WAIT_DURATION: Duration = Duration::from_secs(WAIT_SECONDS_MAX);

/// How much longer than asked for the server may take to answer.
const GRACE: Duration = Duration::from_secs(10);

/// Wait for the first event of a pattern and print it
///
/// Exit code 8 means that none came in the time of --timeout, by default 50
/// seconds; the message has the revision to go on from.
#[derive(Args)]
pub(crate) struct Wait {
    /// Topics to wait for; * stands for anything
    pattern: String,
    /// Begin after this revision; by default with what happens from now on
    #[arg(long, value_name = "REV")]
    from: Option<i64>,
}

impl Run for Wait {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let deadline = Instant::now() + session.options.timeout.take().unwrap_or(WAIT_DURATION);
        let mut from = self.from;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.nothing_came(from));
            }
            let wait = left.min(WAIT_DURATION);
            let request = Request::get("/api/events")
                .query("pattern", &self.pattern)
                .query_if("from", from)
                .query("limit", 1)
                .query("wait", whole_seconds(wait))
                .patience(Patience::whole(wait + GRACE));
            let response = session.call(request)?;
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

impl Wait {
    fn nothing_came(&self, from: Option<i64>) -> CliError {
        let error = timed_out(format!("no event of {:?} came in time", self.pattern));
        match from {
            Some(from) => error.hint(format!("go on without a gap with --from {from}")),
            None => error,
        }
    }
}
