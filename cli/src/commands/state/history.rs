use clap::Args;
use coro_api::state::StateHistory;

use crate::commands::Run;
use crate::error::Result;
use crate::http::Method;
use crate::print::row;
use crate::session::Session;

/// Print the versions of a key, the newest first: version, time, author, size
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
        session.show(&response, |history: StateHistory| {
            let rows = history.versions.iter().map(|version| {
                let (number, size) = (format!("v{}", version.version), version.size.to_string());
                row(&[&number, &version.updated_at, &version.updated_by, &size])
            });
            rows.collect::<Vec<_>>().join("\n")
        })
    }
}
