//! What a write asks of the value that is there.

use crate::ids::Hash;

/// The tag of a value, whose hash is given in hexadecimal.
pub fn etag(version: i64, hash: &str) -> String {
    format!("\"v{version}-{}\"", &hash[..16])
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
    /// Reads one tag of a header, weak or strong, quoted or not.
    pub fn parse(text: &str) -> Tag {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_by_its_version_and_koors_by_its_hash() {
        let hash = Hash::of(b"1");
        let ours = etag(7, &hash.hex());
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
