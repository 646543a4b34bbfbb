//! What every request passes before its handler: where it comes from, who
//! sends it, and whether it was sent before. One function, because each layer
//! of a stack costs every request.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use coro_api::limits::IDEMPOTENCY_KEY_BYTES_MAX;
use futures_util::FutureExt as _;
use tracing::Instrument as _;

use super::extract::{content_length, read_body};
use super::serve::Peer;
use super::trace;
use crate::app::{App, RequestInfo};
use crate::auth::{
    Caller, Credential, authenticate, record_forbidden, record_unknown, unauthenticated,
};
use crate::dashboard::sessions;
use crate::error::{Error, Reason, Result, forbidden, internal, invalid};
use crate::idempotency::Once;
use crate::ids::Hash;
use crate::{dashboard, mcp};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A body up to this is read before anything is refused, in bytes.
const SMALL_BODY_BYTES: u64 = 16 * 1024;

/// The listener that a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// That of the API; takes tokens.
    Api,
    /// That of the dashboard; takes sessions of its page.
    Dashboard,
}

/// Paths that need no token: they tell nothing that is not public.
fn is_public(door: Door, method: &Method, path: &str) -> bool {
    if door == Door::Dashboard && dashboard::routes::is_public(method, path) {
        return true;
    }
    matches!(path, "/health" | "/ready" | "/openapi.json")
        || path == "/docs"
        // Where clients look for ways to sign in; there is none.
        || path.starts_with("/.well-known/")
        || path.starts_with("/docs/")
}

/// Paths at which nobody tries without being written down, known or not.
fn is_protected(method: &Method, path: &str) -> bool {
    path.starts_with("/api/humans")
        || (path.starts_with("/api/requests/") && path.ends_with("/decide"))
        || (method == Method::PUT && path == "/api/requests/policies")
}

pub async fn pass(State((app, door)): State<(App, Door)>, req: Request, next: Next) -> Response {
    let started = Instant::now();
    let (method, uri) = (req.method().clone(), req.uri().clone());
    let id = request_id(req.headers());
    let mut replayed = false;
    let mut response = match admit(&app, door, req, id.clone()).await {
        Ok((req, admitted)) => {
            let span = trace::span_of(&req, &id);
            let handled = AssertUnwindSafe(next.run(req)).catch_unwind();
            let response = handled.instrument(span.clone()).await;
            let response = response.unwrap_or_else(|_| {
                internal(anyhow::anyhow!("a handler panicked")).into_response()
            });
            span.record("http.response.status_code", response.status().as_u16());
            if let Some((caller, info)) = admitted {
                replayed = info.replayed.load(Ordering::Relaxed);
                if response.status() == StatusCode::FORBIDDEN {
                    record_forbidden(&app, &caller, method.as_str(), uri.path()).await;
                }
            }
            response
        }
        Err(error) if uri.path() == mcp::routes::PATH => mcp::routes::refusal(error),
        Err(error) => {
            if is_protected(&method, uri.path()) && error.reason.status() != 400 {
                record_unknown(&app, method.as_str(), uri.path()).await;
            }
            error.into_response()
        }
    };
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if replayed {
        headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    let (took, status) = (started.elapsed(), response.status().as_u16());
    app.metrics.request(method.as_str(), status, took);
    // What a person looks at is no call that an agent has saved.
    if door == Door::Api && is_counted(uri.path()) {
        app.metrics.rest_call();
    }
    tracing::debug!(request.id = id, %method, status, ?took, "request");
    response
}

/// What counts as a call of the data plane: as in Koor not the counters
/// themselves and not a subscription.
fn is_counted(path: &str) -> bool {
    path.starts_with("/api/")
        && !path.starts_with("/api/metrics")
        && path != "/api/events/subscribe"
}

/// Who was let in, and what is known of the request; none for public paths.
type Admitted = Option<(Arc<Caller>, Arc<RequestInfo>)>;

/// Lets a request in, with what the handler's extractors need.
async fn admit(app: &App, door: Door, req: Request, id: String) -> Result<(Request, Admitted)> {
    let mut req = with_small_body_read(req).await?;
    check_host(app, req.headers(), req.uri().host())?;
    check_origin(app, door, req.headers())?;
    check_site(door, &req)?;
    if is_public(door, req.method(), req.uri().path()) {
        return Ok((req, None));
    }
    let caller = match credential(door, req.headers()) {
        Ok(credential) => authenticate(app, credential).await,
        Err(error) => Err(error),
    };
    let caller = caller.map_err(|error| {
        let peer = Peer::of(req.headers(), req.extensions(), app.config.behind_proxy);
        limit_failures(app, &peer, error)
    })?;
    let once;
    (req, once) = read_once(app, req).await?;
    let traceparent = traceparent(req.headers());
    let info = Arc::new(RequestInfo {
        id,
        traceparent,
        once,
        replayed: AtomicBool::new(false),
    });
    req.extensions_mut().insert(caller.clone());
    req.extensions_mut().insert(info.clone());
    Ok((req, Some((caller, info))))
}

/// Reads a body that is small. Whoever is refused without it would find the
/// connection closed under the next request.
async fn with_small_body_read(req: Request) -> Result<Request> {
    let length = content_length(req.headers());
    if !length.is_some_and(|length| (1..=SMALL_BODY_BYTES).contains(&length)) {
        return Ok(req);
    }
    let (parts, body) = req.into_parts();
    let body = read_body(length, usize::MAX, body).await?;
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// The caller's own id of the request, or one of ours.
fn request_id(headers: &HeaderMap) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    match given {
        Some(id) if (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()) => {
            id.to_owned()
        }
        _ => format!("r{:x}", COUNT.fetch_add(1, Ordering::Relaxed)),
    }
}

/// A web page that made its name point here (DNS rebinding) sends that name.
fn check_host(app: &App, headers: &HeaderMap, in_uri: Option<&str>) -> Result<()> {
    let host = match headers.get(header::HOST) {
        Some(host) => host.to_str().unwrap_or("?"),
        None => in_uri.unwrap_or(""),
    };
    if app.config.is_own_host(host) {
        return Ok(());
    }
    Err(forbidden(format!("the host {host:?} is not this server's"))
        .hint("call it by the address that it listens on, or set --public-url"))
}

/// A browser names the page that sends a request; no other page may. To the
/// dashboard only its own page may: a page on another port is another page.
fn check_origin(app: &App, door: Door, headers: &HeaderMap) -> Result<()> {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or("?");
    let host = origin.split_once("://").map_or("", |(_, host)| host);
    let is_own = match door {
        Door::Api => app.config.is_own_host(host),
        Door::Dashboard => {
            let called = headers
                .get(header::HOST)
                .and_then(|host| host.to_str().ok());
            // Where TLS is spoken, a page that came without it is not ours.
            let is_secure = app.config.tls.is_none() || origin.starts_with("https://");
            (called == Some(host) && is_secure) || app.dashboard.as_deref() == Some(origin)
        }
    };
    if is_own && !host.is_empty() {
        return Ok(());
    }
    Err(forbidden(format!(
        "requests of the page {origin:?} are not taken"
    )))
}

/// A browser also says how near the page is that sends a request. One that
/// is not the dashboard's calls nothing; it may link to the page.
fn check_site(door: Door, req: &Request) -> Result<()> {
    let site = req.headers().get("sec-fetch-site");
    let is_foreign = site.is_some_and(|site| site == "cross-site" || site == "same-site");
    if door == Door::Api || !is_foreign || !dashboard::routes::is_api(req.uri().path()) {
        return Ok(());
    }
    Err(forbidden("requests of other pages are not taken"))
}

/// What a request is known by: each door has its own kind and takes no other.
fn credential(door: Door, headers: &HeaderMap) -> Result<Credential> {
    match door {
        Door::Api => bearer(headers).map(|secret| Credential::Token(Hash::of(secret.as_bytes()))),
        Door::Dashboard => sessions::proof_of(headers).map(Credential::Session),
    }
}

fn bearer(headers: &HeaderMap) -> Result<&str> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Err(unauthenticated(
            "invalid or missing bearer token".to_owned(),
        ));
    };
    let secret = value.to_str().ok().and_then(|text| {
        let (scheme, secret) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
    });
    secret
        .filter(|secret| !secret.is_empty())
        .ok_or_else(|| unauthenticated("the Authorization header holds no bearer token".to_owned()))
}

