use clap::Args;
use coro_api::agents::{self, NewIntent, OWN};

use crate::commands::{Run, instances};
use crate::error::{Result, failed};
use crate::http::Method;
use crate::session::Session;

/// Say what an agent is doing, for the others to see
#[derive(Args)]
pub(crate) struct Intent {
    /// What it is doing, in a sentence; '' for nothing
    text: String,
    /// The agent's id; self is the one whose token calls
    #[arg(long, default_value = OWN)]
    id: String,
}

impl Run for Intent {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let intent = NewIntent { intent: self.text };
        let body = serde_json::to_vec(&intent).map_err(|error| failed(error.to_string()))?;
        let request = instances::request(Method::Post, &self.id, "/intent")?;
        let response = session.call(request.body("application/json", body))?;
        session.show(&response, |_: agents::Intent| "ok".to_owned())
    }
}
