use clap::Args;
use coro_api::leases::{CheckedPaths, LeaseMode};

use super::{hindered, hindered_row};
use crate::commands::Run;
use crate::error::{Result, failed, refused};
use crate::session::Session;

/// Print which files others have leased, or are protected, the worst first
///
/// The fields are path, mode, lease, holder and reason; files that are free are
/// left out. Exit code 5 means that one of them is not to be edited.
#[derive(Args)]
pub(crate) struct Check {
    /// Files, from the root of the repository
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,
    /// The project; by default `CORO_PROJECT`, else the token's or the agent's, else "default"
    #[arg(long)]
    project: Option<String>,
}

impl Run for Check {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let project = self.project.or(session.environment_project());
        let hindered = hindered(session, project.as_deref(), &self.paths, None)?;
        let blocked = hindered.iter().filter(|one| one.mode > LeaseMode::Warn);
        let blocked = blocked.count();
        if session.options.wants_json() {
            let body = serde_json::to_vec(&CheckedPaths { hindered });
            session.show_json(&body.map_err(|error| failed(error.to_string()))?)?;
        } else {
            for one in &hindered {
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
        .hint("work on something else, or wait with coro-cli leases take --wait 10m"))
    }
}
