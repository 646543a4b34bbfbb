use clap::Args;
use coro_api::agents::Agent;

use super::which::Which;
use super::{agent_row, request};
use crate::commands::Run;
use crate::error::Result;
use crate::http::Method;
use crate::session::Session;

/// Print an agent, with the fields that instances list prints
#[derive(Args)]
pub(crate) struct Get {
    #[command(flatten)]
    which: Which,
}

impl Run for Get {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let id = self.which.id(session)?;
        let response = session.call(request(Method::Get, &id, "")?)?;
        session.show(&response, |agent: Agent| agent_row(&agent))
    }
}
