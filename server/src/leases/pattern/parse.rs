//! A pattern's text, read as git reads a line of `.gitignore`.
//!
//! The rules are those of gitignore(5). Where that page leaves a question open,
//! what `git check-ignore` does is the answer; `tests/suite/leases_overlap.rs`
//! compares the two. Two answers that surprise:
//!
//! - git compares the part before the first special character by itself, so a
//!   `**` directly behind it counts as the start: `a**/b` matches `ax/y/b`.
//! - A `/` inside of a class anchors the pattern, although no class matches it.

use super::automaton::{Automaton, Step};
use super::bytes::ByteSet;
use super::{DOUBLE_STARS_MAX, PATTERN_BYTES_MAX, PatternError, refuse};

/// Reads a pattern; what is wrong with it is said with the next step.
pub(super) fn parse(text: &str) -> Result<Automaton, PatternError> {
    let line = without_trailing_spaces(text);
    check_text(text, line)?;
    let line = line.as_bytes();
    let (body, folders_only) = match line.strip_suffix(b"/") {
        Some(body) => (body, true),
        None => (line, false),
    };
    let anchored = body.contains(&b'/');
    let steps = if anchored {
        let body = body.strip_prefix(b"/").unwrap_or(body);
        Reader::new(text, body).path()
    } else {
        Reader::new(text, body).name()
    };
    Ok(Automaton::new(steps?, anchored, folders_only))
}

/// Git drops spaces at the end, unless a backslash stands before the space.
pub(super) fn without_trailing_spaces(text: &str) -> &str {
    let bytes = text.as_bytes();
    let (mut at, mut end) = (0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b' ' => at += 1,
            b'\\' => {
                at = (at + 2).min(bytes.len());
                end = at;
            }
            _ => {
                at += 1;
                end = at;
            }
        }
    }
    // A backslash before the first byte of a longer character.
    while !text.is_char_boundary(end) {
        end += 1;
    }
    &text[..end]
}

fn check_text(text: &str, line: &str) -> Result<(), PatternError> {
    if text.len() > PATTERN_BYTES_MAX {
        let start: String = text.chars().take(32).collect();
        return Err(refuse(
            format!(
                "the pattern {start:?}… has {} bytes, more than {PATTERN_BYTES_MAX}",
                text.len()
            ),
            "name a folder that holds the files, such as src/cart/",
        ));
    }
    if let Err(error) = coro_api::names::check_text("pattern", line) {
        return Err(refuse(
            error.to_string(),
            "write a pattern as in .gitignore, such as src/** or *.rs",
        ));
    }
    let shown = format!("the pattern {text:?}");
    if line.starts_with('!') {
        return Err(refuse(
            format!("{shown} starts with '!', and a pattern can't take back another"),
            "name what is wanted; a file name with '!' at its start is written \\!",
        ));
    }
    if line.starts_with('#') {
        return Err(refuse(
            format!("{shown} starts with '#', which is a comment in .gitignore"),
            "a file name with '#' at its start is written \\#",
        ));
    }
    let doubles = double_stars(line.as_bytes());
    if doubles > DOUBLE_STARS_MAX {
        return Err(refuse(
            format!("{shown} has {doubles} times '**', more than {DOUBLE_STARS_MAX}"),
            "one ** at the end of a folder covers all below it: src/**",
        ));
    }
    let segments: Vec<&str> = line.split('/').collect();
    // What is before a leading '/' and behind a trailing one is no segment.
    let inner = match segments.as_slice() {
        ["", ""] => return Err(matches_nothing(text, "it names no file")),
        ["", inner @ .., ""] | ["", inner @ ..] | [inner @ .., ""] | inner => inner,
    };
    for segment in inner {
        match *segment {
            "" => return Err(matches_nothing(text, "it has an empty segment")),
            "." | ".." => {
                let why = format!("no path of a repository has a segment {segment:?}");
                return Err(matches_nothing(text, &why));
            }
            _ => {}
        }
    }
    Ok(())
}

pub(super) fn matches_nothing(text: &str, why: &str) -> PatternError {
    refuse(
        format!("the pattern {text:?} matches no file: {why}"),
        "write paths from the root of the repository, as git shows them: src/main.rs",
    )
}

fn double_stars(line: &[u8]) -> usize {
    let runs = line.split(|byte| *byte != b'*');
    runs.filter(|stars| stars.len() > 1).count()
}

