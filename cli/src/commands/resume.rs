use clap::Args;
use coro_api::pauses::Resumed;

use crate::commands::Run;
use crate::commands::once::Once;
use crate::commands::pause::Scope;
use crate::error::Result;
use crate::http::{Method, Request};
use crate::print::row;
use crate::session::{Session, unexpected};

/// End a pause, named by its id or in the words in which it was begun
///
/// Prints the ids of the pauses that end, a line each; nothing where there was
/// none. With --all every pause ends that the token may end, of agents and
/// projects too.
#[derive(Args)]
pub(crate) struct Resume {
    /// The pause's id, as pause prints it, such as project:shop
    #[arg(conflicts_with_all = ["agent", "project", "all"])]
    id: Option<String>,
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    once: Once,
}

impl Run for Resume {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let request = Request::new(Method::Delete, "/api/pauses");
        let request = match self.id {
            Some(id) => request.query_if("id", Some(id)),
            None if self.scope.all => request.query_if("all", Some("true".to_owned())),
            None => {
                let (project, agent) = self.scope.resolve(session)?;
                request
                    .query_if("project", project)
                    .query_if("agent", agent)
            }
        };
        let response = session.call(self.once.put_on(request))?;
        let resumed: Resumed =
            serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))?;
        if session.options.wants_json() {
            session.show_json(&response.body)?;
        } else {
            for id in &resumed.ended {
                session.line(&row(&[id]))?;
            }
        }
        if resumed.ended.is_empty() {
            session.talk("nothing was paused there (see what is with coro-cli pause --list)");
        }
        Ok(())
    }
}
