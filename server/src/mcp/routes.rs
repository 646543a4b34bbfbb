//! HTTP of the control plane.
//!
//! The gate has checked who calls, and `Host` and `Origin`, before. Whatever
//! is refused here is a JSON-RPC error: a client that reads something else in
//! a 4xx goes looking for an older protocol.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde::de::IgnoredAny;

use super::Handler;
use super::call::ArrivedAt;
use crate::app::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::http::extract::{content_length, media_type, read_body};
use crate::http::in_process::InProcess;

/// The path of the control plane.
pub const PATH: &str = "/mcp";

/// The largest request to hear of changes, in bytes.
const LISTEN_BYTES_MAX: usize = 128 * 1024;

/// The largest text of a refusal that is read.
const REFUSAL_BYTES_MAX: usize = 4096;

/// The control plane; `api` is the data plane that its commands call.
pub fn routes(app: &App, api: InProcess) -> Router<App> {
    let mut config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_cancellation_token(app.stop.clone())
        // The gate has done this, by the names that the server is called by.
        .disable_allowed_hosts();
    config.max_request_body_bytes = app.config.limits.body_bytes;
    let handler = Handler::new(app.clone(), api);
    #[cfg(feature = "testing")]
    if crate::testing::mcp::is_on() {
        return serve(crate::testing::mcp::WithFixtures(handler), config);
    }
    serve(handler, config)
}

fn serve<H>(handler: H, config: StreamableHttpServerConfig) -> Router<App>
where
    H: ServerHandler + Clone,
{
    let service = StreamableHttpService::new(
        move || Ok(handler.clone()),
        Arc::new(NeverSessionManager::default()),
        config,
    );
    let serve = move |State(app): State<App>, mut request: Request| {
        let service = service.clone();
        async move {
            if let Some(caller) = listener(&request)
                && let Ok(feed) = app.feeds.of(&app.db, &caller.tenant).await
            {
                request.extensions_mut().insert(ArrivedAt(feed.head()));
            }
            let request = match with_body_read(&app, request).await {
                Ok(request) => request,
                Err(error) => return refusal(error),
            };
            let sent_json = is_json(&request);
            let is_broken = serde_json::from_slice::<IgnoredAny>(request.body()).is_err();
            if is_broken && sent_json {
                let mut response = StatusCode::BAD_REQUEST.into_response();
                set_error(&mut response, -32700, "the body is not JSON");
                return response;
            }
            let request = request.map(Full::new);
            in_json_rpc(service.handle(request).await.map(Body::new), sent_json).await
        }
    };
    Router::new().route(PATH, any(serve))
}

/// Reads the body, in the time that every body has. One that asks to hear of
/// changes is kept for as long as it listens, so it is small.
async fn with_body_read(app: &App, request: Request) -> Result<Request<Bytes>> {
    let limit = match listener(&request) {
        Some(_) => LISTEN_BYTES_MAX,
        None => app.config.limits.body_bytes,
    };
    let length = content_length(request.headers());
    let (parts, body) = request.into_parts();
    let body = read_body(length, limit, body).await?;
    Ok(Request::from_parts(parts, body))
}

fn is_json(request: &Request<Bytes>) -> bool {
    request.method() == Method::POST
        && media_type(request.headers()).is_some_and(|media| media == "application/json")
}

/// Who asks to hear of changes, where the request does that.
fn listener(request: &Request) -> Option<Arc<Caller>> {
    let method = request.headers().get("mcp-method")?;
    let caller = request.extensions().get::<Arc<Caller>>()?;
    (method == "subscriptions/listen").then(|| caller.clone())
}

/// A refusal of the gate, for a client that speaks JSON-RPC.
pub fn refusal(error: Error) -> Response {
    let code = match error.reason.status() {
        500.. => -32603,
        _ => -32600,
    };
    let message = error.in_words();
    let mut response = error.into_response();
    set_error(&mut response, code, &message);
    response
}

/// Gives a refusal that is plain text the form of JSON-RPC.
async fn in_json_rpc(response: Response, sent_json: bool) -> Response {
    let status = response.status();
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value == "application/json");
    let is_refusal = status.is_client_error() || status.is_server_error();
    if !is_refusal || is_json {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // The body is JSON, but no message: that is not its type's fault.
    if parts.status == StatusCode::UNSUPPORTED_MEDIA_TYPE && sent_json {
        parts.status = StatusCode::BAD_REQUEST;
    }
    let text = http_body_util::Limited::new(body, REFUSAL_BYTES_MAX)
        .collect()
        .await;
    let text = text.map(|text| text.to_bytes()).unwrap_or_default();
    let mut response = Response::from_parts(parts, Body::empty());
    let code = if status.is_server_error() {
        -32603
    } else {
        -32600
    };
    set_error(&mut response, code, &String::from_utf8_lossy(&text));
    response
}

fn set_error(response: &mut Response, code: i32, message: &str) {
    let error = serde_json::json!({
        "jsonrpc": "2.0",
        "id": null,
        "error": { "code": code, "message": message },
    });
    *response.body_mut() = Body::from(error.to_string());
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
}
