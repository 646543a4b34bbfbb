//! What the output looks like: lines of fields, and JSON.

mod json;

use std::fmt::Write;

pub(crate) use json::{compact, pretty};

/// Joins fields with tabs. Free text in them can't break the line. Every line
/// has all fields, so that a script can count on their places; `-` stands for
/// an empty one.
pub(crate) fn row(fields: &[&str]) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|field| match *field {
            "" => "-".to_owned(),
            text => escape(text),
        })
        .collect();
    fields.join("\t")
}

/// Escapes what would break a line or deceive the reader of a terminal:
/// control characters and those that change the direction of what follows.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            // Every such character has four digits. Writing to a string can't
            // fail.
            deceptive if is_deceptive(deceptive) => {
                let _ = write!(escaped, "\\u{:04x}", u32::from(deceptive));
            }
            plain => escaped.push(plain),
        }
    }
    escaped
}

/// The set that `coro_api::names` refuses in names.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
            | '\u{2028}' | '\u{2029}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_text_stays_in_its_field() {
        assert_eq!(
            row(&["a\tb", "c\nd", "ä \u{1b}[31m\u{202e}"]),
            "a\\tb\tc\\nd\tä \\u001b[31m\\u202e"
        );
    }

    #[test]
    fn an_empty_field_is_a_dash() {
        assert_eq!(row(&["", "a", ""]), "-\ta\t-");
    }
}
