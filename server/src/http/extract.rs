//! What handlers take from a request, with our errors instead of text.

use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::error::{Error, Reason, Result, invalid};

/// How long a client may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The largest body of a [`SmallJson`], in bytes.
const SMALL_JSON_BYTES_MAX: usize = 4 * 1024;

/// How much of a body that is too large is read before the answer.
const DRAIN_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How long that may take: a sender that pauses gets its answer.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// The query. A parameter that the operation does not have is an error.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self> {
        let query = parts.uri.query().unwrap_or_default();
        // PostgreSQL stores no NUL in text; nothing of ours contains one.
        let mut texts = form_urlencoded::parse(query.as_bytes());
        if let Some((name, _)) = texts.find(|(_, value)| value.contains('\0')) {
            return Err(invalid(format!(
                "the query is not understood: {name} contains NUL"
            )));
        }
        let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
        match serde_path_to_error::deserialize(pairs) {
            Ok(value) => Ok(Query(value)),
            Err(error) => {
                let (name, why) = (error.path().to_string(), error.inner().to_string());
                // What the standard library says of digits means little beside
                // a name.
                let why = why.replace("invalid digit found in string", "it takes a whole number");
                // An unknown parameter is named by the reason itself.
                let of = if name == "." || why.contains('`') {
                    String::new()
                } else {
                    format!("{name}: ")
                };
                Err(invalid(format!("the query is not understood: {of}{why}")))
            }
        }
    }
}

/// For operations that take no query.
pub struct NoQuery;

impl FromRequestParts<App> for NoQuery {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self> {
        match parts.uri.query() {
            None | Some("") => Ok(NoQuery),
            Some(query) => {
                let name = form_urlencoded::parse(query.as_bytes()).next();
                let name = name.map(|(name, _)| name.into_owned()).unwrap_or_default();
                Err(invalid(format!(
                    "the query is not understood: unknown field `{name}`"
                ))
                .hint("this operation takes no query"))
            }
        }
    }
}

/// Segments of the path, percent-decoded.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        if parts.uri.path().contains("%00") {
            return Err(invalid("the path contains the character U+0000"));
        }
        match axum::extract::Path::<T>::from_request_parts(parts, app).await {
            Ok(axum::extract::Path(value)) => Ok(Path(value)),
            Err(PathRejection::FailedToDeserializePathParams(error)) => Err(invalid(format!(
                "the path is not understood: {}",
                error.body_text()
            ))),
            Err(error) => Err(invalid(format!("the path is not understood: {error}"))),
        }
    }
}

/// The whole body, bounded.
pub struct Raw(pub Bytes);

impl FromRequest<App> for Raw {
    type Rejection = Error;

    async fn from_request(req: Request, app: &App) -> Result<Self> {
        let limit = app.config.limits.body_bytes;
        let length = content_length(req.headers());
        read_body(length, limit, req.into_body()).await.map(Raw)
    }
}

/// A JSON object. Its content type must say so: a web page can send text
/// anywhere without being asked, but not JSON.
pub struct Json<T>(pub T);

/// As [`Json`], of any JSON value.
pub struct AnyJson(pub serde_json::Value);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Error;

    async fn from_request(req: Request, app: &App) -> Result<Self> {
        let body = json_body(req, app.config.limits.body_bytes).await?;
        object_from(&body).map(Json)
    }
}

/// As [`Json`], of a body that is small: who sends it may be anyone.
pub struct SmallJson<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for SmallJson<T> {
    type Rejection = Error;

    async fn from_request(req: Request, _: &App) -> Result<Self> {
        let body = json_body(req, SMALL_JSON_BYTES_MAX).await?;
        object_from(&body).map(SmallJson)
    }
}

fn object_from<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    // Or the fields would be taken from an array, in order.
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'[') {
        return Err(invalid("invalid JSON body: it is an array, not an object"));
    }
    serde_json::from_slice(body).map_err(|error| invalid(format!("invalid JSON body: {error}")))
}

impl FromRequest<App> for AnyJson {
    type Rejection = Error;

    async fn from_request(req: Request, app: &App) -> Result<Self> {
        let body = json_body(req, app.config.limits.body_bytes).await?;
        let value = serde_json::from_slice(&body)
            .map_err(|error| invalid(format!("invalid JSON body: {error}")))?;
        Ok(AnyJson(value))
    }
}

async fn json_body(req: Request, limit: usize) -> Result<Bytes> {
    if !is_json(req.headers()) {
        return Err(Error::new(
            Reason::UnsupportedMediaType,
            "the body's content type is not JSON",
        )
        .hint("send 'Content-Type: application/json'"));
    }
    let length = content_length(req.headers());
    read_body(length, limit, req.into_body()).await
}

/// The content type without its parameters, in lower case.
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(
        value
            .split(';')
            .next()
            .unwrap_or(value)
            .trim()
            .to_ascii_lowercase(),
    )
}

fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|media| media == "application/json" || media.ends_with("+json"))
}

/// Whether the client accepts a media type by name.
pub fn accepts(headers: &HeaderMap, media: &str) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|one| {
            one.split(';')
                .next()
                .is_some_and(|name| name.trim() == media)
        })
}

/// The length that the request announces.
pub fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// Reads a body of at most `limit` bytes.
///
/// A client that sends more is read on for a while: one that is still writing
/// when the connection closes does not see the answer.
pub async fn read_body(length: Option<u64>, limit: usize, mut body: Body) -> Result<Bytes> {
    let reading = async {
        if length.is_some_and(|length| length > limit as u64) {
            drain(&mut body).await;
            return Err(too_large(limit));
        }
        match Limited::new(&mut body, limit).collect().await {
            Ok(whole) => Ok(whole.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => {
                drain(&mut body).await;
                Err(too_large(limit))
            }
            Err(_) => Err(invalid("the body was cut short")),
        }
    };
    tokio::time::timeout(BODY_TIMEOUT, reading)
        .await
        .unwrap_or_else(|_| {
            Err(invalid(format!(
                "the body took more than {} seconds",
                BODY_TIMEOUT.as_secs()
            )))
        })
}

async fn drain(body: &mut Body) {
    let draining = async {
        let mut left = DRAIN_BYTES_MAX;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, draining).await;
}

fn too_large(limit: usize) -> Error {
    Error::new(
        Reason::TooLarge,
        format!("the body has more than {limit} bytes"),
    )
    .hint("store a reference to it, or raise limits.body_bytes in the server's configuration")
}
