//! `ETag` and the conditions that name it.
//!
//! Our tags are `"v<version>-<first 16 digits of the hash>"`. For a condition
//! the version counts, since it is never used twice. Koor's clients know the
//! bare hash: that is taken too, quoted or not.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::error::{Result, invalid};
use crate::ids::Hash;
use crate::state::{Condition, Tag};

/// Reads the conditions of a write.
pub fn write_condition(headers: &HeaderMap) -> Result<Condition> {
    let if_match = text_of(headers, &header::IF_MATCH)?;
    let if_none_match = text_of(headers, &header::IF_NONE_MATCH)?;
    match (if_match, if_none_match) {
        (None, None) => Ok(Condition::None),
        (Some(text), None) if text.trim() == "*" => Ok(Condition::Present),
        (Some(text), None) => Ok(Condition::OneOf(text.split(',').map(Tag::parse).collect())),
        (None, Some(text)) if text.trim() == "*" => Ok(Condition::Absent),
        (None, Some(_)) => Err(invalid("If-None-Match of a write takes * only")
            .hint("name the version that you replace with If-Match")),
        (Some(_), Some(_)) => Err(invalid("If-Match and If-None-Match exclude each other")),
    }
}

/// Whether a read's `If-None-Match` names the present value.
pub fn none_match(headers: &HeaderMap, version: i64, hash: &Hash) -> Result<bool> {
    let Some(text) = text_of(headers, &header::IF_NONE_MATCH)? else {
        return Ok(false);
    };
    Ok(text.trim() == "*" || text.split(',').any(|tag| Tag::parse(tag).is(version, hash)))
}

fn text_of(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>> {
    let mut texts = Vec::new();
    for value in headers.get_all(name) {
        texts.push(
            HeaderValue::to_str(value).map_err(|_| invalid(format!("{name} is not ASCII text")))?,
        );
    }
    Ok((!texts.is_empty()).then(|| texts.join(",")))
}
