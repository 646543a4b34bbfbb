//! What others have said, on its way to a model.
//!
//! A model can't tell who wrote the text that it reads. So what an agent or a
//! client said is cut to a length, quoted where it could pass for something
//! else, and named as theirs by whoever shows it: it is not the server that
//! says it.

/// A word as it is, anything else in quotes.
pub fn as_said(text: &str, chars_max: usize) -> String {
    let text = cut(text, chars_max);
    let is_plain = |c: char| c.is_alphanumeric() || "-_./~,:+@#…".contains(c);
    match text.chars().all(is_plain) {
        true => text,
        false => format!("{text:?}"),
    }
}

/// The beginning of a text, with `…` where something is left out.
pub fn cut(text: &str, chars_max: usize) -> String {
    let mut short: String = text.chars().take(chars_max).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
