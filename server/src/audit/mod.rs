//! The log read as an audit: who did what, and whether it was allowed.

pub mod routes;

use coro_api::audit::{AuditEntry, AuditVerification};

use crate::app::Ctx;
use crate::db::Entry;
use crate::db::glob::Glob;
use crate::error::Result;
use crate::log::verify::{self, Noted};
use crate::log::{Filter, Kept, Page, data_of, read_before};

/// Entries before `before`, the newest first.
pub async fn list_audit(ctx: &Ctx, filter: Filter, before: i64, limit: usize) -> Result<Page> {
    let tenant = ctx.caller.tenant.clone();
    ctx.app
        .db
        .scan(move |tx| read_before(tx, &tenant, &filter, 0, before, limit, Kept::Audit))
        .await
}

/// Checks the whole kept log, and that a head noted earlier is its own.
pub async fn verify_audit(ctx: &Ctx, noted: Option<Noted>) -> Result<AuditVerification> {
    ctx.caller.check_whole_tenant()?;
    let tenant = ctx.caller.tenant.clone();
    ctx.app
        .db
        .snapshot(move |tx| verify::verify_noted(tx, &tenant, noted.as_ref()))
        .await
}

/// What a caller asks of the audit: an action is a topic, of the server's own
/// without `coro.`, as [`audit_entry`] shows it.
pub fn audit_filter(ctx: &Ctx, action: Option<&str>) -> Result<Filter> {
    let action = Glob::parse("action", action.unwrap_or("*"))?;
    let ours = action.under("coro.");
    let mut filter = Filter::new(ctx.caller.sight(), action);
    filter.or_topic = Some(ours);
    Ok(filter)
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
