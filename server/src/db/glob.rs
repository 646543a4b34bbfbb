//! Topic patterns, the same on both engines because neither evaluates them.
//!
//! `*` stands for any characters, dots included; everything else for itself.
//! The database only narrows by the part before the first `*`.
//!
//! A pattern is matched against entry after entry, so none is long: whoever
//! has a [`Glob`] has one that was checked.

use coro_api::names::check_text;

use crate::error::Result;

/// Koor's names of topics that are ours now.
const ALIASES: [(&str, &str); 3] = [
    ("agent.stale", "coro.agent.stale"),
    ("compliance.violation", "coro.compliance.violation"),
    ("llm.usage.recorded", "coro.llm.usage.recorded"),
];

/// A pattern, made ready once and matched often.
#[derive(Clone, Debug)]
pub struct Glob {
    /// What must stand at the start; the whole where there is no `*`.
    first: String,
    /// What must follow, in order, with anything between; `None` where the
    /// pattern has no `*`.
    rest: Option<Vec<String>>,
}

impl Glob {
    /// Reads a client's pattern, which `what` names; an empty one matches
    /// everything, as in Koor.
    pub fn parse(what: &str, pattern: &str) -> Result<Self> {
        if !pattern.is_empty() {
            check_text(what, pattern)?;
        }
        Ok(Glob::new(pattern))
    }

    /// One of our own patterns.
    pub fn own(pattern: &'static str) -> Self {
        Glob::new(pattern)
    }

    /// The same pattern, for what follows `prefix`.
    pub fn under(&self, prefix: &'static str) -> Self {
        Glob {
            first: format!("{prefix}{}", self.first),
            rest: self.rest.clone(),
        }
    }

    fn new(pattern: &str) -> Self {
        let pattern = match ALIASES.iter().find(|(theirs, _)| *theirs == pattern) {
            Some((_, ours)) => ours,
            None if pattern.is_empty() => "*",
            None => pattern,
        };
        let mut pieces = pattern.split('*').map(str::to_owned);
        let first = pieces.next().unwrap_or_default();
        let mut rest: Vec<String> = pieces.collect();
        // Between two stars is nothing to look for; what is last must end it.
        if let Some(last) = rest.pop() {
            rest.retain(|piece| !piece.is_empty());
            rest.push(last);
        }
        Glob {
            first,
            rest: (!rest.is_empty()).then_some(rest),
        }
    }

    pub fn matches(&self, text: &str) -> bool {
        let Some(rest) = &self.rest else {
            return text == self.first;
        };
        let Some(mut text) = text.strip_prefix(self.first.as_str()) else {
            return false;
        };
        let (last, middle) = rest
            .split_last()
            .expect("a pattern with * has pieces after it");
        // The leftmost place for each piece leaves the most for the others.
        for piece in middle {
            let Some(at) = text.find(piece.as_str()) else {
                return false;
            };
            text = &text[at + piece.len()..];
        }
        text.ends_with(last.as_str())
    }

    /// The smallest and the largest text that can match, for a range in SQL.
    pub fn range(&self) -> (String, String) {
        match self.rest {
            Some(_) => (self.first.clone(), format!("{}\u{10FFFF}", self.first)),
            None => (self.first.clone(), self.first.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn a_star_stands_for_anything_and_everything_else_for_itself() {
        for (pattern, text, matches) in [
            ("*", "a.b", true),
            ("", "a.b", true),
            ("a.*", "a.b.c", true),
            ("a.*", "a", false),
            ("*.request", "shop.api.request", true),
            ("*.request", "shop.api.requests", false),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*ab*ab", "ab", false),
            ("*ab*ab", "abab", true),
            ("a?c", "abc", false),
            ("[a]", "a", false),
            ("[a]", "[a]", true),
            ("a%", "ab", false),
            ("agent.stale", "coro.agent.stale", true),
            ("Ä*", "Äb", true),
            ("a**b", "ab", true),
            ("a**b***", "aXbY", true),
            ("**", "", true),
        ] {
            assert_eq!(
                Glob::new(pattern).matches(text),
                matches,
                "{pattern:?} on {text:?}"
            );
        }
    }

    #[test]
    fn a_pattern_is_bounded_and_costs_by_what_it_looks_for() {
        let stars = "*".repeat(512);
        let glob = Glob::parse("pattern", &stars).expect("short enough");
        assert_eq!(glob.rest.expect("it has a star"), [""]);
        assert!(Glob::parse("pattern", &format!("{stars}*")).is_err());
        let audited = Glob::parse("action", "state.*").expect("a pattern");
        assert!(audited.under("coro.").matches("coro.state.put"));
    }
}
