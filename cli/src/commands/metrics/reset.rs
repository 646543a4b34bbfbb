use clap::Args;
use coro_api::system::MetricsReset;

use crate::commands::Run;
use crate::error::Result;
use crate::http::{Method, Request};
use crate::session::Session;

/// Set the counters of calls to zero
#[derive(Args)]
pub(crate) struct Reset {}

impl Run for Reset {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let response = session.call(Request::new(Method::Post, "/api/metrics/reset"))?;
        session.show(&response, |_: MetricsReset| "reset".to_owned())
    }
}
