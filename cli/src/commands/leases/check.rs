use clap::Args;
use coro_api::leases::{HinderedPath, LeaseMode, ways_to_edit};

use super::{hindered, hindered_row, hint_of_projects};
use crate::commands::Run;
use crate::error::{Result, failed, invalid, refused};
use crate::repository::Repository;
use crate::session::Session;

/// Print which files others have leased, or are protected, the worst first
///
/// The fields are path, mode, lease, holder, project and reason; files that are
/// free are left out. Exit code 5 means that one of them is not to be edited.
#[derive(Args)]
pub(crate) struct Check {
    /// Files, as seen from here; outside of a repository, from the root of theirs
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,
    /// The project; by default `CORO_PROJECT`, else the token's or the agent's, else all
    #[arg(long)]
    project: Option<String>,
}

impl Run for Check {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let project = self.project.or(session.environment_project());
        let paths = from_root(session, self.paths)?;
        let checked = hindered(session, project.as_deref(), &paths, None)?;
        let hindered = &checked.hindered;
        let blocked = hindered.iter().filter(|one| one.mode > LeaseMode::Warn);
        let blocked: Vec<&HinderedPath> = blocked.collect();
        if session.options.wants_json() {
            let body = serde_json::to_vec(&checked);
            session.show_json(&body.map_err(|error| failed(error.to_string()))?)?;
        } else {
            for one in hindered {
                session.line(&hindered_row(one))?;
            }
        }
        if blocked.is_empty() {
            return Ok(());
        }
        let (count, verb) = (paths.len(), if blocked.len() == 1 { "is" } else { "are" });
        Err(refused(format!(
            "{} of {count} files {verb} not to be edited",
            blocked.len()
        ))
        .hint(format!(
            "work on something else; or {}{}",
            ways_to_edit(&blocked),
            hint_of_projects(&checked)
        )))
    }
}

/// The names of files from the root of the repository. In the server, and where
/// there is no repository, they are such names already.
fn from_root(session: &mut Session<'_>, files: Vec<String>) -> Result<Vec<String>> {
    let Ok(machine) = session.machine() else {
        return Ok(files);
    };
    let folder = &machine.environment.working_directory;
    let Some(repository) = Repository::around(folder) else {
        return Ok(files);
    };
    let name_of = |file: String| {
        // What names a folder, or nothing, is for the server to refuse.
        let end = match file.as_str() {
            "" => return Ok(file),
            file if file.ends_with('/') => "/",
            _ => "",
        };
        let name = repository.name_of(&file, folder);
        name.map(|name| name + end).ok_or_else(|| {
            let root = repository.root().display();
            invalid(format!("{file:?} is outside of the repository {root}"))
                .hint("name files of this repository, or call this in theirs")
        })
    };
    files.into_iter().map(name_of).collect()
}
