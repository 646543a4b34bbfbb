//! Content that somebody stored, on a listener where a page of ours lives.
//!
//! It is data there: a browser downloads it and runs nothing of it, whatever
//! its type says.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

/// The header with the type that the content was stored with.
const STORED_TYPE: HeaderName = HeaderName::from_static("coro-content-type");

/// What the API itself answers with; a browser makes no page of it.
const OWN_TYPES: &[&str] = &[
    "application/json",
    "application/json-patch+json",
    "application/problem+json",
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
    "text/event-stream",
];

/// Marks an answer whose body is what somebody stored, of any type.
#[derive(Clone, Copy, Debug)]
pub struct Stored;

/// Makes an answer a download, unless the API itself made its body.
pub fn make_inert(response: &mut Response) {
    let is_stored = response.extensions().get::<Stored>().is_some();
    let headers = response.headers_mut();
    let Some(stored_type) = headers.get(header::CONTENT_TYPE).cloned() else {
        return;
    };
    let text = stored_type.to_str().unwrap_or_default();
    let media = text.split(';').next().unwrap_or(text).trim();
    if !is_stored && OWN_TYPES.contains(&media) {
        return;
    }
    headers.insert(STORED_TYPE, stored_type);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    headers.insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment"),
    );
}
