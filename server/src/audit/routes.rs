//! HTTP of the audit.

use axum::response::Response;
use coro_api::audit::{AuditEntry, AuditVerification};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{audit_entry, audit_filter, list_audit, verify_audit};
use crate::app::App;
use crate::auth::Auditor;
use crate::error::{Result, invalid};
use crate::http::extract::Query;
use crate::http::page::{bound, check_limit, drop_empty, json_at, link_next, parse_time};
use crate::log::Subject;
use crate::log::verify::Noted;

/// How many entries an answer has where the request names no limit.
const LIMIT: i64 = 50;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(check))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    actor: Option<String>,
    action: Option<String>,
    resource: Option<String>,
    project: Option<String>,
    from: Option<String>,
    to: Option<String>,
    limit: Option<i64>,
    before: Option<i64>,
}

/// List audit entries
///
/// The newest first. Attempts that were refused are entries too.
#[utoipa::path(get, path = "/api/audit", operation_id = "list_audit", tag = "audit",
    params(
        ("actor" = Option<String>, Query, description = "Who, such as `agent:frontend`"),
        ("action" = Option<String>, Query, description = "What, such as `state.put`; `*` stands for anything", example = "state.*"),
        ("resource" = Option<String>, Query, description = "To what"),
        ("project" = Option<String>, Query, description = "In this project"),
        ("from" = Option<String>, Query, description = "From this moment on (RFC 3339)"),
        ("to" = Option<String>, Query, description = "Up to this moment (RFC 3339)"),
        ("limit" = Option<i64>, Query, description = "Entries at most (default 50)", minimum = 1, maximum = 10000),
        ("before" = Option<i64>, Query, description = "Revisions below this", minimum = 1),
    ),
    responses((status = 200, description = "The entries", body = Vec<AuditEntry>)))]
async fn list(Auditor(ctx): Auditor, Query(mut query): Query<ListQuery>) -> Result<Response> {
    drop_empty([
        &mut query.actor,
        &mut query.action,
        &mut query.resource,
        &mut query.project,
        &mut query.from,
        &mut query.to,
    ]);
    let limit = check_limit("limit", query.limit)?.unwrap_or(LIMIT);
    let before = bound("before", query.before, 1, i64::MAX)?;
    let mut filter = audit_filter(&ctx, query.action.as_deref())?;
    filter.sight = ctx.caller.sight_of(query.project.as_deref())?;
    filter.actor = query.actor.clone();
    filter.subject = query.resource.clone().map_or(Subject::Any, Subject::Is);
    filter.from = parse_time("from", query.from.as_deref())?;
    filter.to = parse_time("to", query.to.as_deref())?;
    let page = list_audit(&ctx, filter, before, usize::try_from(limit).unwrap_or(0)).await?;
    let entries: Vec<AuditEntry> = page.entries.iter().map(audit_entry).collect();
    let revision = page.entries.first().map_or(0, |entry| entry.revision);
    let mut response = json_at(revision, &entries);
    if page.more {
        let (limit, before) = (limit.to_string(), page.next.to_string());
        let place = [("limit", limit.as_str()), ("before", &before)];
        let filters = [
            ("actor", &query.actor),
            ("action", &query.action),
            ("resource", &query.resource),
            ("project", &query.project),
            ("from", &query.from),
            ("to", &query.to),
        ];
        link_next(&mut response, "/api/audit", &place, &filters);
    }
    Ok(response)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VerifyQuery {
    revision: Option<i64>,
    hash: Option<String>,
}

impl VerifyQuery {
    fn noted(self) -> Result<Option<Noted>> {
        let (revision, hash) = match (self.revision, self.hash) {
            (None, None) => return Ok(None),
            (Some(revision), Some(hash)) => (revision, hash),
            _ => return Err(invalid("revision and hash of a noted head go together")),
        };
        if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(invalid(format!(
                "hash is {hash:?}; it takes 64 hexadecimal digits"
            )));
        }
        Ok(Some(Noted {
            revision: bound("revision", Some(revision), 0, 0)?,
            hash: hash.to_ascii_lowercase(),
        }))
    }
}

/// Check the log's hash chain
///
/// Walks the whole kept log and says whether each entry fits the one before.
/// With `revision` and `hash`, a head that was noted earlier, also whether the
/// log still has it: whoever rewrote the log could not rewrite that.
#[utoipa::path(get, path = "/api/audit/verify", operation_id = "verify_audit", tag = "audit",
    params(
        ("revision" = Option<i64>, Query, description = "The revision of a noted head", minimum = 0),
        ("hash" = Option<String>, Query, description = "Its hash, in hexadecimal", pattern = "^[0-9A-Fa-f]{64}$"),
    ),
    responses((status = 200, description = "What was found", body = AuditVerification)))]
async fn check(
    Auditor(ctx): Auditor,
    Query(query): Query<VerifyQuery>,
) -> Result<axum::Json<AuditVerification>> {
    let noted = query.noted()?;
    Ok(axum::Json(verify_audit(&ctx, noted).await?))
}
