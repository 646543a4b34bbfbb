use std::time::Duration;

use clap::Args;
use coro_api::numbers::RequestNumber;
use coro_api::requests::Request;

use super::{described, request_of, wait_for_decision};
use crate::commands::Run;
use crate::durations::parse_duration;
use crate::error::Result;
use crate::http::Method;
use crate::session::Session;

/// Print a request: what is decided, and how it stands
#[derive(Args)]
pub(crate) struct Get {
    /// Its number, such as R-7
    number: RequestNumber,
    /// Wait so long for the decision, and print it alone
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    wait: Option<Duration>,
}

impl Run for Get {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        if let Some(wait) = self.wait {
            return wait_for_decision(session, self.number, wait);
        }
        let response = session.call(request_of(Method::Get, self.number, ""))?;
        session.show(&response, |request: Request| described(&request).join("\n"))
    }
}
