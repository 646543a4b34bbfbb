//! HTTP of hooks.

use coro_api::hooks::{HookAnswer, HookCall};
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{call_hook, read_call};
use crate::app::App;
use crate::auth::Writer;
use crate::error::Result;
use crate::http::extract::{Json, NoQuery};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(call))
}

/// Tell what happens in an agent's client
///
/// What `coro-cli hook` calls, with the agent's token: it registers the agent
/// at the start of a session, hands out messages, refuses tools of the paused
/// and edits under another's lease, and tells who is about to stop what waits.
#[utoipa::path(post, path = "/api/hook", operation_id = "call_hook", tag = "agents",
    request_body(content = HookCall, example = json!({"event": "before_tool", "client": "claude-code", "paths": ["src/cart.rs"]})),
    responses((status = 200, description = "What the agent is told", body = HookAnswer)))]
async fn call(
    Writer(ctx): Writer,
    _: NoQuery,
    Json(body): Json<Map<String, Value>>,
) -> Result<axum::Json<HookAnswer>> {
    let call = read_call(&ctx, body).await?;
    Ok(axum::Json(call_hook(&ctx, call).await?))
}
