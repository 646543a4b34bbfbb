//! HTTP of pauses.

use coro_api::pauses::{NewPause, Pause, Resumed};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{list_pauses, pause, resume, resume_all, resume_id};
use crate::app::App;
use crate::auth::{Leader, Reader};
use crate::error::{Result, invalid};
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
    id: Option<String>,
    #[serde(default)]
    all: bool,
}

/// Resume an agent, a project or all
///
/// Names what was paused in the same words or by its id, or ends all at once
/// that the caller may end. For the owner and controllers.
#[utoipa::path(delete, path = "/api/pauses", operation_id = "resume", tag = "agents",
    params(
        ("project" = Option<String>, Query, description = "The project; without it that of the token, else all"),
        ("agent" = Option<String>, Query, description = "The agent's name; without it the whole project"),
        ("id" = Option<String>, Query, description = "Instead of both: the pause's id, such as `project:shop`"),
        ("all" = Option<bool>, Query, description = "Instead of all these: every pause that the caller may end"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless"),
    ),
    responses((status = 200, description = "What is resumed", body = Resumed)))]
async fn end(Leader(ctx): Leader, Query(query): Query<ResumeQuery>) -> Result<axum::Json<Resumed>> {
    let ended = match (query.all, query.id, query.project, query.agent) {
        (true, None, None, None) => resume_all(&ctx).await?,
        (false, Some(id), None, None) => resume_id(&ctx, id).await?,
        (false, None, project, agent) => resume(&ctx, project, agent).await?,
        _ => {
            return Err(invalid("all, id and project with agent exclude each other")
                .hint("name one of them"));
        }
    };
    Ok(axum::Json(ended))
}
