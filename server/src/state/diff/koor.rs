//! Koor's form: members joined with dots, arrays and scalars compared whole.

use std::collections::BTreeSet;

use coro_api::state::{DiffEntry, DiffKind};
use serde_json::Value as Json;

use super::Room;
use crate::error::Result;

pub(super) fn difference(old: Json, new: Json, mut room: Room) -> Result<Vec<DiffEntry>> {
    let mut found = Vec::new();
    compare("", Some(old), Some(new), &mut found, &mut room)?;
    Ok(found)
}

/// Takes the values along: a copy of each would take as much memory again.
fn compare(
    path: &str,
    old: Option<Json>,
    new: Option<Json>,
    found: &mut Vec<DiffEntry>,
    room: &mut Room,
) -> Result<()> {
    let (old, new) = match (old, new) {
        (Some(Json::Object(mut old)), Some(Json::Object(mut new))) => {
            let names: BTreeSet<String> = old.keys().chain(new.keys()).cloned().collect();
            for name in names {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                compare(&path, old.remove(&name), new.remove(&name), found, room)?;
            }
            return Ok(());
        }
        other => other,
    };
    let kind = match (&old, &new) {
        (old, new) if old == new => return Ok(()),
        (None, _) => DiffKind::Added,
        (_, None) => DiffKind::Removed,
        _ => DiffKind::Changed,
    };
    let values: Vec<&Json> = old.iter().chain(&new).collect();
    room.take(path, &values)?;
    found.push(DiffEntry {
        path: path.to_owned(),
        old,
        new,
        kind,
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_found_in_objects_and_in_anything_else() {
        let compare_all = |old: Json, new: Json| {
            let room = Room {
                entries: 10,
                bytes: 1_000,
            };
            let diffs = difference(old, new, room).expect("there is room");
            serde_json::to_value(diffs).expect("serializable")
        };
        let old = serde_json::json!({"a": 1, "b": {"c": [1], "d": null}, "e": 0});
        let new = serde_json::json!({"a": 1, "b": {"c": [2]}, "f": 0});
        assert_eq!(
            compare_all(old, new),
            serde_json::json!([
                {"path": "b.c", "old": [1], "new": [2], "kind": "changed"},
                {"path": "b.d", "old": null, "kind": "removed"},
                {"path": "e", "old": 0, "kind": "removed"},
                {"path": "f", "new": 0, "kind": "added"},
            ])
        );
        assert_eq!(
            compare_all(serde_json::json!([1]), serde_json::json!("x")),
            serde_json::json!([{"path": "", "old": [1], "new": "x", "kind": "changed"}])
        );
    }

    #[test]
    fn a_difference_that_names_long_paths_again_and_again_has_an_end() {
        let under = |value: i32| {
            let members = (0..100).map(|n| (n.to_string(), Json::from(value)));
            serde_json::json!({ "x".repeat(1_000): Json::Object(members.collect()) })
        };
        let differ = |bytes| {
            let room = Room {
                entries: 100,
                bytes,
            };
            difference(under(1), under(2), room).map(|found| found.len())
        };
        assert_eq!(differ(110_000).expect("there is room"), 100);
        assert!(differ(90_000).is_err());
    }
}
