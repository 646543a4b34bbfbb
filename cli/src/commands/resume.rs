use clap::Args;
use coro_api::pauses::Resumed;

use crate::commands::Run;
use crate::commands::once::Once;
use crate::commands::pause::Scope;
use crate::error::Result;
use crate::http::{Method, Request};
use crate::print::row;
use crate::session::{Session, unexpected};

/// End a pause, named in the words in which it was begun
///
/// Prints the pause's id; nothing where there was none.
#[derive(Args)]
pub(crate) struct Resume {
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    once: Once,
}

impl Run for Resume {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let (project, agent) = self.scope.resolve(session)?;
        let request = Request::new(Method::Delete, "/api/pauses")
            .query_if("project", project)
            .query_if("agent", agent);
        let response = session.call(self.once.put_on(request))?;
        let resumed: Resumed =
            serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))?;
        let was_paused = resumed.resumed.is_some();
        session.show(&response, |resumed: Resumed| {
            resumed.resumed.map(|id| row(&[&id])).unwrap_or_default()
        })?;
        if !was_paused {
            session.talk("nothing was paused there (see what is with coro-cli pause --list)");
        }
        Ok(())
    }
}
