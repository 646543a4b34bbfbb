//! HTTP of the dashboard's listener.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use coro_api::Reason;

use super::files::{File, file_of};
use crate::error::{Error, not_found};

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

/// Whether a path is one of the API's and not one of the page's.
pub fn is_api(path: &str) -> bool {
    matches!(path, "/api" | "/session" | "/health" | "/ready") || path.starts_with("/api/")
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

/// Adds the headers that every answer of this listener has.
pub async fn protect(req: Request, next: Next) -> Response {
    let mut response = next.run(req).await;
    for (name, value) in PROTECTION {
        let name = HeaderName::from_static(name);
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}
