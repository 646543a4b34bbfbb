use clap::Args;
use coro_api::leases::LeaseMode;

use super::{hindered, hindered_row, hint_of_projects};
use crate::commands::Run;
use crate::error::{Result, failed, refused};
use crate::session::Session;

/// Print which files others have leased, or are protected, the worst first
///
/// The fields are path, mode, lease, holder, project and reason; files that are free are
/// left out. Exit code 5 means that one of them is not to be edited.
#[derive(Args)]
pub(crate) struct Check {
    /// Files, from the root of the repository
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,
    /// The project; by default `CORO_PROJECT`, else the token's or the agent's, else all
    #[arg(long)]
    project: Option<String>,
}

impl Run for Check {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let project = self.project.or(session.environment_project());
        let checked = hindered(session, project.as_deref(), &self.paths, None)?;
        let hindered = &checked.hindered;
        let blocked = hindered.iter().filter(|one| one.mode > LeaseMode::Warn);
        let blocked = blocked.count();
        if session.options.wants_json() {
            let body = serde_json::to_vec(&checked);
            session.show_json(&body.map_err(|error| failed(error.to_string()))?)?;
        } else {
            for one in hindered {
                session.line(&hindered_row(one))?;
            }
        }
        if blocked == 0 {
            return Ok(());
        }
        let (count, verb) = (self.paths.len(), if blocked == 1 { "is" } else { "are" });
        Err(refused(format!(
            "{blocked} of {count} files {verb} not to be edited"
        ))
        .hint(format!(
            "work on something else, or wait with coro-cli leases take --wait 10m{}",
            hint_of_projects(&checked)
        )))
    }
}
