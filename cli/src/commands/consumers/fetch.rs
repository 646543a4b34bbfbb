use std::time::Duration;

use clap::Args;
use coro_api::limits::WAIT_SECONDS_MAX;

use crate::commands::Run;
use crate::commands::events::{EventLines, show_lines};
use crate::error::Result;
use crate::http::Method;
use crate::polling::poll;
use crate::session::{Session, unexpected};

/// Print the events that a consumer has not acknowledged: revision, topic, data
///
/// The consumer stays where it is: acknowledge the revision of the last line
/// once the events are dealt with.
#[derive(Args)]
pub(crate) struct Fetch {
    /// The consumer's name
    name: String,
    /// At most so many events
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Wait so many seconds for an event where there is none
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=WAIT_SECONDS_MAX))]
    wait: Option<u64>,
}

impl Run for Fetch {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let mut request = super::request(Method::Get, &self.name)?;
        request.path_and_query.push_str("/events");
        let request = request.query_if("limit", self.limit);
        let response = poll(
            session,
            self.wait.map(Duration::from_secs),
            &request,
            |response| Ok(!events_in(&response.body)?.events.is_empty()),
        )?;
        let body = response.body;
        if session.options.wants_json() {
            return session.show_json(&body);
        }
        show_lines(session, &events_in(&body)?.events)
    }
}

fn events_in(body: &[u8]) -> Result<EventLines<'_>> {
    serde_json::from_slice(body).map_err(|error| unexpected(&error))
}
