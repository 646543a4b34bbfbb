//! Lists: what limits them, and the way to the next page.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use coro_api::limits::LIST_ROWS_MAX;
use serde::Serialize;

use crate::clock::Time;
use crate::error::{Result, invalid};
use crate::listed::Listed;

/// The revision at which an answer was read or written.
pub const REVISION: HeaderName = HeaderName::from_static("coro-revision");

/// Drops filters that are empty texts: Koor's clients send those that they don't
/// use.
pub fn drop_empty<const N: usize>(filters: [&mut Option<String>; N]) {
    for filter in filters {
        filter.take_if(|text| text.is_empty());
    }
}

/// Checks the `limit` of a request, or what it is called there.
pub fn check_limit(name: &str, limit: Option<i64>) -> Result<Option<i64>> {
    check_limit_of(name, limit, LIST_ROWS_MAX)
}

/// As [`check_limit`], where one answer has fewer.
pub fn check_limit_of(name: &str, limit: Option<i64>, most: i64) -> Result<Option<i64>> {
    match limit {
        Some(limit) if !(1..=most).contains(&limit) => {
            Err(invalid(format!("{name} is {limit}; it takes 1 to {most}")))
        }
        other => Ok(other),
    }
}

/// A revision of a query, which is at least `least`.
pub fn bound(name: &str, value: Option<i64>, least: i64, absent: i64) -> Result<i64> {
    match value {
        Some(value) if value < least => Err(invalid(format!(
            "{name} is {value}; it takes {least} or more"
        ))),
        Some(value) => Ok(value),
        None => Ok(absent),
    }
}

/// Reads a moment of a query.
pub fn parse_time(name: &str, text: Option<&str>) -> Result<Option<Time>> {
    let Some(text) = text else { return Ok(None) };
    match Time::parse(text) {
        Some(time) => Ok(Some(time)),
        None => Err(invalid(format!(
            "{name} is {text:?}; it takes a time such as 2026-02-16T14:30:00Z"
        ))),
    }
}

/// How much of a list is asked for: a page of `limit` rows, or the whole, which
/// is never silently short.
#[derive(Clone, Copy)]
pub struct Rows {
    limit: Option<i64>,
}

impl Rows {
    pub fn asked(limit: Option<i64>) -> Result<Rows> {
        Ok(Rows {
            limit: check_limit("limit", limit)?,
        })
    }

    /// How many to read.
    pub fn to_read(self) -> usize {
        usize::try_from(self.limit.unwrap_or(LIST_ROWS_MAX)).unwrap_or(0)
    }

    /// The answer. `cursor` is the parameter of `path` that says where to go
    /// on.
    pub fn answer<T: Serialize>(
        self,
        listed: &Listed<T>,
        path: &str,
        cursor: &str,
        filters: &[(&str, &Option<String>)],
    ) -> Result<Response> {
        let mut response = json_at(listed.revision, &listed.items);
        match (self.limit, &listed.next) {
            (_, None) => {}
            (Some(limit), Some(next)) => {
                let limit = limit.to_string();
                let place = [("limit", limit.as_str()), (cursor, next)];
                link_next(&mut response, path, &place, filters);
            }
            (None, Some(_)) => {
                return Err(invalid(
                    "the list, or what is looked through for it, is longer than one answer takes",
                )
                .hint("ask for pages with 'limit' and follow the Link header"));
            }
        }
        Ok(response)
    }
}

/// A JSON body with the revision that it was read at.
pub fn json_at(revision: i64, body: &impl Serialize) -> Response {
    (
        AppendHeaders([(REVISION, HeaderValue::from(revision))]),
        axum::Json(body),
    )
        .into_response()
}

/// Says where the next page is: at `place` in what these filters let through.
pub fn link_next(
    response: &mut Response,
    path: &str,
    place: &[(&str, &str)],
    filters: &[(&str, &Option<String>)],
) {
    let given = filters
        .iter()
        .filter_map(|(name, value)| Some((*name, value.as_deref()?)));
    let query: Vec<String> = place
        .iter()
        .copied()
        .chain(given)
        .map(|(name, value)| format!("{name}={}", percent_encode(value)))
        .collect();
    let link = format!("<{path}?{}>; rel=\"next\"", query.join("&"));
    if let Ok(link) = HeaderValue::from_str(&link) {
        response.headers_mut().insert(header::LINK, link);
    }
}

/// Encodes what is not unreserved (RFC 3986, 2.3).
fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
