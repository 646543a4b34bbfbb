//! HTTP of A2A.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum::{Json as Answer, Router};
use coro_api::a2a::AgentCard;
use serde_json::Value;

use super::{CARD_PATH, answer, card_of_agent, card_of_server};
use crate::agents::get_agent;
use crate::app::App;
use crate::auth::Reader;
use crate::error::Result;
use crate::http::extract::{AnyJson, NoQuery, Path};

/// None where the setting is off.
pub fn routes(app: &App) -> Router<App> {
    if !app.config.a2a {
        return Router::new();
    }
    Router::new()
        .route(CARD_PATH, get(server_card))
        .route("/a2a", post(to_server))
        .route("/a2a/agents/{id}", post(to_agent))
        .route("/a2a/agents/{id}/agent-card.json", get(agent_card))
}

/// The only card that needs no token: it tells nothing of the agents.
async fn server_card(State(app): State<App>, headers: HeaderMap) -> Answer<AgentCard> {
    Answer(card_of_server(&app.config.url_of(&headers, app.address)))
}

async fn agent_card(
    Reader(ctx): Reader,
    _: NoQuery,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Answer<AgentCard>> {
    let agent = get_agent(&ctx, &id).await?;
    Ok(Answer(card_of_agent(
        &agent,
        &ctx.app.config.url_of(&headers, ctx.app.address),
    )))
}

async fn to_server(_: Reader, AnyJson(request): AnyJson) -> Answer<Value> {
    Answer(answer(&request, "the server"))
}

async fn to_agent(
    Reader(ctx): Reader,
    Path(id): Path<String>,
    AnyJson(request): AnyJson,
) -> Result<Answer<Value>> {
    let agent = get_agent(&ctx, &id).await?;
    Ok(Answer(answer(&request, &agent.name)))
}
