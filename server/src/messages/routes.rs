//! HTTP of messages.

use axum::http::Method;
use axum::response::{IntoResponse as _, Response};
use coro_api::messages::{Inbox, Message, NewAnswer, NewAsk, NewMessage, NewReply, Receipt, Sent};
use coro_api::numbers::MessageNumber;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    MessageFilter, acknowledge_message, answer_ask, ask_agent, get_message, list_messages,
    read_channel, read_inbox, reply_to_message, send_message,
};
use crate::app::App;
use crate::auth::{Reader, Writer};
use crate::error::{Result, invalid};
use crate::http::extract::{Json, NoQuery, Path, Query};
use crate::http::page::{bound, check_limit, link_next};
use crate::ids::AgentId;

/// How many messages a list has where the request names no limit.
const LIMIT: i64 = 100;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, send))
        .routes(routes!(get))
        .routes(routes!(acknowledge))
        .routes(routes!(reply))
        .routes(routes!(answer))
        .routes(routes!(ask))
        .routes(routes!(inbox))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    project: Option<String>,
    thread: Option<String>,
    recipient: Option<String>,
    limit: Option<i64>,
    before: Option<i64>,
}

/// List messages
///
/// Those that the caller sent or got, for the owner and controllers all of the
/// project; the newest first, with the beginning of each text. Those of one
/// recipient have its receipt, others none.
#[utoipa::path(get, path = "/api/messages", operation_id = "list_messages", tag = "messages",
    params(
        ("project" = Option<String>, Query, description = "Only those of this project"),
        ("thread" = Option<String>, Query, description = "Only this thread, by its first message", example = "M-1"),
        ("recipient" = Option<String>, Query, description = "Only those for this agent, by its id"),
        ("limit" = Option<i64>, Query, description = "Messages at most (default 100)", minimum = 1, maximum = 10000),
        ("before" = Option<i64>, Query, description = "Numbers below this", minimum = 1),
    ),
    responses((status = 200, description = "The messages", body = Vec<Message>)))]
async fn list(Reader(ctx): Reader, Query(query): Query<ListQuery>) -> Result<Response> {
    let limit = check_limit("limit", query.limit)?.unwrap_or(LIMIT);
    let before = bound("before", query.before, 1, i64::MAX)?;
    let thread = query.thread.as_deref().map(number_of).transpose()?;
    let filter = MessageFilter {
        project: query.project.clone(),
        thread,
        recipient: query.recipient.as_deref().map(AgentId::from_text),
    };
    let (messages, more) = list_messages(&ctx, filter, before, limit).await?;
    let mut response = axum::Json(&messages).into_response();
    if let (true, Some(last)) = (more, messages.last()) {
        let (limit, before) = (limit.to_string(), last.number.0.to_string());
        let place = [("limit", limit.as_str()), ("before", &before)];
        let filters = [
            ("project", &query.project),
            ("thread", &query.thread),
            ("recipient", &query.recipient),
        ];
        link_next(&mut response, "/api/messages", &place, &filters);
    }
    Ok(response)
}

/// Send a message
///
/// To one agent, to the agents of a role, or to all of a project: those that
/// live now, but never the sender.
#[utoipa::path(post, path = "/api/messages", operation_id = "send_message", tag = "messages",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body(content = NewMessage, example = json!({"text": "the cart's API has changed", "to": "backend"})),
    responses((status = 200, description = "Its number and recipients", body = Sent)))]
