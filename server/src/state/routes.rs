//! HTTP of state.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use coro_api::events::EventPage;
use coro_api::state::{Deleted, RolledBack, StateItem};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::diff::{Diff, Format, diff_state};
use super::{
    NewValue, Patch, Value, delete_state, etag, get_state, get_state_item, get_state_version,
    list_state, list_state_history, patch_state, put_state, rollback_state,
};
use crate::app::{App, Ctx};
use crate::auth::{Reader, Writer};
use crate::db::glob::Glob;
use crate::error::{Error, Reason, Result, invalid};
use crate::http::etag::{none_match, write_condition};
use crate::http::extract::{NoQuery, Path, Query, Raw, media_type};
use crate::http::inert::Stored;
use crate::http::page::{REVISION, Rows, check_limit, json_at};
use crate::http::stream;
use crate::log::poll::Poll;
use crate::log::{Filter, Subject};

/// How many versions a history has where the request names no limit.
const HISTORY_LIMIT: i64 = 50;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get, put, post, patch, delete))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    #[serde(default)]
    prefix: String,
    limit: Option<i64>,
    #[serde(default)]
    cursor: String,
    watch: Option<String>,
    from: Option<i64>,
    wait: Option<u64>,
}

/// What a list of keys answers; only its document is made of this.
#[derive(utoipa::ToSchema, serde::Serialize)]
#[serde(untagged)]
#[expect(dead_code, reason = "utoipa reads it")]
enum Listing {
    Keys(Vec<StateItem>),
    Changes(EventPage),
}

/// List keys
///
/// Keys in byte order. Without `limit` the list is whole. With `watch` it is
/// instead the changes of these keys after revision `from`: an SSE stream
/// where the client accepts `text/event-stream`, else a long poll.
#[utoipa::path(get, path = "/api/state", operation_id = "list_state", tag = "state",
    params(
        ("prefix" = Option<String>, Query, description = "Keys that begin with this", example = "shop/"),
        ("limit" = Option<i64>, Query, description = "Rows at most", minimum = 1, maximum = 10000),
        ("cursor" = Option<String>, Query, description = "The last key of the page before"),
        ("watch" = Option<String>, Query, description = "Give changes instead of keys"),
        ("from" = Option<i64>, Query, description = "With watch: the last revision already seen; default is the present", minimum = 0),
        ("wait" = Option<u64>, Query, description = "With watch: seconds to wait for a change", maximum = 50),
    ),
    responses((status = 200, description = "The keys, or with `watch` their changes", body = Listing)))]
async fn list(
    Reader(ctx): Reader,
    Query(query): Query<ListQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    if query.watch.is_some() {
        let subject = Subject::StartsWith(query.prefix);
        return watch(&ctx, subject, query.from, query.wait, &headers).await;
    }
    if query.from.is_some() || query.wait.is_some() {
        return Err(invalid("from and wait go with watch"));
    }
    let rows = Rows::asked(query.limit)?;
    let prefix = query.prefix.clone();
    let listed = list_state(&ctx, prefix, query.cursor, rows.to_read()).await?;
    let filters = [("prefix", &Some(query.prefix))];
    rows.answer(&listed, "/api/state", "cursor", &filters)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GetQuery {
    version: Option<i64>,
    history: Option<String>,
    limit: Option<i64>,
    diff: Option<String>,
    format: Option<Format>,
    meta: Option<String>,
    watch: Option<String>,
    from: Option<i64>,
    wait: Option<u64>,
}

impl GetQuery {
    /// `limit`, `format`, `from` and `wait` each belong to a reading.
    fn check(&self) -> Result<()> {
        let stray = [
            ("limit", self.limit.is_some() && self.history.is_none()),
            ("format", self.format.is_some() && self.diff.is_none()),
            ("from", self.from.is_some() && self.watch.is_none()),
            ("wait", self.wait.is_some() && self.watch.is_none()),
        ];
        let readings = [
            self.meta.is_some(),
            self.watch.is_some(),
            self.version.is_some(),
        ];
        if readings.into_iter().filter(|given| *given).count() > 1 {
            return Err(invalid("meta, watch and version exclude each other"));
        }
        match stray.into_iter().find(|(_, stray)| *stray) {
            Some((name, _)) => Err(invalid(format!("{name} does not go with this reading"))),
            None => Ok(()),
        }
    }
}

/// Read a key
///
/// The value as it was written, with its content type. `history`, `diff`,
/// `version`, `meta` and `watch` choose another reading of the key. `history`
/// and `diff` come before the others, as in Koor.
#[utoipa::path(get, path = "/api/state/{*key}", operation_id = "get_state", tag = "state",
    params(
        ("key" = String, Path, description = "The key, which may contain /", example = "shop/plan"),
        ("version" = Option<i64>, Query, description = "A version of the past", minimum = 1),
        ("history" = Option<String>, Query, description = "The kept versions instead of the value"),
        ("limit" = Option<i64>, Query, description = "With history: versions at most (default 50)", minimum = 1, maximum = 10000),
        ("diff" = Option<String>, Query, description = "The difference of two versions: `v1,v2`", pattern = "^[0-9]+,[0-9]+$"),
        ("format" = Option<String>, Query, description = "With diff: `koor`, `json-patch` or `text`", pattern = "^(koor|json-patch|text)$"),
        ("meta" = Option<String>, Query, description = "The key's entry in the list instead of the value"),
        ("watch" = Option<String>, Query, description = "The key's changes instead of the value"),
        ("from" = Option<i64>, Query, description = "With watch: the last revision already seen", minimum = 0),
        ("wait" = Option<u64>, Query, description = "With watch: seconds to wait for a change", maximum = 50),
        ("If-None-Match" = Option<String>, Header, description = "Tags that the client has: 304 where one is the present value's"),
    ),
    responses(
        (status = 200, description = "The value as it was stored, or the reading that was chosen: a `StateHistory`, a `StateDiff`, a `StateItem` or an `EventPage` in JSON", content(("*/*"))),
        (status = 304, description = "The client has the present value")))]
