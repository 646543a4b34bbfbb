//! HTTP of the dashboard's listener.

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bytes::Bytes;
use coro_api::Reason;
use coro_api::dashboard::{DashboardCode, DashboardSession, SignIn, SignedIn, SignedOut};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::files::{File, file_of};
use super::sessions::{self, cookie_name};
use super::{SESSION_SECONDS, create_code, get_session, sign_in, sign_out, sign_out_all};
use crate::app::App;
use crate::auth::{Anyone, Leader};
use crate::error::{Error, Result, not_found};
use crate::http::extract::{NoQuery, SmallJson};
use crate::http::gate::limit_failures;
use crate::http::inert;
use crate::http::serve::Peer;
use crate::ids::Hash;

/// What the page may load and where it may be shown: all from here, nothing
/// written into the document, in no frame. Strings become HTML nowhere.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
     frame-ancestors 'none'; base-uri 'none'; form-action 'none'; \
     require-trusted-types-for 'script'";

/// On every answer of this listener.
const PROTECTION: [(&str, &str); 6] = [
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// Where the page signs in and out.
const SESSION: &str = "/session";

/// On the API's listener: who may sign in.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(end_all))
}

/// On the dashboard's own listener: signing in.
pub fn session() -> Router<App> {
    Router::new().route(SESSION, get(show).post(begin).delete(end))
}

/// Whether a path is one of the API's and not one of the page's.
pub fn is_api(path: &str) -> bool {
    matches!(path, "/api" | SESSION | "/health" | "/ready") || path.starts_with("/api/")
}

/// Whether a request needs no session: the page's files, and the sign-in.
pub fn is_public(method: &Method, path: &str) -> bool {
    !is_api(path) || (path == SESSION && *method == Method::POST)
}

/// Make a code to sign in to the dashboard
///
/// The page's address with a code that is good once, for a minute. The session
/// may do what the caller's token may, and ends with it. For the owner and
/// controllers; not for agents.
#[utoipa::path(post, path = "/api/dashboard/codes", operation_id = "create_dashboard_code", tag = "dashboard",
    responses((status = 200, description = "The code", body = DashboardCode)))]
async fn create(Leader(ctx): Leader, _: NoQuery) -> Result<axum::Json<DashboardCode>> {
    Ok(axum::Json(create_code(&ctx).await?))
}

/// End the dashboard's sessions
///
/// An owner ends all, a controller those that its own token began. Codes that
/// wait are no longer good.
#[utoipa::path(delete, path = "/api/dashboard/sessions", operation_id = "end_dashboard_sessions", tag = "dashboard",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    responses((status = 200, description = "How many ended", body = SignedOut)))]
async fn end_all(Leader(ctx): Leader, _: NoQuery) -> Result<axum::Json<SignedOut>> {
    Ok(axum::Json(sign_out_all(&ctx).await?))
}

async fn begin(
    State(app): State<App>,
    From(peer): From,
    SmallJson(body): SmallJson<SignIn>,
) -> Result<Response> {
    let session = sign_in(&app, &body.code, &peer)
        .await
        .map_err(|error| limit_failures(&app, &peer, error))?;
    let answer = axum::Json(SignedIn {
        key: session.key.reveal().to_owned(),
        expires_at: session.expires_at.to_string(),
    });
    let value = session.cookie.reveal();
    let cookie = cookie(&app, &session.key.hash(), value, SESSION_SECONDS);
    Ok(([(header::SET_COOKIE, cookie)], answer).into_response())
}

async fn show(Anyone(ctx): Anyone, _: NoQuery) -> Result<axum::Json<DashboardSession>> {
    Ok(axum::Json(get_session(&ctx).await?))
}

async fn end(Anyone(ctx): Anyone, _: NoQuery) -> Result<Response> {
    let answer = axum::Json(sign_out(&ctx).await?);
    let key = sessions::of(&ctx.caller)?.proof.key;
    let cookie = cookie(&ctx.app, &key, "", 0);
    Ok(([(header::SET_COOKIE, cookie)], answer).into_response())
}

/// The cookie's line: scripts can't read it, other sites don't send it.
fn cookie(app: &App, key: &Hash, value: &str, seconds: i64) -> String {
    let name = cookie_name(key);
    let is_tls = app
        .dashboard
        .as_ref()
        .is_some_and(|url| url.starts_with("https:"));
    let secure = if is_tls { "; Secure" } else { "" };
    format!("{name}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={seconds}{secure}")
}

/// From where a request comes, as failed sign-ins are counted.
struct From(String);

impl FromRequestParts<App> for From {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let behind_proxy = app.config.behind_proxy;
        Ok(From(Peer::of(
            &parts.headers,
            &parts.extensions,
            behind_proxy,
        )))
    }
}

/// Answers with a file of the page.
pub async fn serve_file(req: Request) -> Response {
    let path = req.uri().path();
    if !matches!(*req.method(), Method::GET | Method::HEAD) {
        let message = format!("{path} does not take {}", req.method());
        return Error::new(Reason::MethodNotAllowed, message).into_response();
    }
    match file_of(path) {
        Some(file) => file_response(&file, req.headers()),
        None => not_found("file", path).into_response(),
    }
}

fn file_response(file: &File, headers: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    let answer = response.headers_mut();
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(etag) = HeaderValue::from_str(&file.etag) {
        answer.insert(header::ETAG, etag);
    }
    if lists(headers, header::IF_NONE_MATCH, |tag| tag == file.etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    answer.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(file.content_type),
    );
    let bytes: Bytes = match &file.gzip {
        Some(gzip) if lists(headers, header::ACCEPT_ENCODING, |name| name == "gzip") => {
            answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            gzip.clone()
        }
        _ => file.bytes.clone(),
    };
    *response.body_mut() = Body::from(bytes);
    response
}

/// Whether a header lists something, each thing without its parameters.
fn lists(headers: &HeaderMap, name: HeaderName, is_it: impl Fn(&str) -> bool) -> bool {
    let values = headers.get_all(name);
    values
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|one| is_it(one.split(';').next().unwrap_or(one).trim()))
}

/// Adds the headers that every answer of this listener has, and lets stored
/// content be data only.
pub async fn protect(req: Request, next: Next) -> Response {
    let is_api = is_api(req.uri().path());
    let mut response = next.run(req).await;
    if is_api {
        inert::make_inert(&mut response);
        // Keys of sessions and secrets of tokens belong in no browser's cache.
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    for (name, value) in PROTECTION {
        let name = HeaderName::from_static(name);
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}