async fn send(
    Writer(ctx): Writer,
    _: NoQuery,
    Json(body): Json<NewMessage>,
) -> Result<axum::Json<Sent>> {
    Ok(axum::Json(send_message(&ctx, body).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GetQuery {
    wait: Option<u64>,
    peek: Option<String>,
}

/// Read a message
///
/// Whole, with the receipts that the caller may see. Where it is for the
/// caller it is read by that. Waits for the answer to an ask, or until all have
/// acknowledged.
#[utoipa::path(get, path = "/api/messages/{number}", operation_id = "get_message", tag = "messages",
    params(
        ("number" = String, Path, description = "Its number", example = "M-1"),
        ("wait" = Option<u64>, Query, description = "Seconds to wait until nothing more is expected", maximum = 50),
        ("peek" = Option<String>, Query, description = "Look without having read it"),
    ),
    responses((status = 200, description = "The message", body = Message)))]
async fn get(
    Reader(ctx): Reader,
    method: Method,
    Path(number): Path<String>,
    Query(query): Query<GetQuery>,
) -> Result<axum::Json<Message>> {
    let number = number_of(&number)?;
    let peeks = query.peek.is_some() || method == Method::HEAD;
    let wait = query.wait.unwrap_or(0);
    Ok(axum::Json(get_message(&ctx, number, wait, peeks).await?))
}

/// Acknowledge a message
///
/// Only a recipient does. Doing it again changes nothing.
#[utoipa::path(post, path = "/api/messages/{number}/ack", operation_id = "acknowledge_message", tag = "messages",
    params(("number" = String, Path, description = "Its number", example = "M-1"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    responses((status = 200, description = "The caller's receipt", body = Receipt)))]
async fn acknowledge(
    Writer(ctx): Writer,
    _: NoQuery,
    Path(number): Path<String>,
) -> Result<axum::Json<Receipt>> {
    let number = number_of(&number)?;
    Ok(axum::Json(acknowledge_message(&ctx, number).await?))
}

/// Reply to a message
///
/// To whoever sent it; the message is acknowledged by that.
#[utoipa::path(post, path = "/api/messages/{number}/reply", operation_id = "reply_to_message", tag = "messages",
    params(("number" = String, Path, description = "Its number", example = "M-1"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body(content = NewReply, example = json!({"text": "done"})),
    responses((status = 200, description = "The reply's number and recipients", body = Sent)))]
async fn reply(
    Writer(ctx): Writer,
    _: NoQuery,
    Path(number): Path<String>,
    Json(body): Json<NewReply>,
) -> Result<axum::Json<Sent>> {
    let number = number_of(&number)?;
    Ok(axum::Json(reply_to_message(&ctx, number, body).await?))
}

/// Answer an ask
///
/// Only the agent that is asked does. An answer that does not fit the schema is
/// refused with the reason; after a second one the ask has failed.
#[utoipa::path(post, path = "/api/messages/{number}/answer", operation_id = "answer_ask", tag = "messages",
    params(("number" = String, Path, description = "Its number", example = "M-2"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body(content = NewAnswer, example = json!({"answer": {"port": 8080}})),
    responses((status = 200, description = "The ask with its answer", body = Message)))]
async fn answer(
    Writer(ctx): Writer,
    _: NoQuery,
    Path(number): Path<String>,
    Json(body): Json<NewAnswer>,
) -> Result<axum::Json<Message>> {
    let number = number_of(&number)?;
    Ok(axum::Json(answer_ask(&ctx, number, body.answer).await?))
}

/// Ask an agent
///
/// A message that blocks the agent until it gives an answer that fits a JSON
/// Schema. Wait for it with `GET /api/messages/{number}?wait=50`.
#[utoipa::path(post, path = "/api/asks", operation_id = "ask_agent", tag = "messages",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body(content = NewAsk, example = json!({"to": "backend", "prompt": "which port do you listen on?",
        "schema": {"type": "object", "properties": {"port": {"type": "integer"}}, "required": ["port"]}})),
    responses((status = 200, description = "Its number", body = Sent)))]
async fn ask(
    Writer(ctx): Writer,
    _: NoQuery,
    Json(body): Json<NewAsk>,
) -> Result<axum::Json<Sent>> {
    Ok(axum::Json(ask_agent(&ctx, body).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InboxQuery {
    wait: Option<u64>,
    peek: Option<String>,
    how: Option<String>,
    shown: Option<String>,
}

/// Read the inbox
///
/// What the agent that calls has not read, the oldest first, at most 50. It is
/// read by that. With `how=channel` what nothing has shown to it yet, with the
/// beginning of each text; that is delivered once the next call names it in
/// `shown`.
#[utoipa::path(get, path = "/api/inbox", operation_id = "read_inbox", tag = "messages",
    params(
        ("wait" = Option<u64>, Query, description = "Seconds to wait for the first message", maximum = 50),
        ("peek" = Option<String>, Query, description = "Look without having read them"),
        ("how" = Option<String>, Query, description = "`channel`: for a client that pushes them into a session"),
        ("shown" = Option<String>, Query, description = "With `how=channel`: what was pushed since the last call"),
    ),
    responses((status = 200, description = "The messages", body = Inbox)))]
async fn inbox(
    Reader(ctx): Reader,
    method: Method,
    Query(query): Query<InboxQuery>,
) -> Result<axum::Json<Inbox>> {
    let wait = query.wait.unwrap_or(0);
    let peeks = query.peek.is_some() || method == Method::HEAD;
    let inbox = match (query.how.as_deref(), query.shown) {
        (None, None) => read_inbox(&ctx, wait, peeks).await?,
        (Some("channel"), shown) if !peeks => {
            let shown = shown.unwrap_or_default();
            let shown = shown.split(',').filter(|number| !number.is_empty());
            let shown = shown.map(number_of).collect::<Result<Vec<_>>>()?;
            read_channel(&ctx, wait, shown).await?
        }
        (Some("channel"), _) => return Err(invalid("a channel does not peek")),
        (Some(how), _) => return Err(invalid(format!("how is {how:?}; it takes channel"))),
        (None, Some(_)) => return Err(invalid("shown is for how=channel")),
    };
    Ok(axum::Json(inbox))
}

fn number_of(text: &str) -> Result<MessageNumber> {
    text.parse()
        .map_err(|error: coro_api::numbers::NumberError| invalid(error.to_string()))
}
