//! HTTP of events.

use std::sync::Arc;

use axum::Extension;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use coro_api::events::{Event, EventPage, PublishRequest};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{list_event_history, publish_event};
use crate::app::App;
use crate::auth::{Reader, Writer};
use crate::db::glob::Glob;
use crate::error::{Result, invalid};
use crate::http::connections::Place;
use crate::http::event_form::Form;
use crate::http::extract::{Json, NoQuery, Query};
use crate::http::page::{bound, check_limit, drop_empty, link_next, parse_time};
use crate::http::websocket::FRAME_BYTES_MAX;
use crate::http::{stream, websocket};
use crate::log::feed::Cursor;
use crate::log::poll::Poll;
use crate::log::{Filter, Subject};

/// How many events a history has where the request names no number.
const HISTORY_LAST: i64 = 50;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(publish))
        .routes(routes!(history))
        .routes(routes!(read))
        .routes(routes!(subscribe))
}

/// Publish an event
#[utoipa::path(post, path = "/api/events/publish", operation_id = "publish_event", tag = "events",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body(content = PublishRequest, example = json!({"topic": "shop.api.done", "data": {"feature": "login"}})),
    responses((status = 200, description = "The event as it was written to the log", body = Event)))]
async fn publish(
    Writer(ctx): Writer,
    _: NoQuery,
    headers: HeaderMap,
    Json(body): Json<PublishRequest>,
) -> Result<Response> {
    let event = publish_event(&ctx, body).await?;
    Ok(Form::of(&ctx, &headers).one(&event))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HistoryQuery {
    last: Option<i64>,
    topic: Option<String>,
    source: Option<String>,
    subject: Option<String>,
    project: Option<String>,
    from: Option<String>,
    to: Option<String>,
    after: Option<i64>,
    before: Option<i64>,
}

impl HistoryQuery {
    fn without_empty(mut self) -> Self {
        drop_empty([
            &mut self.topic,
            &mut self.source,
            &mut self.subject,
            &mut self.project,
            &mut self.from,
            &mut self.to,
        ]);
        self
    }
}

/// List past events
///
/// The newest first. All filters hold before `last` counts. Where more events
/// may match before the last one given, `Link` names the next page.
#[utoipa::path(get, path = "/api/events/history", operation_id = "list_event_history", tag = "events",
    params(
        ("last" = Option<i64>, Query, description = "Events at most (default 50)", minimum = 1, maximum = 10000),
        ("topic" = Option<String>, Query, description = "A pattern; `*` stands for anything", example = "shop.*"),
        ("source" = Option<String>, Query, description = "Who published; `coro` for the server"),
        ("subject" = Option<String>, Query, description = "What it is about"),
        ("project" = Option<String>, Query, description = "Only events of this project; by default all that the token sees"),
        ("from" = Option<String>, Query, description = "From this moment on (RFC 3339)"),
        ("to" = Option<String>, Query, description = "Up to this moment (RFC 3339)"),
        ("after" = Option<i64>, Query, description = "Revisions above this", minimum = 0),
        ("before" = Option<i64>, Query, description = "Revisions below this", minimum = 1),
    ),
    responses((status = 200, description = "The events", body = Vec<Event>)))]
