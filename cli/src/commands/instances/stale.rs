use clap::Args;
use coro_api::agents::Agent;

use super::agent_rows;
use crate::commands::Run;
use crate::error::Result;
use crate::http::Request;
use crate::session::Session;

/// Print agents that were not heard of for a while, as instances list does
#[derive(Args)]
pub(crate) struct Stale {}

impl Run for Stale {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let response = session.call(Request::get("/api/instances/stale"))?;
        session.show(&response, |agents: Vec<Agent>| agent_rows(&agents))
    }
}
