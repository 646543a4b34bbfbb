//! Path patterns: the syntax of `.gitignore` without `!`, compared with a path
//! and with each other.
//!
//! A pattern matches a file where `git check-ignore --no-index` says so, that is
//! where it matches the path itself or one of its folders. Two patterns overlap
//! where a path exists that both match; that is decided from their texts alone.
//! Nothing here reads the file system.

mod automaton;
mod bytes;
mod overlap;
mod parse;
mod start;
#[cfg(test)]
mod tests;

use std::fmt;

use automaton::Automaton;
pub use overlap::Overlap;

/// The longest pattern.
pub const PATTERN_BYTES_MAX: usize = 256;

/// The most `**` of a pattern.
pub const DOUBLE_STARS_MAX: usize = 8;

/// The longest path that is compared with patterns: the longest that Linux
/// opens.
pub const PATH_BYTES_MAX: usize = 4_096;

/// A pattern, read once and compared often.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    automaton: Automaton,
}

/// What is wrong with a pattern or a path, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    pub message: String,
    pub hint: String,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.hint)
    }
}

impl std::error::Error for PatternError {}

impl Pattern {
    /// Reads a pattern. One that no path can match is refused: whoever takes a
    /// lease on it would believe to hold something.
    pub fn parse(text: &str) -> Result<Pattern, PatternError> {
        let automaton = parse::parse(text)?;
        let everything = parse::parse("**").expect("a pattern that matches everything");
        let mut left = usize::MAX;
        if overlap::overlap(&automaton, &everything, &mut left).is_disjoint() {
            return Err(parse::matches_nothing(text, "no path has this form"));
        }
        Ok(Pattern {
            text: parse::without_trailing_spaces(text).to_owned(),
            automaton,
        })
    }

    /// A pattern that was checked when it came. `None` where it is none.
    pub fn stored(text: &str) -> Option<Pattern> {
        let automaton = parse::parse(text).ok()?;
        Some(Pattern {
            text: text.to_owned(),
            automaton,
        })
    }

    /// The text, without the spaces at its end that git drops as well.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the pattern matches a file at this path, relative to the root of
    /// the repository.
    pub fn matches(&self, path: &str) -> bool {
        let mut left = u64::MAX;
        self.matches_within(path, &mut left)
    }

    /// As [`Pattern::matches`], for one of many comparisons: what it cost is
    /// taken from `left`.
    pub fn matches_within(&self, path: &str, left: &mut u64) -> bool {
        self.automaton.matches(path, left)
    }
}

/// Whether the texts of two patterns tell that no path matches both. Where they
/// don't, [`overlap()`] decides.
pub fn texts_differ(a: &str, b: &str) -> bool {
    start::differ(start::literal_start(a), start::literal_start(b))
}

/// Whether the text of a pattern leaves it possible that it matches a path.
pub fn may_match(pattern: &str, path: &str) -> bool {
    path.starts_with(start::literal_start(pattern))
}

/// Whether a path exists that both patterns match. The order of the two plays no
/// part, not for the witness either.
pub fn overlap(a: &Pattern, b: &Pattern) -> Overlap {
    let mut left = usize::MAX;
    overlap_within(a, b, &mut left)
}

/// As [`overlap()`], for one of many comparisons, which share a bound on their
/// steps: what was needed is taken from `left`, and without any left patterns
/// count as overlapping.
pub fn overlap_within(a: &Pattern, b: &Pattern, left: &mut usize) -> Overlap {
    let (a, b) = if a.text <= b.text { (a, b) } else { (b, a) };
    overlap::overlap(&a.automaton, &b.automaton, left)
}

/// Checks the path of a file: relative to the root of its repository, with `/`
/// between its segments.
pub fn check_path(path: &str) -> Result<(), PatternError> {
    let why = if path.is_empty() {
        "it is empty"
    } else if path.len() > PATH_BYTES_MAX {
        return Err(refuse(
            format!(
                "a path has {} bytes, more than {PATH_BYTES_MAX}",
                path.len()
            ),
            "send paths as git shows them",
        ));
    } else if path.contains('\0') {
        "it contains a NUL"
    } else if path.starts_with('/') {
        "it starts with '/'"
    } else if path
        .split('/')
        .any(|segment| matches!(segment, "" | "." | ".."))
    {
        "it has a segment that is empty, '.' or '..'"
    } else {
        return Ok(());
    };
    Err(refuse(
        format!("the path {path:?} is not one of a repository: {why}"),
        "write it from the root of the repository, as git shows it: src/main.rs",
    ))
}

fn refuse(message: String, hint: &str) -> PatternError {
    PatternError {
        message,
        hint: hint.to_owned(),
    }
}
