//! Patterns of leases mean what git says: compared with `git check-ignore` on
//! random triples of two patterns and a path.
//!
//! Each pattern gets a folder of its own in a scratch repository, with the
//! pattern as its `.gitignore`; so one git process answers for all of them.

use std::collections::{BTreeSet, HashSet};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use coro_server::leases::pattern::{Overlap, Pattern, overlap};
use coro_tests::{Random, skip, variable};

/// Pieces that meet often, and where readings of gitignore(5) differ.
const PIECES: [&str; 32] = [
    "a",
    "b",
    "ab",
    "a",
    "b",
    "/",
    "/",
    "/",
    "*",
    "*",
    "**",
    "**/",
    "/**",
    "/**/",
    "?",
    "[ab]",
    "[!a]",
    "[^b]",
    "[a-b]",
    "[]a]",
    "[a-]",
    "[[:alpha:]]",
    "[a/b]",
    "\\a",
    "\\*",
    "\\/",
    ".",
    "..",
    "é",
    " ",
    "\\ ",
    "a*",
];

const SEGMENTS: [&str; 16] = [
    "a", "b", "ab", "ba", "aa", "bb", "aab", "a*", "é", "a.b", ".a", "]", "-", "a b", "c", "abc",
];

#[test]
fn patterns_match_and_overlap_as_git_says() {
    if Command::new("git").arg("--version").output().is_err() {
        skip("leases_overlap", "git is not installed");
        return;
    }
    let is_long = variable("CORO_LONG").is_some_and(|value| value == "1");
    let triples = if is_long { 100_000 } else { SHORT };
    let seed = variable("CORO_SEED").and_then(|seed| seed.parse().ok());
    let mut random = Random::new(seed.unwrap_or(20_477));
    // In rounds, so that the scratch repository stays small.
    for _ in 0..triples / ROUND {
        compare_round(&mut random);
    }
}

/// How many triples run without `CORO_LONG`.
const SHORT: usize = 5_000;

/// How many triples one git process is asked about.
const ROUND: usize = 5_000;

/// How many patterns these are made of: each needs a folder.
const PATTERNS: usize = 1_000;

/// How many paths are tried on every two patterns that are said to be disjoint.
const PATHS: usize = 500;

struct Triple {
    /// Places among the patterns of the round.
    places: [usize; 2],
    patterns: [Pattern; 2],
    path: String,
    overlap: Overlap,
}

fn compare_round(random: &mut Random) {
    let patterns: Vec<Pattern> = (0..PATTERNS).map(|_| pattern(random)).collect();
    let triples: Vec<Triple> = (0..ROUND).map(|_| triple(random, &patterns)).collect();
    let folder = tempfile::tempdir().expect("a scratch folder");
    let git = Git::new(folder.path());
    for (place, pattern) in patterns.iter().enumerate() {
        git.ignore(&place.to_string(), pattern.as_str());
    }
    let mut asked = BTreeSet::new();
    for triple in &triples {
        for place in triple.places {
            for path in witness(triple).into_iter().chain([triple.path.as_str()]) {
                asked.insert(format!("{place}/{path}"));
            }
        }
    }
    let ignored = git.ignored(&asked);
    let paths: Vec<String> = (0..PATHS).map(|_| path(random)).collect();
    let matched: Vec<Vec<bool>> = patterns
        .iter()
        .map(|pattern| paths.iter().map(|path| pattern.matches(path)).collect())
        .collect();
    for triple in &triples {
        let by_git = |path: &str| {
            let is_ignored = |place: usize| ignored.contains(&format!("{place}/{path}"));
            triple.places.map(is_ignored)
        };
        check(triple, by_git);
        let [a, b] = triple.places.map(|place| &matched[place]);
        let both = a.iter().zip(b).position(|(a, b)| *a && *b);
        if let (Some(path), true) = (both, triple.overlap.is_disjoint()) {
            panic!("{:?} both match {:?}", triple.patterns, paths[path]);
        }
    }
}

