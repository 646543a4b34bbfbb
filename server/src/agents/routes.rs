//! HTTP of agents: Koor's instances.

use axum::response::Response;
use coro_api::agents::{
    ActivatedAgent, Agent, AgentStatus, Alive, Capabilities, Deregistered, Intent, LivenessCheck,
    NewAgent, NewCapabilities, NewIntent, RegisteredAgent,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    AgentFilter, activate_agent, deregister_agent, get_agent, keep_alive, list_agents, liveness,
    register_agent, set_capabilities, set_intent,
};
use crate::app::App;
use crate::auth::{Reader, Registrar, Writer};
use crate::error::Result;
use crate::http::extract::{Json, NoQuery, Path, Query};
use crate::http::page::json_at;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(list_stale))
        .routes(routes!(register))
        .routes(routes!(get, deregister))
        .routes(routes!(activate))
        .routes(routes!(heartbeat))
        .routes(routes!(intent))
        .routes(routes!(capabilities))
        .routes(routes!(check))
}

/// List agents
///
/// The one heard of last first. Each filter that is given must hold; agents
/// that have ended are listed with `status=ended` only.
#[utoipa::path(get, path = "/api/instances", operation_id = "list_agents", tag = "agents",
    params(
        ("project" = Option<String>, Query, description = "Its project"),
        ("name" = Option<String>, Query, description = "Its name"),
        ("workspace" = Option<String>, Query, description = "Its workspace"),
        ("stack" = Option<String>, Query, description = "Its stack"),
        ("capability" = Option<String>, Query, description = "One of its capabilities"),
        ("status" = Option<String>, Query, description = "Its status: pending, active, stale or ended"),
        ("intent" = Option<String>, Query, description = "Text that its intent contains, in any case"),
    ),
    responses((status = 200, description = "The agents", body = Vec<Agent>)))]
async fn list(Reader(ctx): Reader, Query(filter): Query<AgentFilter>) -> Result<Response> {
    let list = list_agents(&ctx, filter).await?;
    Ok(json_at(list.revision, &list.agents))
}

/// List stale agents
#[utoipa::path(get, path = "/api/instances/stale", operation_id = "list_stale_agents", tag = "agents",
    responses((status = 200, description = "Those not heard of for a while", body = Vec<Agent>)))]
async fn list_stale(Reader(ctx): Reader, _: NoQuery) -> Result<Response> {
    let filter = AgentFilter {
        status: AgentStatus::Stale.word().to_owned(),
        ..AgentFilter::default()
    };
    let list = list_agents(&ctx, filter).await?;
    Ok(json_at(list.revision, &list.agents))
}

/// Register an agent
///
/// Makes it, or continues the one of this name with its next generation. The
/// answer holds the agent's token, except where the caller's is that already.
#[utoipa::path(post, path = "/api/instances/register", operation_id = "register_agent", tag = "agents",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body(content = NewAgent, example = json!({"name": "frontend", "workspace": "~/shop", "intent": "build the cart", "stack": "react"})),
    responses((status = 200, description = "The agent", body = RegisteredAgent)))]
async fn register(
    Registrar(ctx): Registrar,
    _: NoQuery,
    Json(body): Json<NewAgent>,
) -> Result<axum::Json<RegisteredAgent>> {
    Ok(axum::Json(register_agent(&ctx, body).await?))
}

/// Read an agent
#[utoipa::path(get, path = "/api/instances/{id}", operation_id = "get_agent", tag = "agents",
    params(("id" = String, Path, description = "Its id, or `self`", example = "self")),
    responses((status = 200, description = "The agent", body = Agent)))]
async fn get(Reader(ctx): Reader, _: NoQuery, Path(id): Path<String>) -> Result<axum::Json<Agent>> {
    Ok(axum::Json(get_agent(&ctx, &id).await?))
}

/// Deregister an agent
///
/// It has ended then. One that ends itself can register again with its token;
/// the tokens of one that another ends are revoked.
#[utoipa::path(delete, path = "/api/instances/{id}", operation_id = "deregister_agent", tag = "agents",
    params(("id" = String, Path, description = "Its id, or `self`", example = "self"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    responses((status = 200, description = "The agent has ended", body = Deregistered)))]
async fn deregister(
    Writer(ctx): Writer,
    _: NoQuery,
    Path(id): Path<String>,
) -> Result<axum::Json<Deregistered>> {
    Ok(axum::Json(deregister_agent(&ctx, &id).await?))
}

/// Activate an agent
///
/// Proves that what the agent calls with works.
#[utoipa::path(post, path = "/api/instances/{id}/activate", operation_id = "activate_agent", tag = "agents",
    params(("id" = String, Path, description = "Its id, or `self`", example = "self")),
    responses((status = 200, description = "The agent is active", body = ActivatedAgent)))]
async fn activate(
    Writer(ctx): Writer,
    _: NoQuery,
    Path(id): Path<String>,
) -> Result<axum::Json<ActivatedAgent>> {
    Ok(axum::Json(activate_agent(&ctx, &id).await?))
}

/// Say that an agent lives
///
/// Every call with the agent's token says so already; this is for those that
/// have nothing else to say.
#[utoipa::path(post, path = "/api/instances/{id}/heartbeat", operation_id = "keep_agent_alive", tag = "agents",
    params(("id" = String, Path, description = "Its id, or `self`", example = "self")),
    responses((status = 200, description = "It was heard", body = Alive)))]
async fn heartbeat(
    Writer(ctx): Writer,
    _: NoQuery,
    Path(id): Path<String>,
) -> Result<axum::Json<Alive>> {
    let id = keep_alive(&ctx, &id).await?;
    Ok(axum::Json(Alive {
        id: id.to_string(),
        status: "ok".to_owned(),
    }))
}

/// Say what an agent is doing
#[utoipa::path(post, path = "/api/instances/{id}/intent", operation_id = "set_intent", tag = "agents",
    params(("id" = String, Path, description = "Its id, or `self`", example = "self")),
    request_body(content = NewIntent, example = json!({"intent": "build the cart"})),
    responses((status = 200, description = "The intent", body = Intent)))]
async fn intent(
    Writer(ctx): Writer,
    _: NoQuery,
    Path(id): Path<String>,
    Json(body): Json<NewIntent>,
) -> Result<axum::Json<Intent>> {
    Ok(axum::Json(set_intent(&ctx, &id, body.intent).await?))
}

/// Say what an agent can do
///
/// Replaces all that it could do before.
#[utoipa::path(post, path = "/api/instances/{id}/capabilities", operation_id = "set_capabilities", tag = "agents",
    params(("id" = String, Path, description = "Its id, or `self`", example = "self")),
    request_body(content = NewCapabilities, example = json!({"capabilities": ["react", "css"]})),
    responses((status = 200, description = "The capabilities", body = Capabilities)))]
async fn capabilities(
    Writer(ctx): Writer,
    _: NoQuery,
    Path(id): Path<String>,
    Json(body): Json<NewCapabilities>,
) -> Result<axum::Json<Capabilities>> {
    let capabilities = body.capabilities.unwrap_or_default();
    Ok(axum::Json(set_capabilities(&ctx, &id, capabilities).await?))
}

/// Look who is alive, now
///
/// The server looks by itself; this does not wait for that.
#[utoipa::path(post, path = "/api/liveness/check", operation_id = "check_liveness", tag = "agents",
    responses((status = 200, description = "Who has just become stale", body = LivenessCheck)))]
async fn check(Writer(ctx): Writer, _: NoQuery) -> Result<axum::Json<LivenessCheck>> {
    Ok(axum::Json(liveness::check_now(&ctx).await?))
}
