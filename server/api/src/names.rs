//! Keys, topics and names: what they may be made of.
//!
//! All are 1 to 512 bytes of UTF-8 without control or direction characters.
//! A key has segments with `/`, a topic with `.`; no segment is empty, and no
//! segment of a key is `.` or `..`. So a name can be shown, put into a URL and
//! used as a path without surprise.

use std::fmt::{self, Write as _};

use crate::limits::NAME_BYTES_MAX;

/// The project where neither a token nor its call names one.
pub const DEFAULT_PROJECT: &str = "default";

/// What is wrong with a name, as a sentence that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameError(String);

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NameError {}

/// Checks a state key such as `shop/api/plan`.
pub fn check_key(key: &str) -> Result<(), NameError> {
    check_text("key", key)?;
    check_segments("key", key, '/')
}

/// Checks a topic such as `shop.api.done`. Whether a client may publish to it
/// is another question: topics of `coro.` are the server's own.
pub fn check_topic(topic: &str) -> Result<(), NameError> {
    check_text("topic", topic)?;
    check_segments("topic", topic, '.')
}

/// Checks the name of a token, agent, project or consumer: no `/`, so that it
/// is one segment of a URL.
pub fn check_name(what: &str, name: &str) -> Result<(), NameError> {
    check_text(what, name)?;
    if name.contains('/') {
        return Err(NameError(format!("{what} {name:?} contains '/'")));
    }
    check_segments(what, name, '/')
}

/// Checks free text that names something, such as an event's subject.
pub fn check_text(what: &str, text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError(format!("the {what} is empty")));
    }
    if text.len() > NAME_BYTES_MAX {
        let start: String = text.chars().take(32).collect();
        return Err(NameError(format!(
            "the {what} {start:?}… has {} bytes, more than {NAME_BYTES_MAX}",
            text.len()
        )));
    }
    if let Some(bad) = text.chars().find(|c| is_unprintable(*c)) {
        return Err(NameError(format!(
            "the {what} {text:?} contains the character U+{:04X}",
            u32::from(bad)
        )));
    }
    Ok(())
}

/// Checks prose of at most `bytes_max` bytes, such as an agent's intent: it may
/// be empty and have several lines.
pub fn check_prose(what: &str, text: &str, bytes_max: usize) -> Result<(), NameError> {
    if text.len() > bytes_max {
        let length = text.len();
        return Err(NameError(format!(
            "the {what} has {length} bytes, more than {bytes_max}"
        )));
    }
    let is_bad = |c: &char| is_unprintable(*c) && !matches!(c, '\n' | '\t');
    match text.chars().find(is_bad) {
        Some(bad) => Err(NameError(format!(
            "the {what} contains the character U+{:04X}",
            u32::from(bad)
        ))),
        None => Ok(()),
    }
}

/// A text in which control characters and those that deceive a reader stand
/// as `\u202e`. Lines and tabs stay.
pub fn inert(text: &str) -> String {
    let mut inert = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => inert.push(c),
            bad if is_unprintable(bad) => {
                let mut units = [0; 2];
                for unit in bad.encode_utf16(&mut units) {
                    // Writing to a string can't fail.
                    let _ = write!(inert, "\\u{unit:04x}");
                }
            }
            plain => inert.push(plain),
        }
    }
    inert
}

/// The project that a key belongs to: its first segment.
pub fn project_of_key(key: &str) -> &str {
    key.split('/').next().unwrap_or(key)
}

/// The project that a topic belongs to: its first dot segment.
pub fn project_of_topic(topic: &str) -> &str {
    topic.split('.').next().unwrap_or(topic)
}

/// Whether a topic is the server's own.
pub fn is_reserved_topic(topic: &str) -> bool {
    topic == "coro" || topic.starts_with("coro.")
}

fn check_segments(what: &str, text: &str, separator: char) -> Result<(), NameError> {
    for segment in text.split(separator) {
        if segment.is_empty() {
            return Err(NameError(format!("{what} {text:?} has an empty segment")));
        }
        if segment == "." || segment == ".." {
            return Err(NameError(format!(
                "{what} {text:?} has a segment {segment:?}"
            )));
        }
    }
    Ok(())
}

/// Control characters, and those that change the direction of what follows
/// (Unicode Technical Report 36): a name with them shows as another name.
fn is_unprintable(c: char) -> bool {
    // Noncharacters (Unicode 23.7) would sort after the end of a range.
    let noncharacter = u32::from(c) & 0xFFFE == 0xFFFE || ('\u{FDD0}'..='\u{FDEF}').contains(&c);
    c.is_control()
        || noncharacter
        || matches!(c,
            // Soft hyphen, zero-width space, word joiner and its kin, Hangul
            // filler, tags: shown as nothing.
            '\u{00AD}' | '\u{200B}' | '\u{2060}'..='\u{2064}' | '\u{3164}' | '\u{E0000}'..='\u{E007F}'
            | '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
            | '\u{2028}' | '\u{2029}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_allowed_and_names_that_are_not() {
        for key in [
            "a",
            "shop/plan",
            "a b/ä/日本",
            "x.y",
            "a/.b",
            "%2F",
            "\"'\\",
        ] {
            assert_eq!(check_key(key), Ok(()), "{key:?}");
        }
        for key in [
            "",
            "/",
            "a/",
            "/a",
            "a//b",
            "a/./b",
            "a/../b",
            "a\0b",
            "a\nb",
            "a\u{202E}b",
            "\u{10FFFF}x",
            "\u{FFFE}",
            "\u{FEFF}a",
        ] {
            assert!(check_key(key).is_err(), "{key:?}");
        }
        assert!(check_key(&"k".repeat(512)).is_ok());
        assert!(check_key(&"k".repeat(513)).is_err());
        assert!(check_topic("shop.api.done").is_ok());
        for topic in ["", ".", "a.", ".a", "a..b"] {
            assert!(check_topic(topic).is_err(), "{topic:?}");
        }
        assert!(check_name("name", "a/b").is_err());
    }

    #[test]
    fn what_deceives_a_reader_is_made_inert() {
        assert_eq!(
            inert("a\n\tb\u{202e}c\u{1b}[2J"),
            "a\n\tb\\u202ec\\u001b[2J"
        );
        assert_eq!(inert("\u{e0041}ä日"), "\\udb40\\udc41ä日");
    }

    #[test]
    fn a_key_belongs_to_its_first_segment_and_a_topic_to_its_first_dot_segment() {
        assert_eq!(project_of_key("shop/api/plan"), "shop");
        assert_eq!(project_of_key("shop"), "shop");
        assert_eq!(project_of_topic("shop.api.done"), "shop");
        assert!(is_reserved_topic("coro.state.put"));
        assert!(!is_reserved_topic("corona.state"));
    }
}