async fn get(
    Reader(ctx): Reader,
    Path(key): Path<String>,
    Query(query): Query<GetQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    query.check()?;
    if query.history.is_some() {
        let limit = check_limit("limit", query.limit)?.unwrap_or(HISTORY_LIMIT);
        return Ok(axum::Json(list_state_history(&ctx, &key, limit).await?).into_response());
    }
    if let Some(versions) = query.diff {
        let (v1, v2) = parse_versions(&versions)?;
        return diff_state(&ctx, &key, v1, v2, query.format.unwrap_or_default())
            .await
            .map(diff_response);
    }
    if query.watch.is_some() {
        ctx.caller.check_key(&key)?;
        return watch(&ctx, Subject::Is(key), query.from, query.wait, &headers).await;
    }
    if query.meta.is_some() {
        let (item, revision) = get_state_item(&ctx, &key).await?;
        return Ok(tagged(json_at(revision, &item), &item));
    }
    let (value, revision) = match query.version {
        Some(version) => get_state_version(&ctx, &key, version).await?,
        None => get_state(&ctx, &key).await?,
    };
    if none_match(&headers, value.version, &value.hash)? {
        let etag = etag(value.version, &value.hash.hex());
        let headers = [(header::ETAG, etag), (REVISION, revision.to_string())];
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    Ok(value_response(value, revision))
}

fn value_response(value: Value, revision: i64) -> Response {
    let mut response = Response::new(axum::body::Body::from(value.bytes));
    let headers = response.headers_mut();
    // It was checked when it was written.
    let content_type = HeaderValue::from_str(&value.content_type)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_TYPE, content_type);
    if let Ok(etag) = HeaderValue::from_str(&etag(value.version, &value.hash.hex())) {
        headers.insert(header::ETAG, etag);
    }
    headers.insert("x-koor-version", HeaderValue::from(value.version));
    headers.insert(REVISION, HeaderValue::from(revision));
    // Stored content is data. Where a browser gets it all the same, it may
    // not run there.
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("sandbox"),
    );
    response.extensions_mut().insert(Stored);
    response
}

/// The answer to a write.
fn item_response(item: &StateItem) -> Response {
    tagged(json_at(item.revision, item), item)
}

fn tagged(mut response: Response, item: &StateItem) -> Response {
    if let Ok(etag) = HeaderValue::from_str(&etag(item.version, &item.hash)) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}

fn diff_response(diff: Diff) -> Response {
    ([(header::CONTENT_TYPE, diff.content_type)], diff.body).into_response()
}

fn parse_versions(text: &str) -> Result<(i64, i64)> {
    let parsed = text
        .split_once(',')
        .and_then(|(v1, v2)| Some((v1.trim().parse().ok()?, v2.trim().parse().ok()?)));
    parsed.ok_or_else(|| invalid(format!("diff is {text:?}; it takes two versions: diff=1,2")))
}

async fn watch(
    ctx: &Ctx,
    subject: Subject,
    from: Option<i64>,
    wait: Option<u64>,
    headers: &HeaderMap,
) -> Result<Response> {
    let filter = Filter {
        subject,
        ..Filter::new(ctx.caller.sight(), Glob::own("coro.state.*"))
    };
    let request = Poll {
        from,
        wait,
        limit: None,
    };
    stream::respond(ctx, filter, request, headers).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PutQuery {
    ttl: Option<i64>,
    conditional: Option<bool>,
}

/// Write a key
///
/// The body is the value, any bytes; its content type is stored and not
/// checked. Creates the key or makes its next version.
#[utoipa::path(put, path = "/api/state/{*key}", operation_id = "put_state", tag = "state",
    params(
        ("key" = String, Path, description = "The key, which may contain /", example = "shop/plan"),
        ("ttl" = Option<i64>, Query, description = "Seconds after which the key deletes itself", minimum = 1),
        ("conditional" = Option<bool>, Query, description = "Whether every later write of the key must name the version that it replaces"),
        ("If-Match" = Option<String>, Header, description = "The tag of the value that this replaces, or `*`"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only where the key does not exist", pattern = r"^\*$"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless"),
    ),
    request_body(content_type = "*/*", description = "The value: 1 byte to 10 MiB", example = json!({"milestone": 1})),
    responses((status = 200, description = "The key as it is now", body = StateItem)))]
