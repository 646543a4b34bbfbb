use clap::Args;
use coro_api::agents::Deregistered;

use super::request;
use super::which::Which;
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
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    once: Once,
}

impl Run for Deregister {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let id = self.which.id(session)?;
        let request = request(Method::Delete, &id, "")?;
        let response = session.call(self.once.put_on(request))?;
        session.show(&response, |_: Deregistered| "ended".to_owned())
    }
}
