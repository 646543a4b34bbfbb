use super::{Overlap, Pattern, check_path, may_match, overlap, overlap_within, texts_differ};

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn patterns_match_what_git_would_ignore() {
    for (text, matching, others) in [
        ("foo", "foo foo/x a/foo a/foo/b/c", "food xfoo a/fo"),
        ("foo/", "foo/x a/foo/x", "foo a/foo"),
        ("/foo", "foo foo/x", "a/foo"),
        ("a/foo", "a/foo a/foo/x", "x/a/foo foo"),
        ("*.rs", "a.rs .rs src/a.rs src/x.rs/y", "a.rsx rs"),
        ("/*.rs", "a.rs a.rs/b", "src/a.rs"),
        ("src/*", "src/a src/a/b", "src x/src/a"),
        ("src/**", "src/a src/a/b", "src srca"),
        ("**/api", "api x/api x/y/api/z", "xapi"),
        ("a/**/b", "a/b a/x/b a/x/y/b/z", "ab a/xb"),
        ("a**b", "ab axb x/axxb", "a/b"),
        ("x/a**b", "x/ab x/axb", "x/a/b"),
        ("a**/b", "ab a/b ax/y/b", "b"),
        ("a\\**/b", "a*/b a*x/b", "a*x/y/b"),
        ("?at", "cat x/hat", "at c/at"),
        ("[a-c]x", "ax cx", "dx x"),
        ("[!a-c]x", "dx -x", "ax /x"),
        ("[^a]", "b ^", "a"),
        ("[]a]x", "]x ax", "bx"),
        ("[[:digit:]x]", "7 x", "a :"),
        ("[[:d]", "[ : d", "a"),
        ("[a-]", "a -", "b"),
        ("[\\]]", "]", "\\"),
        ("\\*", "* x/*", "a"),
        ("\\#x", "#x", "x"),
        ("\\!x", "!x", "x"),
        ("[a/]b", "", "a/b x/ab"),
        ("**", "a a/b .x", ""),
        ("*", "a a/b .x", ""),
        ("/**", "a a/b", ""),
        ("é?", "éa", "é éaa"),
        ("é??", "éß", "éa"),
    ] {
        let pattern = pattern(text);
        let split = |paths: &'static str| paths.split(' ').filter(|path| !path.is_empty());
        for path in split(matching) {
            assert!(pattern.matches(path), "{text:?} on {path:?}");
        }
        for path in split(others) {
            assert!(!pattern.matches(path), "{text:?} not on {path:?}");
        }
    }
    assert!(pattern("x\\ ").matches("x "));
    assert!(!pattern("x  ").matches("x "));
}

#[test]
fn patterns_that_are_refused_say_why_and_what_to_write() {
    for (text, part) in [
        ("", "is empty"),
        ("  ", "is empty"),
        ("/", "names no file"),
        ("//", "empty segment"),
        ("a//b", "empty segment"),
        ("a//", "empty segment"),
        ("./a", "segment \".\""),
        ("a/../b", "segment \"..\""),
        ("..", "segment \"..\""),
        ("!a", "starts with '!'"),
        ("#a", "starts with '#'"),
        ("a\nb", "U+000A"),
        ("a\0b", "U+0000"),
        ("[a", "no ']'"),
        ("a[", "no ']'"),
        ("[]", "no ']'"),
        ("[a-", "no ']'"),
        ("a[[:digit:", "no ']'"),
        ("[[:nothing:]]", "no class"),
        ("a\\", "single backslash"),
        ("[a\\", "no ']'"),
        ("x/[/]", "no path has"),
        ("a/\\./b", "no path has"),
        ("[.]/b", "no path has"),
        ("a\\//b", "empty segment"),
        ("**/**/**/**/**/**/**/**/**/a", "9 times"),
    ] {
        let error = Pattern::parse(text).expect_err(text);
        assert!(error.message.contains(part), "{text:?}: {error}");
        assert!(!error.hint.is_empty(), "{text:?}");
        assert!(!error.to_string().contains('\n'), "{text:?}");
    }
    assert!(Pattern::parse(&"a".repeat(256)).is_ok());
    let error = Pattern::parse(&"a".repeat(257)).expect_err("too long");
    assert!(error.message.contains("257 bytes"), "{error}");
    assert!(Pattern::parse("**/**/**/**/**/**/**/**/a").is_ok());
    assert!(Pattern::parse("a\\é ").is_ok());
}