async fn put(
    Writer(ctx): Writer,
    Path(key): Path<String>,
    Query(query): Query<PutQuery>,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<Response> {
    let new = NewValue::new(body, content_type(&headers)?)?
        .ttl(query.ttl)?
        .conditional(query.conditional);
    let item = put_state(&ctx, &key, new, write_condition(&headers)?).await?;
    Ok(item_response(&item))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PostQuery {
    rollback: Option<i64>,
}

/// Roll a key back
///
/// Writes the value of a past version again, as a new version. Works on a
/// deleted key.
#[utoipa::path(post, path = "/api/state/{*key}", operation_id = "rollback_state", tag = "state",
    params(
        ("key" = String, Path, description = "The key", example = "shop/plan"),
        ("rollback" = i64, Query, description = "The version whose value is written", example = 1, minimum = 1),
        ("If-Match" = Option<String>, Header, description = "The tag of the present value, or `*`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless"),
    ),
    responses((status = 200, description = "The key as it is now", body = RolledBack)))]
async fn post(
    Writer(ctx): Writer,
    Path(key): Path<String>,
    Query(query): Query<PostQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let version = query.rollback.ok_or_else(|| {
        invalid("rollback is missing").hint("name the version: ?rollback=1, or write with PUT")
    })?;
    let rolled = rollback_state(&ctx, &key, version, write_condition(&headers)?).await?;
    let response = json_at(rolled.item.revision, &rolled);
    Ok(tagged(response, &rolled.item))
}

/// Change a part of a key's JSON
///
/// A JSON merge patch (RFC 7396, `application/merge-patch+json`) or a JSON
/// patch (RFC 6902, `application/json-patch+json`), applied to the value that
/// is there at that moment. Numbers beyond 64 bits, also those of the value that
/// the patch does not name, become the nearest double.
#[utoipa::path(patch, path = "/api/state/{*key}", operation_id = "patch_state", tag = "state",
    params(
        ("key" = String, Path, description = "The key", example = "shop/plan"),
        ("If-Match" = Option<String>, Header, description = "The tag of the value that this changes, or `*`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless"),
    ),
    request_body(content(
        (serde_json::Value = "application/merge-patch+json", example = json!({"milestone": 2})),
        (serde_json::Value = "application/json-patch+json", example = json!([{"op": "replace", "path": "/milestone", "value": 2}])))),
    responses((status = 200, description = "The key as it is now", body = StateItem)))]
async fn patch(
    Writer(ctx): Writer,
    Path(key): Path<String>,
    _: NoQuery,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<Response> {
    let patch = match media_type(&headers).as_deref() {
        Some("application/merge-patch+json") => Patch::merge(&body)?,
        Some("application/json-patch+json") => Patch::operations(&body)?,
        _ => {
            return Err(Error::new(
                Reason::UnsupportedMediaType,
                "the body's content type is not one of a patch",
            )
            .hint("send application/merge-patch+json or application/json-patch+json"));
        }
    };
    let item = patch_state(&ctx, &key, patch, write_condition(&headers)?).await?;
    Ok(item_response(&item))
}

/// Delete a key
///
/// Its history stays, and its versions are not used again.
#[utoipa::path(delete, path = "/api/state/{*key}", operation_id = "delete_state", tag = "state",
    params(
        ("key" = String, Path, description = "The key", example = "shop/plan"),
        ("If-Match" = Option<String>, Header, description = "The tag of the value that this deletes, or `*`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless"),
    ),
    responses((status = 200, description = "The key is deleted", body = Deleted)))]
async fn delete(
    Writer(ctx): Writer,
    Path(key): Path<String>,
    _: NoQuery,
    headers: HeaderMap,
) -> Result<Response> {
    let deleted = delete_state(&ctx, &key, write_condition(&headers)?).await?;
    Ok(json_at(deleted.revision, &deleted))
}

/// The content type to store with a value.
fn content_type(headers: &HeaderMap) -> Result<String> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok("application/json".to_owned());
    };
    match value.to_str() {
        Ok(text) if !text.is_empty() && text.len() <= 255 => Ok(text.to_owned()),
        _ => Err(invalid(
            "the content type is empty, not ASCII or longer than 255 bytes",
        )),
    }
}