/// Turns the bytes of a pattern into steps.
struct Reader<'a> {
    /// The whole, for messages.
    text: &'a str,
    body: &'a [u8],
    at: usize,
    steps: Vec<Step>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, body: &'a [u8]) -> Self {
        Reader {
            text,
            body,
            at: 0,
            steps: Vec::new(),
        }
    }

    /// A pattern without a slash: it is compared with a name of a file or
    /// folder, so `**` is `*`.
    fn name(mut self) -> Result<Vec<Step>, PatternError> {
        while self.at < self.body.len() {
            if self.body[self.at] == b'*' {
                self.skip_stars();
                self.steps.push(Step::Many(ByteSet::NOT_SLASH));
            } else {
                self.single()?;
            }
        }
        Ok(self.steps)
    }

    /// A pattern with a slash: it is compared with the whole path.
    fn path(mut self) -> Result<Vec<Step>, PatternError> {
        let is_special = |byte: &u8| b"*?[\\".contains(byte);
        let literal_end = self.body.iter().position(is_special);
        while self.at < self.body.len() {
            if self.body[self.at] == b'*' {
                self.stars(literal_end);
            } else {
                self.single()?;
            }
        }
        Ok(self.steps)
    }

    fn stars(&mut self, literal_end: Option<usize>) {
        let start = self.at;
        let is_double = self.skip_stars() > 1;
        let rest = &self.body[self.at..];
        let opens = Some(start) == literal_end || start == 0 || self.body[start - 1] == b'/';
        let closes = rest.is_empty() || rest[0] == b'/' || rest.starts_with(b"\\/");
        if !(is_double && opens && closes) {
            self.steps.push(Step::Many(ByteSet::NOT_SLASH));
        } else if rest.first() == Some(&b'/') {
            // Any number of folders, none as well.
            self.at += 1;
            self.steps.push(Step::SkipFolders);
            self.steps.push(Step::Many(ByteSet::ANY));
            self.steps.push(Step::One(ByteSet::one(b'/')));
        } else {
            self.steps.push(Step::Many(ByteSet::ANY));
        }
    }

    fn skip_stars(&mut self) -> usize {
        let rest = &self.body[self.at..];
        let stars = rest.iter().take_while(|byte| **byte == b'*').count();
        self.at += stars;
        stars
    }

    /// What stands for one byte.
    fn single(&mut self) -> Result<(), PatternError> {
        let set = match self.body[self.at] {
            b'?' => ByteSet::NOT_SLASH,
            b'[' => self.class()?,
            b'\\' => {
                self.at += 1;
                ByteSet::one(self.here("it ends with a single backslash")?)
            }
            byte => ByteSet::one(byte),
        };
        self.at += 1;
        self.steps.push(Step::One(set));
        Ok(())
    }

    /// Reads from `[`, ends on the `]`.
    fn class(&mut self) -> Result<ByteSet, PatternError> {
        self.at += 1;
        let negated = matches!(self.body.get(self.at), Some(b'!' | b'^'));
        if negated {
            self.at += 1;
        }
        let mut set = ByteSet::EMPTY;
        // The byte that a range may begin with.
        let mut before = None;
        let mut is_first = true;
        loop {
            let byte = self.here(UNCLOSED)?;
            if byte == b']' && !is_first {
                break;
            }
            is_first = false;
            before = match (byte, before) {
                (b'-', Some(first)) if self.range_follows() => {
                    self.at += 1;
                    let last = self.escaped()?;
                    set = (first..=last).fold(set, ByteSet::with);
                    None
                }
                (b'[', _) if self.body.get(self.at + 1) == Some(&b':') => {
                    match self.named_class()? {
                        Some(named) => {
                            set = set.or(&named);
                            None
                        }
                        None => {
                            set = set.with(b'[');
                            Some(b'[')
                        }
                    }
                }
                _ => {
                    let byte = self.escaped()?;
                    set = set.with(byte);
                    Some(byte)
                }
            };
            self.at += 1;
        }
        let set = if negated {
            ByteSet::ANY.and_not(&set)
        } else {
            set
        };
        Ok(set.without(b'/').without(0))
    }

    fn range_follows(&self) -> bool {
        !matches!(self.body.get(self.at + 1), None | Some(b']'))
    }

    /// The byte here, or the one behind a backslash here.
    fn escaped(&mut self) -> Result<u8, PatternError> {
        if self.here(UNCLOSED)? == b'\\' {
            self.at += 1;
        }
        self.here(UNCLOSED)
    }

    /// Reads `[:alpha:]` and ends on its `]`; `None`, and stays, where the next
    /// `]` has no colon before it.
    fn named_class(&mut self) -> Result<Option<ByteSet>, PatternError> {
        let rest = &self.body[self.at + 2..];
        let Some(end) = rest.iter().position(|byte| *byte == b']') else {
            return Err(matches_nothing(self.text, UNCLOSED));
        };
        let Some(name) = rest[..end].strip_suffix(b":") else {
            return Ok(None);
        };
        let Some(holds) = class_named(name) else {
            let name = String::from_utf8_lossy(name);
            let why = format!("there is no class [:{name}:]");
            return Err(matches_nothing(self.text, &why));
        };
        self.at += 2 + end;
        let bytes = (1..=u8::MAX).filter(|byte| holds(*byte));
        Ok(Some(bytes.fold(ByteSet::EMPTY, ByteSet::with)))
    }

    fn here(&self, why: &str) -> Result<u8, PatternError> {
        let byte = self.body.get(self.at).copied();
        byte.ok_or_else(|| matches_nothing(self.text, why))
    }
}

const UNCLOSED: &str = "a '[' has no ']'";

/// The classes that git knows, all within ASCII.
fn class_named(name: &[u8]) -> Option<fn(u8) -> bool> {
    let holds: fn(u8) -> bool = match name {
        b"alnum" => |byte| byte.is_ascii_alphanumeric(),
        b"alpha" => |byte| byte.is_ascii_alphabetic(),
        b"blank" => |byte| matches!(byte, b' ' | b'\t'),
        b"cntrl" => |byte| byte.is_ascii_control(),
        b"digit" => |byte| byte.is_ascii_digit(),
        b"graph" => |byte| byte.is_ascii_graphic(),
        b"lower" => |byte| byte.is_ascii_lowercase(),
        b"print" => |byte| byte.is_ascii_graphic() || byte == b' ',
        b"punct" => |byte| byte.is_ascii_punctuation(),
        b"space" => |byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'),
        b"upper" => |byte| byte.is_ascii_uppercase(),
        b"xdigit" => |byte| byte.is_ascii_hexdigit(),
        _ => return None,
    };
    Some(holds)
}