#[test]
fn overlap_is_decided_with_a_shortest_path() {
    for (a, b, witness) in [
        ("*.rs", "src/**", Some("src/.rs")),
        // A folder may be called x.md; only a leading slash tells them apart.
        ("*.rs", "*.md", Some(".rs/.md")),
        ("/*.rs", "/*.md", None),
        ("/a.rs", "/a.md", None),
        ("*a*", "*b*", Some("ab")),
        ("src/", "src", Some("src/a")),
        ("/src", "/srv", None),
        ("/src/*", "/src/api/**", Some("src/api/a")),
        ("**", "*", Some("a")),
        ("Cargo.toml", "/server", Some("server/Cargo.toml")),
        ("a/b", "b/a", None),
        ("/[a-m]x", "/[n-z]x", None),
        ("/[a-n]x", "/[n-z]x", Some("nx")),
        ("foo/**/bar", "**/x/bar", Some("foo/x/bar")),
        ("/a?", "/ab", Some("ab")),
    ] {
        let (a, b) = (pattern(a), pattern(b));
        let expected = match witness {
            Some(path) => Overlap::Overlaps {
                witness: Some(path.to_owned()),
            },
            None => Overlap::Disjoint,
        };
        assert_eq!(
            overlap(&a, &b),
            expected,
            "{:?} {:?}",
            a.as_str(),
            b.as_str()
        );
        assert_eq!(
            overlap(&b, &a),
            expected,
            "{:?} {:?}",
            b.as_str(),
            a.as_str()
        );
    }
}

#[test]
fn texts_tell_apart_only_what_does_not_overlap() {
    for (a, b, differ) in [
        ("/src/api/", "/web/**", true),
        ("src/a", "/src/b*", true),
        ("/src/a*/x", "/src/b", true),
        ("/src", "/src2", false),
        ("/src/", "/src/api", false),
        ("src/", "/web/", false),
        ("*.rs", "/web/", false),
        ("/a\\*", "/a*", false),
        ("[a/]b", "x/y", false),
    ] {
        assert_eq!(texts_differ(a, b), differ, "{a:?} {b:?}");
        assert_eq!(texts_differ(b, a), differ, "{b:?} {a:?}");
    }
    // All texts of these pieces that are patterns, with each other.
    let pieces = ["a", "b", "/", "*", "**/", "?", "\\a", "[ab]"];
    let mut texts = vec![String::new()];
    for _ in 0..3 {
        let longer = |text: &String| pieces.map(|piece| format!("{text}{piece}"));
        let more: Vec<String> = texts.iter().flat_map(longer).collect();
        texts.extend(more);
    }
    texts.sort_unstable();
    texts.dedup();
    let all = texts.iter().filter_map(|text| Pattern::parse(text).ok());
    let all: Vec<Pattern> = all.collect();
    assert!(all.len() > 300, "{}", all.len());
    for a in &all {
        for path in ["a", "b/a", "a/b/a"] {
            assert!(may_match(a.as_str(), path) || !a.matches(path), "{a:?}");
        }
        let others = all.iter().filter(|b| texts_differ(a.as_str(), b.as_str()));
        for b in others {
            let found = overlap(a, b);
            assert!(found.is_disjoint(), "{a:?} {b:?}");
        }
    }
}

#[test]
fn what_takes_too_long_to_decide_overlaps() {
    // Disjoint by their last letters only, which is found at the very end.
    let hard = |last: &str| pattern(&format!("/{}{last}", "*[ab]".repeat(45)));
    let (a, b) = (hard("/x"), hard("/y"));
    let undecided = Overlap::Overlaps { witness: None };
    assert_eq!(overlap_within(&a, &b, &mut 10), undecided);
    let mut left = 1_000_000;
    overlap_within(&a, &b, &mut left);
    assert!(left >= 900_000, "{left}");
    let (a, b) = (pattern("/src/api/**"), pattern("*.rs"));
    let mut left = 1_000;
    overlap_within(&a, &b, &mut left);
    assert!(left > 900, "{left}");
}

#[test]
fn a_path_is_checked_as_git_shows_it() {
    for path in ["a", "a/b.c", ".a/b", "a b/\u{e4}", "a\\b", "...", "a\nb"] {
        assert_eq!(check_path(path), Ok(()), "{path:?}");
    }
    for path in ["", "/a", "a/", "a//b", "./a", "a/..", "..", "a\0b"] {
        assert!(check_path(path).is_err(), "{path:?}");
    }
    assert!(check_path(&"a".repeat(4_096)).is_ok());
    assert!(check_path(&"a".repeat(4_097)).is_err());
}
