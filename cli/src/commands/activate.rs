use clap::Args;
use coro_api::agents::{ActivatedAgent, OWN};

use crate::commands::{Run, instances};
use crate::error::Result;
use crate::http::Method;
use crate::session::Session;

/// Say that an agent's surroundings work: it is active from now on
#[derive(Args)]
pub(crate) struct Activate {
    /// The agent's id; self is the one whose token calls
    #[arg(default_value = OWN)]
    id: String,
}

impl Run for Activate {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let response = session.call(instances::request(Method::Post, &self.id, "/activate")?)?;
        session.show(&response, |state: ActivatedAgent| {
            state.status.word().to_owned()
        })
    }
}
