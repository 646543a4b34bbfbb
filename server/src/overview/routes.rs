//! HTTP of the overview.

use axum::response::Response;
use coro_api::overview::Overview;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::get_overview;
use crate::app::App;
use crate::auth::Reader;
use crate::error::Result;
use crate::http::extract::Query;
use crate::http::page::json_at;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OverviewQuery {
    project: Option<String>,
}

/// How a project stands
///
/// Agents with what they do, tasks, requests that wait for a decision, leases,
/// messages and pauses: what `coro-cli status` shows.
#[utoipa::path(get, path = "/api/overview", operation_id = "get_overview", tag = "server",
    params(("project" = Option<String>, Query, description = "The project; without it that of the token, else all")),
    responses((status = 200, description = "The overview", body = Overview)))]
async fn get(Reader(ctx): Reader, Query(query): Query<OverviewQuery>) -> Result<Response> {
    let overview = get_overview(&ctx, query.project).await?;
    Ok(json_at(overview.revision, &overview))
}
