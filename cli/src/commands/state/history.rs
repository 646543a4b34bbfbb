use clap::Args;
use coro_api::state::{StateHistory, StateVersion};

use crate::commands::Run;
use crate::error::{Exit, Result, not_found};
use crate::http::Method;
use crate::print::row;
use crate::session::{Session, unexpected};

/// Print the versions of a key, the newest first: version, time, author, size
///
/// Of a key that was deleted they are what it was before; a line on standard
/// error says so. Exit code 3 means that nothing of it is kept.
#[derive(Args)]
pub(crate) struct History {
    /// Segments with slashes, the first one the project, such as shop/plan
    key: String,
    /// At most so many versions
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
}

impl Run for History {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let request = super::request(Method::Get, &self.key)?
            .flag("history")
            .query_if("limit", self.limit);
        let response = session.call(request)?;
        let history: StateHistory =
            serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))?;
        if history.versions.is_empty() {
            return Err(not_found(format!("no version of {:?} is kept", self.key))
                .hint("list the keys with coro-cli state list"));
        }
        session.show(&response, |history: StateHistory| {
            history
                .versions
                .iter()
                .map(version_row)
                .collect::<Vec<_>>()
                .join("\n")
        })?;
        if !session.options.wants_json() && !exists(session, &self.key)? {
            session.talk(&format!("{:?} is deleted; these are kept", self.key));
        }
        Ok(())
    }
}

fn version_row(version: &StateVersion) -> String {
    let (number, size) = (format!("v{}", version.version), version.size.to_string());
    row(&[&number, &version.updated_at, &version.updated_by, &size])
}

/// Whether the key has a value now: its history has nothing of a deletion.
fn exists(session: &mut Session<'_>, key: &str) -> Result<bool> {
    let request = super::request(Method::Get, key)?.flag("meta");
    match session.call(request) {
        Ok(_) => Ok(true),
        Err(error) if error.exit == Exit::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