async fn history(
    Reader(ctx): Reader,
    Query(query): Query<HistoryQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let query = query.without_empty();
    let last = check_limit("last", query.last)?.unwrap_or(HISTORY_LAST);
    let after = bound("after", query.after, 0, 0)?;
    let before = bound("before", query.before, 1, i64::MAX)?;
    let topic = Glob::parse("topic", query.topic.as_deref().unwrap_or("*"))?;
    let sight = ctx.caller.sight_of(query.project.as_deref())?;
    let mut filter = Filter::new(sight, topic);
    filter.source = query.source.clone();
    filter.subject = query.subject.clone().map_or(Subject::Any, Subject::Is);
    filter.from = parse_time("from", query.from.as_deref())?;
    filter.to = parse_time("to", query.to.as_deref())?;
    let limit = usize::try_from(last).unwrap_or(usize::MAX);
    let page = list_event_history(&ctx, filter, after, before, limit).await?;
    let mut response = Form::of(&ctx, &headers).list(&page.entries);
    if page.more {
        let (last, before, after) = (last.to_string(), page.next.to_string(), after.to_string());
        let place = [
            ("last", last.as_str()),
            ("before", &before),
            ("after", &after),
        ];
        let filters = [
            ("topic", &query.topic),
            ("source", &query.source),
            ("subject", &query.subject),
            ("project", &query.project),
            ("from", &query.from),
            ("to", &query.to),
        ];
        link_next(&mut response, "/api/events/history", &place, &filters);
    }
    Ok(response)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadQuery {
    from: Option<i64>,
    pattern: Option<String>,
    project: Option<String>,
    limit: Option<i64>,
    wait: Option<u64>,
}

/// Follow events
///
/// The events after revision `from`, in order. A client that accepts
/// `text/event-stream` gets a stream that it resumes with `Last-Event-ID`;
/// else it is a long poll, and `next` is the `from` of the following one.
/// Where `from` is older than what is kept the answer is 410 with the oldest
/// kept revision.
#[utoipa::path(get, path = "/api/events", operation_id = "read_events", tag = "events",
    params(
        ("from" = Option<i64>, Query, description = "The last revision already seen; default is the present", example = 0, minimum = 0),
        ("pattern" = Option<String>, Query, description = "Topics; `*` stands for anything"),
        ("project" = Option<String>, Query, description = "Only events of this project; by default all that the token sees"),
        ("limit" = Option<i64>, Query, description = "Events of a long poll at most (default 100)", minimum = 1, maximum = 10000),
        ("wait" = Option<u64>, Query, description = "Seconds that a long poll waits for the first event (default 0)", maximum = 50),
        ("Last-Event-ID" = Option<String>, Header, description = "Of a stream: in place of `from`"),
    ),
    responses((status = 200, description = "The events", content(
        (EventPage = "application/json"), (String = "text/event-stream")))))]
async fn read(
    Reader(ctx): Reader,
    Query(query): Query<ReadQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let pattern = Glob::parse("pattern", query.pattern.as_deref().unwrap_or("*"))?;
    let sight = ctx.caller.sight_of(query.project.as_deref())?;
    let filter = Filter::new(sight, pattern);
    let request = Poll {
        from: query.from,
        wait: query.wait,
        limit: query.limit,
    };
    stream::respond(&ctx, filter, request, &headers).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubscribeQuery {
    pattern: Option<String>,
    project: Option<String>,
    from: Option<i64>,
}

/// Subscribe over a WebSocket
///
/// Each event is one text frame. Resumes after revision `from`.
#[utoipa::path(get, path = "/api/events/subscribe", operation_id = "subscribe_events", tag = "events",
    params(
        ("pattern" = Option<String>, Query, description = "Topics; `*` stands for anything"),
        ("project" = Option<String>, Query, description = "Only events of this project; by default all that the token sees"),
        ("from" = Option<i64>, Query, description = "The last revision already seen; default is the present", minimum = 0),
    ),
    responses((status = 101, description = "Frames follow, each an event")))]
async fn subscribe(
    Reader(ctx): Reader,
    Query(query): Query<SubscribeQuery>,
    place: Option<Extension<Arc<Place>>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response> {
    let upgrade = upgrade.map_err(|error| {
        invalid(format!("this is a WebSocket: {}", error.body_text()))
            .hint("follow events over plain HTTP with GET /api/events")
    })?;
    let pattern = Glob::parse("pattern", query.pattern.as_deref().unwrap_or("*"))?;
    let sight = ctx.caller.sight_of(query.project.as_deref())?;
    let filter = Filter::new(sight, pattern);
    let slot = ctx.stream_slot()?;
    let tenant = &ctx.caller.tenant;
    let cursor = Cursor::open(&ctx.app.feeds, &ctx.app.db, tenant, filter, query.from).await?;
    // The page names it beside its key; others name none.
    let upgrade = upgrade
        .protocols(["coro"])
        .max_frame_size(FRAME_BYTES_MAX)
        .max_message_size(FRAME_BYTES_MAX);
    Ok(upgrade
        .on_upgrade(move |socket| async move {
            let _open = (slot, place);
            websocket::send_events(socket, cursor, ctx).await;
        })
        .into_response())
}
