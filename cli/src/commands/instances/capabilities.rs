use clap::Args;
use coro_api::agents::{self, Agent, NewCapabilities, OWN};

use super::request;
use crate::commands::Run;
use crate::error::{Result, failed};
use crate::http::Method;
use crate::print::escape;
use crate::session::Session;

/// Print what an agent can do, a line each, or set it
#[derive(Args)]
pub(crate) struct Capabilities {
    /// The agent's id; self is the one whose token calls
    #[arg(default_value = OWN)]
    id: String,
    /// All that it can do, in place of what was there; --set alone means nothing
    #[arg(long, num_args = 0.., value_name = "CAPABILITY")]
    set: Option<Vec<String>>,
}

impl Run for Capabilities {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let Some(capabilities) = self.set else {
            let response = session.call(request(Method::Get, &self.id, "")?)?;
            return session.show(&response, |agent: Agent| lines(&agent.capabilities));
        };
        let new = NewCapabilities {
            capabilities: Some(capabilities),
        };
        let body = serde_json::to_vec(&new).map_err(|error| failed(error.to_string()))?;
        let request = request(Method::Post, &self.id, "/capabilities")?;
        let response = session.call(request.body("application/json", body))?;
        session.show(&response, |answer: agents::Capabilities| {
            lines(&answer.capabilities)
        })
    }
}

fn lines(capabilities: &[String]) -> String {
    let lines: Vec<String> = capabilities.iter().map(|one| escape(one)).collect();
    lines.join("\n")
}
