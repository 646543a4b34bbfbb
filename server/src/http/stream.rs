//! Answers that follow the log: server-sent events and long polls.
//!
//! Both read a cursor. A stream ends when the server stops, when its client is
//! gone, or with an `error` event when what follows is no longer kept; the
//! client comes back with the last revision that it saw.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::stream::unfold;
use tokio::time::timeout;

use super::event_form::Form;
use super::extract::accepts;
use super::page::REVISION;
use crate::app::Ctx;
use crate::auth::check_again;
use crate::error::{Error, Result, invalid};
use crate::log::Filter;
use crate::log::feed::{BATCH_MAX, Cursor, Published};
use crate::log::poll::{Poll, poll};

/// How often a quiet stream says that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long a client waits before it comes back, in milliseconds.
const RETRY_MS: u64 = 1000;

/// Answers with a stream where the client accepts one, else with a long poll.
pub async fn respond(
    ctx: &Ctx,
    filter: Filter,
    request: Poll,
    headers: &HeaderMap,
) -> Result<Response> {
    if accepts(headers, "text/event-stream") {
        let from = last_event_id(headers)?.or(request.from);
        return server_sent_events(ctx, filter, from).await;
    }
    let form = Form::of(ctx, headers);
    let page = poll(ctx, filter, request).await?;
    Ok(form.page(&page))
}

/// A stream of events that goes on until the client leaves.
async fn server_sent_events(ctx: &Ctx, filter: Filter, from: Option<i64>) -> Result<Response> {
    let slot = ctx.stream_slot()?;
    let tenant = &ctx.caller.tenant;
    let cursor = Cursor::open(&ctx.app.feeds, &ctx.app.db, tenant, filter, from).await?;
    let revision = cursor.at();
    let start = Bytes::from(format!("retry: {RETRY_MS}\n\n"));
    let open = (slot, ctx.app.metrics.stream());
    let state = (cursor, ctx.clone(), open, Some(start));
    let body = unfold(Some(state), |state| async move {
        let (mut cursor, ctx, open, start) = state?;
        if let Some(start) = start {
            return Some((
                Ok::<_, std::io::Error>(start),
                Some((cursor, ctx, open, None)),
            ));
        }
        match next_chunk(&mut cursor, &ctx).await {
            Chunk::More(bytes) => Some((Ok(bytes), Some((cursor, ctx, open, None)))),
            Chunk::Last(bytes) => Some((Ok(bytes), None)),
            Chunk::End => None,
        }
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    headers.insert(REVISION, HeaderValue::from(revision));
    Ok(response)
}

enum Chunk {
    More(Bytes),
    Last(Bytes),
    End,
}

async fn next_chunk(cursor: &mut Cursor, ctx: &Ctx) -> Chunk {
    loop {
        if let Err(error) = check_again(&ctx.app, &ctx.caller).await {
            return Chunk::Last(error_event(&error));
        }
        match cursor.read(BATCH_MAX).await {
            Ok(batch) if !batch.entries.is_empty() => {
                let mut chunk = BytesMut::with_capacity(batch.entries.len() * 400);
                for published in &batch.entries {
                    write_event(&mut chunk, published);
                }
                return Chunk::More(chunk.freeze());
            }
            // Much was looked at and nothing matched: the place is worth telling.
            Ok(batch) if batch.next < cursor.head() => return Chunk::More(place(batch.next)),
            Ok(_) => {}
            Err(error) => return Chunk::Last(error_event(&error)),
        }
        tokio::select! {
            () = ctx.app.stop.cancelled() => return Chunk::End,
            waited = timeout(KEEP_ALIVE, cursor.wait()) => {
                if waited.is_err() {
                    return Chunk::More(place(cursor.at()));
                }
            }
        }
    }
}

/// Says that the stream lives, and where it is: an event without data is none,
/// but clients remember its id (HTML, 9.2.6).
fn place(at: i64) -> Bytes {
    Bytes::from(format!(": alive\nid: {at}\n\n"))
}

/// Why a stream ends before its client leaves.
fn error_event(error: &Error) -> Bytes {
    let error = serde_json::json!({
        "reason": error.reason.word(),
        "detail": error.message,
        "revision": error.revision,
        "next": error.hint,
    });
    Bytes::from(format!("event: error\ndata: {error}\n\n"))
}

fn write_event(chunk: &mut BytesMut, published: &Published) {
    let json = published.json();
    let mut id = itoa::Buffer::new();
    chunk.reserve(json.len() + 40);
    chunk.put_slice(b"id: ");
    chunk.put_slice(id.format(published.entry.revision).as_bytes());
    chunk.put_slice(b"\ndata: ");
    chunk.put_slice(json);
    chunk.put_slice(b"\n\n");
}

/// Where a client that comes back left off.
fn last_event_id(headers: &HeaderMap) -> Result<Option<i64>> {
    let Some(id) = headers.get("last-event-id") else {
        return Ok(None);
    };
    let parsed = id.to_str().ok().and_then(|id| id.parse().ok());
    let id = String::from_utf8_lossy(id.as_bytes()).into_owned();
    parsed
        .map(Some)
        .ok_or_else(|| invalid(format!("Last-Event-ID is {id:?}; it takes a revision")))
}
