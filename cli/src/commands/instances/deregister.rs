use clap::Args;
use coro_api::agents::{Deregistered, OWN};

use super::request;
use crate::commands::Run;
use crate::commands::once::Once;
use crate::error::Result;
use crate::http::Method;
use crate::session::Session;

/// End an agent; registering its name again continues it
///
/// An agent that ends itself keeps its token, to register with it again. Where
/// another ends it, its token is revoked.
#[derive(Args)]
pub(crate) struct Deregister {
    /// The agent's id; self is the one whose token calls
    #[arg(default_value = OWN)]
    id: String,
    #[command(flatten)]
    once: Once,
}

impl Run for Deregister {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let request = request(Method::Delete, &self.id, "")?;
        let response = session.call(self.once.put_on(request))?;
        session.show(&response, |_: Deregistered| "ended".to_owned())
    }
}
