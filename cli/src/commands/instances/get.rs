use clap::Args;
use coro_api::agents::{Agent, OWN};

use super::{agent_row, request};
use crate::commands::Run;
use crate::error::Result;
use crate::http::Method;
use crate::session::Session;

/// Print an agent, with the fields that instances list prints
#[derive(Args)]
pub(crate) struct Get {
    /// The agent's id; self is the one whose token calls
    #[arg(default_value = OWN)]
    id: String,
}

impl Run for Get {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let response = session.call(request(Method::Get, &self.id, "")?)?;
        session.show(&response, |agent: Agent| agent_row(&agent))
    }
}
