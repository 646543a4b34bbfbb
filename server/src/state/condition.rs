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
    /// A version, and how its value's hash begins. After a restore the same
    /// version may be another value; who knows no hash asks for the version.
    Version(i64, String),
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
            .and_then(|(version, hash)| Some((version.parse().ok()?, hash)));
        match version {
            Some((version, hash)) => Tag::Version(version, hash.to_ascii_lowercase()),
            None if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) => {
                Tag::Hash(text.to_ascii_lowercase())
            }
            None => Tag::Unknown,
        }
    }

    pub fn is(&self, version: i64, hash: &Hash) -> bool {
        match self {
            Tag::Version(own, begin) => *own == version && hash.hex().starts_with(begin),
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
            ("\"V7-6b86b273ff34fce1\"", 7, false),
            ("\"v7-6B86B273FF34FCE1\"", 7, true),
            ("\"v7-ffffffffffffffff\"", 7, false),
            ("\"v7-\"", 7, true),
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
