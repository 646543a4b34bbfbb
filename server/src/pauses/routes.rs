//! HTTP of pauses.

use coro_api::pauses::{NewPause, Pause, Resumed};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{list_pauses, pause, resume};
use crate::app::App;
use crate::auth::{Leader, Reader};
use crate::error::Result;
use crate::http::extract::{Json, NoQuery, Query};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, begin, end))
}

/// List pauses
#[utoipa::path(get, path = "/api/pauses", operation_id = "list_pauses", tag = "agents",
    responses((status = 200, description = "Who is told to stand still", body = Vec<Pause>)))]
async fn list(Reader(ctx): Reader, _: NoQuery) -> Result<axum::Json<Vec<Pause>>> {
    Ok(axum::Json(list_pauses(&ctx).await?))
}

/// Pause an agent, a project or all
///
/// The emergency stop: hooks refuse tools, `next` gives nothing, claims hold.
/// For the owner and controllers.
#[utoipa::path(post, path = "/api/pauses", operation_id = "pause", tag = "agents",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body(content = NewPause, example = json!({"project": "shop", "reason": "the release is broken"})),
    responses((status = 200, description = "The pause", body = Pause)))]
async fn begin(
    Leader(ctx): Leader,
    _: NoQuery,
    Json(body): Json<NewPause>,
) -> Result<axum::Json<Pause>> {
    Ok(axum::Json(pause(&ctx, body).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResumeQuery {
    project: Option<String>,
    agent: Option<String>,
}

/// Resume an agent, a project or all
///
/// Names what was paused in the same words. For the owner and controllers.
#[utoipa::path(delete, path = "/api/pauses", operation_id = "resume", tag = "agents",
    params(
        ("project" = Option<String>, Query, description = "The project; without it that of the token, else all"),
        ("agent" = Option<String>, Query, description = "The agent's name; without it the whole project"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless"),
    ),
    responses((status = 200, description = "What is resumed", body = Resumed)))]
async fn end(Leader(ctx): Leader, Query(query): Query<ResumeQuery>) -> Result<axum::Json<Resumed>> {
    Ok(axum::Json(resume(&ctx, query.project, query.agent).await?))
}
