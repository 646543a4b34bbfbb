//! Errors as RFC 9457 problem details.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use coro_api::{Problem, Reason};

use crate::error::Error;

/// Where `type` begins; the reason follows.
const TYPE_BASE: &str = "https://coro.dev/problems/";

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.log();
        let status = self.reason.status();
        let problem = Problem {
            kind: format!("{TYPE_BASE}{}", self.reason.word()),
            title: self.reason.title().to_owned(),
            status,
            detail: self.message.clone(),
            reason: self.reason,
            next: self.hint,
            revision: self.revision,
            error: self.message,
            code: status,
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(etag) = self.etag.and_then(|etag| HeaderValue::from_str(&etag).ok()) {
            headers.insert(header::ETAG, etag);
        }
        if self.reason == Reason::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
