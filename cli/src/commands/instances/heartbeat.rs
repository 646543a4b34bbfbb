use clap::Args;
use coro_api::agents::{Alive, OWN};

use super::request;
use crate::commands::Run;
use crate::error::Result;
use crate::http::Method;
use crate::session::Session;

/// Say that an agent lives, where it has nothing else to say
///
/// Every call with the agent's token says so already.
#[derive(Args)]
pub(crate) struct Heartbeat {
    /// The agent's id; self is the one whose token calls
    #[arg(default_value = OWN)]
    id: String,
}

impl Run for Heartbeat {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let response = session.call(request(Method::Post, &self.id, "/heartbeat")?)?;
        session.show(&response, |alive: Alive| alive.status)
    }
}