/// What must hold for a triple, with git's word on a path for both patterns: it
/// agrees on the path, and on the witness of each overlap that is claimed.
fn check(triple: &Triple, by_git: impl Fn(&str) -> [bool; 2]) {
    let texts = triple.patterns.each_ref().map(Pattern::as_str);
    let path = &triple.path;
    let matched = by_git(path);
    let ours = triple.patterns.each_ref().map(|one| one.matches(path));
    assert_eq!(ours, matched, "{texts:?} on {path:?}, git is on the right");
    if triple.overlap.is_disjoint() {
        assert_ne!(matched, [true; 2], "{texts:?} both match {path:?}");
    } else {
        // Patterns as small as these are decided within the bound.
        let witness = witness(triple).expect("a path that both match");
        assert_eq!(by_git(witness), [true; 2], "{texts:?} on {witness:?}");
        let ours = triple.patterns.each_ref().map(|one| one.matches(witness));
        assert_eq!(ours, [true; 2], "{texts:?} on {witness:?}");
    }
}

fn witness(triple: &Triple) -> Option<&str> {
    match &triple.overlap {
        Overlap::Overlaps { witness } => witness.as_deref(),
        Overlap::Disjoint => None,
    }
}

fn triple(random: &mut Random, patterns: &[Pattern]) -> Triple {
    let places = [0; 2].map(|_| random.below(patterns.len() as u32) as usize);
    let patterns = places.map(|place| patterns[place].clone());
    let overlap = overlap(&patterns[0], &patterns[1]);
    let path = path(random);
    Triple {
        places,
        patterns,
        path,
        overlap,
    }
}

/// A pattern that is taken; those that are refused say nothing about git.
fn pattern(random: &mut Random) -> Pattern {
    loop {
        let pieces = 1 + random.below(6);
        let text: String = (0..pieces).map(|_| *pick(random, &PIECES)).collect();
        if let Ok(pattern) = Pattern::parse(&text) {
            return pattern;
        }
    }
}

fn path(random: &mut Random) -> String {
    let segments = 1 + random.below(4);
    let segments: Vec<&str> = (0..segments).map(|_| *pick(random, &SEGMENTS)).collect();
    segments.join("/")
}

fn pick<'a, T>(random: &mut Random, from: &'a [T]) -> &'a T {
    &from[random.below(from.len() as u32) as usize]
}

/// A scratch repository.
struct Git<'a> {
    folder: &'a Path,
}

impl Git<'_> {
    fn new(folder: &Path) -> Git<'_> {
        let git = Git { folder };
        let made = git.command(&["init", "--quiet"]).status();
        assert!(made.expect("git runs").success());
        git
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .current_dir(self.folder)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .args(["-c", "core.ignorecase=false"])
            .args(arguments);
        command
    }

    fn ignore(&self, folder: &str, pattern: &str) {
        let folder = self.folder.join(folder);
        std::fs::create_dir(&folder).expect("a folder of its own");
        std::fs::write(folder.join(".gitignore"), format!("{pattern}\n")).expect("written");
    }

    /// Which of the paths git ignores.
    fn ignored(&self, paths: &BTreeSet<String>) -> HashSet<String> {
        let mut child = self
            .command(&["check-ignore", "--no-index", "--stdin", "-z"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("git runs");
        let mut input = child.stdin.take().expect("a pipe");
        let text: String = paths.iter().map(|path| format!("{path}\0")).collect();
        // From a thread of its own: git answers while it reads.
        let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
        let output = child.wait_with_output().expect("git ends");
        let written = writer.join().expect("no panic");
        // 1 says that nothing is ignored.
        assert!(
            written.is_ok() && matches!(output.status.code(), Some(0 | 1)),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        text.split_terminator('\0').map(str::to_owned).collect()
    }
}
