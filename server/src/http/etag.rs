//! `ETag` and the conditions that name it.
//!
//! Our tags are `"v<version>-<first 16 digits of the hash>"`. For a condition
//! the version counts, since it is never used twice. Koor's clients know the
//! bare hash: that is taken too, quoted or not.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::error::{Result, invalid};
use crate::ids::Hash;

/// The tag of a value.
pub fn etag(version: i64, hash: &Hash) -> String {
    format!("\"v{version}-{}\"", &hash.hex()[..16])
}

/// What a write asks of the present value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// Nothing is asked.
    #[default]
    None,
    /// There is none: `If-None-Match: *`.
    Absent,
    /// There is one: `If-Match: *`.
    Present,
    /// It is one of these: `If-Match: "…", "…"`.
    OneOf(Vec<Tag>),
}

/// A tag that a request names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tag {
    Version(i64),
    /// Koor's: SHA-256 in hexadecimal.
    Hash(String),
    /// One that we never gave: equal to nothing.
    Unknown,
}

impl Tag {
    fn parse(text: &str) -> Tag {
        let text = text.trim();
        let text = text.strip_prefix("W/").unwrap_or(text).trim_matches('"');
        let version = text
            .strip_prefix('v')
            .and_then(|rest| rest.split_once('-'))
            .and_then(|(version, _)| version.parse().ok());
        match version {
            Some(version) => Tag::Version(version),
            None if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) => {
                Tag::Hash(text.to_ascii_lowercase())
            }
            None => Tag::Unknown,
        }
    }

    pub fn is(&self, version: i64, hash: &Hash) -> bool {
        match self {
            Tag::Version(own) => *own == version,
            Tag::Hash(own) => *own == hash.hex(),
            Tag::Unknown => false,
        }
    }
}

impl Condition {
    /// Reads the conditions of a write.
    pub fn of_write(headers: &HeaderMap) -> Result<Self> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_by_its_version_and_koors_by_its_hash() {
        let hash = Hash::of(b"1");
        let ours = etag(7, &hash);
        assert_eq!(ours, "\"v7-6b86b273ff34fce1\"");
        for (text, version, expected) in [
            (ours.as_str(), 7, true),
            ("W/\"v7-6b86b273ff34fce1\"", 7, true),
            ("\"v7-ffffffffffffffff\"", 7, true),
            (ours.as_str(), 8, false),
            (hash.hex().as_str(), 8, true),
            (format!("\"{}\"", hash.hex()).as_str(), 8, true),
            ("\"7\"", 7, false),
            ("", 7, false),
        ] {
            assert_eq!(Tag::parse(text).is(version, &hash), expected, "{text}");
        }
    }
}
