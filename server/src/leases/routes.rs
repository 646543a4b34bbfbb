//! HTTP of leases.

use axum::response::Response;
use coro_api::leases::{CheckPaths, CheckedPaths, Lease, NewLease, ReleasedLease, RenewLease};
use coro_api::numbers::{LeaseNumber, NumberError};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    LeaseFilter, check_paths, get_lease, list_leases, release_lease, renew_lease, take_lease,
};
use crate::app::App;
use crate::auth::{Reader, Writer};
use crate::error::{Error, Result, invalid};
use crate::http::extract::{Json, NoQuery, Path, Query};
use crate::http::page::{Rows, json_at};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, take))
        .routes(routes!(check))
        .routes(routes!(get, release))
        .routes(routes!(renew))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    project: Option<String>,
    holder: Option<String>,
    task: Option<String>,
    path: Option<String>,
    limit: Option<i64>,
    cursor: Option<String>,
}

/// List leases
///
/// Those that are held or waited for, in the order in which they were asked for.
/// Each filter that is given must hold. Without `limit` the list is whole, or an
/// error. With it a page may be short, or empty, and have a next one: a call
/// looks at 10,000 leases at most.
#[utoipa::path(get, path = "/api/leases", operation_id = "list_leases", tag = "leases",
    params(
        ("project" = Option<String>, Query, description = "Their project"),
        ("holder" = Option<String>, Query, description = "The name of the agent that has them"),
        ("task" = Option<String>, Query, description = "The task whose claim they belong to", example = "T-12"),
        ("path" = Option<String>, Query, description = "A file that their pattern matches", example = "src/main.rs"),
        ("limit" = Option<i64>, Query, description = "Rows at most", minimum = 1, maximum = 10000),
        ("cursor" = Option<String>, Query, description = "Where the page before ended, from its Link", example = "L-1"),
    ),
    responses((status = 200, description = "The leases", body = Vec<Lease>)))]
async fn list(Reader(ctx): Reader, Query(query): Query<ListQuery>) -> Result<Response> {
    let rows = Rows::asked(query.limit)?;
    let after = match &query.cursor {
        Some(cursor) => number(cursor)?,
        None => LeaseNumber(0),
    };
    let task = query.task.as_deref().map(str::parse).transpose();
    let filter = LeaseFilter {
        project: query.project.clone(),
        holder: query.holder.clone(),
        task: task.map_err(no_number)?,
        path: query.path.clone(),
    };
    let listed = list_leases(&ctx, filter, after, rows.to_read()).await?;
    let filters = [
        ("project", &query.project),
        ("holder", &query.holder),
        ("task", &query.task),
        ("path", &query.path),
    ];
    rows.answer(&listed, "/api/leases", "cursor", &filters)
}

/// Take a lease
///
/// On files or on a name, for the agent that calls. What overlaps a lease of
/// another agent answers 409, or waits with `wait_seconds`; an answer with the
/// status `waiting` keeps its place in the queue for two minutes, and the same
/// call goes on waiting. Taking again what one has renews it.
#[utoipa::path(post, path = "/api/leases", operation_id = "take_lease", tag = "leases",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body(content = NewLease, example = json!({"pattern": "/src/api/**", "reason": "the API moves"})),
    responses((status = 200, description = "The lease", body = Lease)))]
async fn take(
    Writer(ctx): Writer,
    _: NoQuery,
    Json(body): Json<NewLease>,
) -> Result<axum::Json<Lease>> {
    Ok(axum::Json(take_lease(&ctx, body).await?))
}

/// Check paths before an edit
///
/// Which of them leases of others cover, or protected paths: those of the
/// project, and of all projects where neither the call nor the token nor the
/// agent names one.
#[utoipa::path(post, path = "/api/leases/check", operation_id = "check_paths", tag = "leases",
    request_body(content = CheckPaths, example = json!({"paths": ["src/api/main.rs"]})),
    responses((status = 200, description = "What is in the way", body = CheckedPaths)))]
async fn check(
    Reader(ctx): Reader,
    _: NoQuery,
    Json(body): Json<CheckPaths>,
) -> Result<axum::Json<CheckedPaths>> {
    Ok(axum::Json(check_paths(&ctx, body).await?))
}

/// Read a lease
///
/// One that has ended is gone.
#[utoipa::path(get, path = "/api/leases/{id}", operation_id = "get_lease", tag = "leases",
    params(("id" = String, Path, description = "Its number", example = "L-1")),
    responses((status = 200, description = "The lease", body = Lease)))]
async fn get(Reader(ctx): Reader, _: NoQuery, Path(id): Path<String>) -> Result<axum::Json<Lease>> {
    Ok(axum::Json(get_lease(&ctx, number(&id)?).await?))
}

/// Renew a lease
///
/// Moves its end, or keeps a place in the queue. For its holder, its controller
/// and the owner. One that has ended is to be taken again.
#[utoipa::path(post, path = "/api/leases/{id}/renew", operation_id = "renew_lease", tag = "leases",
    params(("id" = String, Path, description = "Its number", example = "L-1"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body(content = RenewLease, example = json!({"ttl_seconds": 1800})),
    responses((status = 200, description = "The lease as it is now", body = Lease)))]
async fn renew(
    Writer(ctx): Writer,
    _: NoQuery,
    Path(id): Path<String>,
    Json(body): Json<RenewLease>,
) -> Result<axum::Json<Lease>> {
    Ok(axum::Json(renew_lease(&ctx, number(&id)?, body).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseQuery {
    fence: Option<i64>,
}

/// Release a lease
///
/// Ends it, or gives a place in the queue up. For its holder, its controller and
/// the owner; a protected path is for the latter two.
#[utoipa::path(delete, path = "/api/leases/{id}", operation_id = "release_lease", tag = "leases",
    params(("id" = String, Path, description = "Its number", example = "L-1"),
        ("fence" = Option<i64>, Query, description = "Release only the lease with this fencing token"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    responses((status = 200, description = "The lease has ended", body = ReleasedLease)))]
async fn release(
    Writer(ctx): Writer,
    Path(id): Path<String>,
    Query(query): Query<ReleaseQuery>,
) -> Result<Response> {
    let released = release_lease(&ctx, number(&id)?, query.fence).await?;
    Ok(json_at(released.revision, &released))
}

fn number(text: &str) -> Result<LeaseNumber> {
    text.parse().map_err(no_number)
}

fn no_number(error: NumberError) -> Error {
    invalid(error.to_string())
}
