//! The log read as an audit: who did what, and whether it was allowed.

pub mod routes;

use coro_api::audit::{AuditEntry, AuditVerification};

use crate::app::Ctx;
use crate::db::Entry;
use crate::error::Result;
use crate::log::{Filter, Kept, Page, data_of, read_before, verify};

/// Entries before `before`, the newest first.
pub async fn list_audit(ctx: &Ctx, filter: Filter, before: i64, limit: usize) -> Result<Page> {
    let tenant = ctx.caller.tenant.clone();
    ctx.app
        .db
        .read(move |tx| read_before(tx, &tenant, &filter, 0, before, limit, Kept::Audit))
        .await
}

/// Checks the whole kept log.
pub async fn verify_audit(ctx: &Ctx) -> Result<AuditVerification> {
    ctx.caller.check_whole_tenant()?;
    let tenant = ctx.caller.tenant.clone();
    ctx.app
        .db
        .snapshot(move |tx| verify::verify(tx, &tenant))
        .await
}

/// An action is a topic without `coro.`; a client's topic stands for itself.
pub fn topic_pattern(action: Option<&str>) -> String {
    match action {
        None | Some("" | "*") => "*".to_owned(),
        Some(action) if action.starts_with("coro.") || action.starts_with('*') => action.to_owned(),
        Some(action) => format!("coro.{action}"),
    }
}

/// An entry of the log as Koor shows it.
pub fn audit_entry(entry: &Entry) -> AuditEntry {
    let topic = &*entry.topic;
    AuditEntry {
        id: entry.revision,
        timestamp: entry.at.to_string(),
        actor: entry.actor.clone(),
        action: topic.strip_prefix("coro.").unwrap_or(topic).to_owned(),
        resource: entry.subject.clone(),
        detail: data_of(entry).into_owned(),
        outcome: entry.outcome.word().to_owned(),
    }
}
