use clap::Args;
use coro_api::leases::Lease;
use coro_api::numbers::TaskNumber;

use super::lease_row;
use crate::commands::Run;
use crate::error::Result;
use crate::http::Request;
use crate::paging;
use crate::session::Session;

/// Print leases, a line each, in the order in which they were asked for
///
/// The fields are number, status (held, waiting or protected), mode, kind,
/// pattern or name, holder, task, project, when it ends, and reason.
#[derive(Args)]
pub(crate) struct List {
    /// Only those of this project
    #[arg(long)]
    project: Option<String>,
    /// Only those of the agent of this name
    #[arg(long, value_name = "AGENT")]
    holder: Option<String>,
    /// Only those that belong to the claim of this task
    #[arg(long)]
    task: Option<TaskNumber>,
    /// Only those whose pattern matches this file
    #[arg(long)]
    path: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Go on where an earlier list ended
    #[arg(long, value_name = "CURSOR", requires = "limit")]
    cursor: Option<String>,
}

impl Run for List {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let request = Request::get("/api/leases")
            .query_if("project", self.project)
            .query_if("holder", self.holder)
            .query_if("task", self.task)
            .query_if("path", self.path)
            .query_if("limit", self.limit)
            .query_if("cursor", self.cursor);
        let response = session.call(request)?;
        session.show(&response, |leases: Vec<Lease>| {
            let rows: Vec<String> = leases.iter().map(lease_row).collect();
            rows.join("\n")
        })?;
        paging::tell_what_follows(session, &response, "cursor");
        Ok(())
    }
}
