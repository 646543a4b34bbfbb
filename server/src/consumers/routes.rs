//! HTTP of consumers.

use axum::http::HeaderMap;
use axum::response::Response;
use coro_api::consumers::{Acknowledge, Consumer, NewConsumer};
use coro_api::events::EventPage;
use coro_api::state::Deleted;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    acknowledge_events, create_consumer, delete_consumer, fetch_events, get_consumer,
    list_consumers,
};
use crate::app::App;
use crate::auth::Reader;
use crate::error::Result;
use crate::http::event_form::Form;
use crate::http::extract::{Json, NoQuery, Path, Query};
use crate::http::page::json_at;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, delete))
        .routes(routes!(fetch))
        .routes(routes!(acknowledge))
}

/// List consumers
///
/// The caller's own; for the owner all.
#[utoipa::path(get, path = "/api/consumers", operation_id = "list_consumers", tag = "consumers",
    responses((status = 200, description = "The consumers", body = Vec<Consumer>)))]
async fn list(Reader(ctx): Reader, _: NoQuery) -> Result<axum::Json<Vec<Consumer>>> {
    Ok(axum::Json(list_consumers(&ctx).await?))
}

/// Make a consumer
///
/// Making the same one again answers with the one that is there.
#[utoipa::path(post, path = "/api/consumers", operation_id = "create_consumer", tag = "consumers",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body(content = NewConsumer, example = json!({"name": "frontend-inbox", "pattern": "shop.*", "from": 0})),
    responses((status = 200, description = "The consumer", body = Consumer)))]
async fn create(
    Reader(ctx): Reader,
    _: NoQuery,
    Json(body): Json<NewConsumer>,
) -> Result<axum::Json<Consumer>> {
    Ok(axum::Json(create_consumer(&ctx, body).await?))
}

/// Read a consumer
#[utoipa::path(get, path = "/api/consumers/{name}", operation_id = "get_consumer", tag = "consumers",
    params(("name" = String, Path, description = "Its name", example = "frontend-inbox")),
    responses((status = 200, description = "The consumer", body = Consumer)))]
async fn get(
    Reader(ctx): Reader,
    _: NoQuery,
    Path(name): Path<String>,
) -> Result<axum::Json<Consumer>> {
    Ok(axum::Json(get_consumer(&ctx, &name).await?))
}

/// Delete a consumer
#[utoipa::path(delete, path = "/api/consumers/{name}", operation_id = "delete_consumer", tag = "consumers",
    params(("name" = String, Path, description = "Its name", example = "frontend-inbox"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    responses((status = 200, description = "The consumer is deleted", body = Deleted)))]
async fn delete(Reader(ctx): Reader, _: NoQuery, Path(name): Path<String>) -> Result<Response> {
    let deleted = delete_consumer(&ctx, &name).await?;
    Ok(json_at(deleted.revision, &deleted))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FetchQuery {
    limit: Option<i64>,
    wait: Option<u64>,
}

/// Fetch a consumer's events
///
/// Those after what was acknowledged, in order. Does not move the cursor: what
/// is not acknowledged comes again.
#[utoipa::path(get, path = "/api/consumers/{name}/events", operation_id = "fetch_events", tag = "consumers",
    params(
        ("name" = String, Path, description = "Its name", example = "frontend-inbox"),
        ("limit" = Option<i64>, Query, description = "Events at most (default 100)", minimum = 1, maximum = 10000),
        ("wait" = Option<u64>, Query, description = "Seconds to wait for the first event", maximum = 50),
    ),
    responses((status = 200, description = "The events", body = EventPage)))]
async fn fetch(
    Reader(ctx): Reader,
    Path(name): Path<String>,
    Query(query): Query<FetchQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let page = fetch_events(&ctx, &name, query.limit, query.wait).await?;
    Ok(Form::of(&ctx, &headers).page(&page))
}

/// Acknowledge events
#[utoipa::path(post, path = "/api/consumers/{name}/ack", operation_id = "acknowledge_events", tag = "consumers",
    params(("name" = String, Path, description = "Its name", example = "frontend-inbox"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body(content = Acknowledge, example = json!({"revision": 1})),
    responses((status = 200, description = "The consumer as it is now", body = Consumer)))]
async fn acknowledge(
    Reader(ctx): Reader,
    _: NoQuery,
    Path(name): Path<String>,
    Json(body): Json<Acknowledge>,
) -> Result<axum::Json<Consumer>> {
    Ok(axum::Json(
        acknowledge_events(&ctx, &name, body.revision).await?,
    ))
}