/// Counts a failed sign-in; beyond a few a minute the answer is to wait.
pub fn limit_failures(app: &App, peer: &str, error: Error) -> Error {
    if error.reason != Reason::Unauthenticated {
        return error;
    }
    let Err(seconds) = app.sign_ins.count(peer) else {
        return error;
    };
    tracing::warn!(peer, "too many failed sign-ins");
    Error::new(
        Reason::RateLimited,
        format!("too many failed sign-ins; wait {seconds} seconds"),
    )
    .retry_after(seconds)
}

/// Reads the idempotency key, and the body that it is bound to.
async fn read_once(app: &App, req: Request) -> Result<(Request, Option<Once>)> {
    let Some(key) = req.headers().get(IDEMPOTENCY_KEY) else {
        return Ok((req, None));
    };
    if matches!(*req.method(), Method::GET | Method::HEAD) {
        return Ok((req, None));
    }
    let key = key.to_str().unwrap_or_default().to_owned();
    if key.is_empty() || key.len() > IDEMPOTENCY_KEY_BYTES_MAX {
        return Err(invalid(format!(
            "Idempotency-Key has {} readable bytes; it takes 1 to {IDEMPOTENCY_KEY_BYTES_MAX}",
            key.len()
        )));
    }
    let (parts, body) = req.into_parts();
    let length = content_length(&parts.headers);
    let body = read_body(length, app.config.limits.body_bytes, body).await?;
    let text = |name: HeaderName| {
        parts
            .headers
            .get(name)
            .map(|value| value.as_bytes().to_vec())
            .unwrap_or_default()
    };
    let mut request = Vec::with_capacity(body.len() + 256);
    for part in [
        parts.method.as_str().as_bytes(),
        parts.uri.to_string().as_bytes(),
        &text(header::CONTENT_TYPE),
        &text(header::IF_MATCH),
        &text(header::IF_NONE_MATCH),
        &body,
    ] {
        request.extend_from_slice(&(part.len() as u64).to_be_bytes());
        request.extend_from_slice(part);
    }
    let fingerprint = Hash::of(&request);
    let req = Request::from_parts(parts, Body::from(body));
    Ok((req, Some(Once { key, fingerprint })))
}

/// A well-formed W3C `traceparent`, else none.
fn traceparent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(TRACEPARENT)?.to_str().ok()?;
    let well_formed = text.len() == 55
        && text.bytes().enumerate().all(|(at, byte)| match at {
            2 | 35 | 52 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        });
    well_formed.then(|| text.to_owned())
}
