//! Refused attempts, in the log for those who lead.

use super::Caller;
use crate::app::{App, Ctx};
use crate::db::NewEntry;
use crate::ids::TenantId;
use crate::tenants;

/// Writes to the log that a caller was refused a request.
pub async fn record_forbidden(app: &App, caller: &Caller, method: &str, path: &str) {
    let path: String = path.chars().take(200).collect();
    let entry = refusal_entry(caller, "coro.access.refused", &path);
    let note = serde_json::json!({ "method": method });
    record_refusal(app, caller, entry.note(note)).await;
}

pub(super) fn refusal_entry(caller: &Caller, topic: &'static str, subject: &str) -> NewEntry {
    // So that who leads the project sees it.
    let project = caller.project.as_deref().unwrap_or_default();
    NewEntry::new(topic, &caller.actor, subject, project)
        .audit_only()
        .refused()
}

/// Writes to the log that a caller was refused something protected. Counted
/// apart, so that other refusals don't hide it.
pub async fn record_protected(
    ctx: &Ctx,
    topic: &'static str,
    subject: &str,
    project: &str,
    note: serde_json::Value,
) {
    let (app, caller) = (&ctx.app, &ctx.caller);
    let mut entry = refusal_entry(caller, topic, subject).note(note);
    if !project.is_empty() {
        project.clone_into(&mut entry.project);
    }
    entry.traceparent.clone_from(&ctx.request.traceparent);
    if app.protected.count(&caller.token_id).is_ok() {
        write_refusal(app, &caller.tenant, entry).await;
    }
}

/// Writes to the log that somebody without a valid token tried something
/// protected. Nobody knows whose tenant is meant, where there are several.
pub async fn record_unknown(app: &App, method: &str, path: &str) {
    const ACTOR: &str = "unknown:nobody";
    if app.protected.count(ACTOR).is_err() {
        return;
    }
    tracing::warn!(method, path, "a protected call without a valid token");
    let Ok(tenants) = tenants::list_tenants(&app.db).await else {
        return;
    };
    let [tenant] = tenants.as_slice() else {
        return;
    };
    let subject: String = path.chars().take(200).collect();
    let entry = NewEntry::new("coro.access.refused", ACTOR, &subject, "")
        .audit_only()
        .refused();
    let note = serde_json::json!({ "method": method, "why": "no valid token" });
    write_refusal(app, tenant, entry.note(note)).await;
}

/// A few a minute for each principal: the log is not for filling.
pub(super) async fn record_refusal(app: &App, caller: &Caller, entry: NewEntry) {
    if app.refusals.count(&caller.token_id).is_ok() {
        write_refusal(app, &caller.tenant, entry).await;
    }
}

/// Writes a refused attempt to the log, however many there were.
pub async fn write_refusal(app: &App, tenant: &TenantId, entry: NewEntry) {
    let of = tenant.clone();
    let written = app
        .db
        .write(tenant, move |tx| tx.emit(&of, entry.clone()))
        .await;
    if let Err(error) = written {
        tracing::warn!(%error, "a refused attempt could not be written to the log");
    }
}
