//! Where the keys are that a caller may see, so that the database reads no
//! others: a list of one project must not cost what the others have.

use crate::auth::Caller;

/// Keys from the first to the second, both included, by their bytes.
pub(super) type KeyRange = (String, String);

/// Where the keys that begin with `prefix` and that the caller may see are, in
/// order and apart from each other.
pub(super) fn visible(caller: &Caller, prefix: &str) -> Vec<KeyRange> {
    let projects = match &caller.project {
        // Other names stand between a project's own key and those below it.
        Some(project) => vec![
            (project.clone(), project.clone()),
            beginning(&format!("{project}/")),
        ],
        None => vec![beginning("")],
    };
    let prefixes = match &caller.key_prefixes[..] {
        [] => vec![beginning("")],
        prefixes => prefixes.iter().map(|prefix| beginning(prefix)).collect(),
    };
    let asked = [beginning(prefix)];
    merged(both(&both(&projects, &prefixes), &asked))
}

/// The keys that begin with a text; no key has the character at the end.
fn beginning(prefix: &str) -> KeyRange {
    (prefix.to_owned(), format!("{prefix}\u{10FFFF}"))
}

/// What is in one of each.
fn both(some: &[KeyRange], others: &[KeyRange]) -> Vec<KeyRange> {
    let pairs = some
        .iter()
        .flat_map(|one| others.iter().map(move |other| (one, other)));
    pairs
        .map(|(one, other)| ((&one.0).max(&other.0), (&one.1).min(&other.1)))
        .filter(|(first, last)| first <= last)
        .map(|(first, last)| (first.clone(), last.clone()))
        .collect()
}

/// The same keys, each in one range only.
fn merged(mut ranges: Vec<KeyRange>) -> Vec<KeyRange> {
    ranges.sort();
    let mut apart: Vec<KeyRange> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match apart.last_mut() {
            Some(before) if first <= before.1 => {
                if last > before.1 {
                    before.1 = last;
                }
            }
            _ => apart.push((first, last)),
        }
    }
    apart
}
