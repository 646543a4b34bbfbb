use clap::Args;
use coro_api::pauses::{NewPause, Pause as Held};
use coro_api::system::Whoami;

use crate::commands::Run;
use crate::commands::once::Once;
use crate::error::{Result, failed, usage};
use crate::http::{Method, Request};
use crate::input::text_or_input;
use crate::print::row;
use crate::session::{Session, unexpected};

/// Stop an agent, a project or all: hooks refuse tools, next gives nothing, claims hold
///
/// Prints the pause's id. Without a scope `CORO_PROJECT` is meant, else the token's
/// project.
#[derive(Args)]
pub(crate) struct Pause {
    #[command(flatten)]
    scope: Scope,
    /// Shown to whoever is held; - reads it from standard input
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        conflicts_with = "list"
    )]
    reason: Option<String>,
    /// Print the pauses that hold: id, by whom, since when, reason
    #[arg(long, conflicts_with_all = ["agent", "project", "all"])]
    list: bool,
    #[command(flatten)]
    once: Once,
}

/// Who is to stand still.
#[derive(Args)]
pub(super) struct Scope {
    /// Only this agent, by its name
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// The project; by default `CORO_PROJECT`, else the token's
    #[arg(long)]
    project: Option<String>,
    /// All projects that the token is for
    #[arg(long, conflicts_with_all = ["agent", "project"])]
    pub(super) all: bool,
}

impl Run for Pause {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        if self.list {
            let response = session.call(Request::get("/api/pauses"))?;
            return session.show(&response, |pauses: Vec<Held>| rows(&pauses));
        }
        let (project, agent) = self.scope.resolve(session)?;
        let reason = self.reason.map(|text| text_or_input(session, text));
        let new = NewPause {
            agent,
            project,
            reason: reason.transpose()?.unwrap_or_default(),
        };
        let body = serde_json::to_vec(&new).map_err(|error| failed(error.to_string()))?;
        let request = Request::new(Method::Post, "/api/pauses");
        let request = self.once.put_on(request).body("application/json", body);
        let response = session.call(request)?;
        session.show(&response, |pause: Held| row(&[&pause.id]))
    }
}

impl Scope {
    /// The project and the agent to name to the server. Who is bound to no
    /// project and names none gets no pause of all by accident.
    pub(super) fn resolve(
        self,
        session: &mut Session<'_>,
    ) -> Result<(Option<String>, Option<String>)> {
        if self.all {
            return Ok((None, None));
        }
        let project = self.project.or_else(|| session.environment_project());
        if project.is_none() && !has_project(session)? {
            let hint = match self.agent {
                Some(_) => "name it with --project",
                None => "name it with --project, or say --all",
            };
            return Err(usage("which project is meant is not said").hint(hint));
        }
        Ok((project, self.agent))
    }
}

/// Whether the caller's token is for one project.
fn has_project(session: &mut Session<'_>) -> Result<bool> {
    let response = session.call(Request::get("/api/whoami"))?;
    let whoami: Whoami =
        serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))?;
    Ok(whoami.project.is_some())
}

fn rows(pauses: &[Held]) -> String {
    let rows = pauses
        .iter()
        .map(|pause| row(&[&pause.id, &pause.paused_by, &pause.paused_at, &pause.reason]));
    rows.collect::<Vec<_>>().join("\n")
}
