//! Who did what, and whether the record of it is whole.

mod verify;

use clap::Args;
use coro_api::audit::AuditEntry;

use crate::commands::{Node, Run, leaf};
use crate::error::Result;
use crate::http::Request;
use crate::paging;
use crate::print::row;
use crate::session::Session;

pub(crate) static COMMANDS: &[Node] = &[leaf::<verify::Verify>("verify")];

/// Print who did what, the newest first: revision, time, actor, action, resource, outcome
#[derive(Args)]
pub(crate) struct Audit {
    /// Only what this actor did, such as agent:frontend
    #[arg(long)]
    actor: Option<String>,
    /// Only these actions, such as state.*
    #[arg(long, value_name = "PATTERN")]
    action: Option<String>,
    /// Only what was done to this
    #[arg(long)]
    resource: Option<String>,
    /// Only what happened in this project
    #[arg(long)]
    project: Option<String>,
    /// Only from this time on, as RFC 3339
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only up to this time, as RFC 3339
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// At most so many entries
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Only before this revision
    #[arg(long, value_name = "REV")]
    before: Option<i64>,
}

impl Run for Audit {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let request = Request::get("/api/audit")
            .query_if("actor", self.actor)
            .query_if("action", self.action)
            .query_if("resource", self.resource)
            .query_if("project", self.project)
            .query_if("from", self.from)
            .query_if("to", self.to)
            .query_if("limit", self.limit)
            .query_if("before", self.before);
        let response = session.call(request)?;
        session.show(&response, |entries: Vec<AuditEntry>| {
            entries.iter().map(entry_row).collect::<Vec<_>>().join("\n")
        })?;
        paging::tell_what_follows(session, &response, "before");
        Ok(())
    }
}

fn entry_row(entry: &AuditEntry) -> String {
    let id = entry.id.to_string();
    row(&[
        &id,
        &entry.timestamp,
        &entry.actor,
        &entry.action,
        &entry.resource,
        &entry.outcome,
    ])
}
