//! Koor's form: members joined with dots, arrays and scalars compared whole.

use std::collections::BTreeSet;

use coro_api::state::{DiffEntry, DiffKind};
use serde_json::{Map, Value as Json};

use super::Room;
use crate::error::Result;

pub(super) fn difference(old: Json, new: Json, room: Room) -> Result<Vec<DiffEntry>> {
    let mut found = Found {
        path: String::new(),
        entries: Vec::new(),
        room,
    };
    found.compare(Some(old), Some(new))?;
    Ok(found.entries)
}

struct Found {
    /// The place that is looked at. Written in place: of what is the same on
    /// both sides there may be much, under a name that takes megabytes.
    path: String,
    entries: Vec<DiffEntry>,
    room: Room,
}

impl Found {
    /// Takes the values along: a copy of each would take as much memory again.
    fn compare(&mut self, old: Option<Json>, new: Option<Json>) -> Result<()> {
        match (old, new) {
            (Some(Json::Object(old)), Some(Json::Object(new))) => self.compare_members(old, new),
            (old, new) if old == new => Ok(()),
            (old, new) => self.add(old, new),
        }
    }

    fn compare_members(
        &mut self,
        mut old: Map<String, Json>,
        mut new: Map<String, Json>,
    ) -> Result<()> {
        let above = self.path.len();
        let names: BTreeSet<String> = old.keys().chain(new.keys()).cloned().collect();
        for name in names {
            if above > 0 {
                self.path.push('.');
            }
            self.path.push_str(&name);
            self.compare(old.remove(&name), new.remove(&name))?;
            self.path.truncate(above);
        }
        Ok(())
    }

    fn add(&mut self, old: Option<Json>, new: Option<Json>) -> Result<()> {
        let kind = match (&old, &new) {
            (None, _) => DiffKind::Added,
            (_, None) => DiffKind::Removed,
            _ => DiffKind::Changed,
        };
        let values: Vec<&Json> = old.iter().chain(&new).collect();
        self.room.take(&self.path, &values)?;
        let path = self.path.clone();
        self.entries.push(DiffEntry {
            path,
            old,
            new,
            kind,
        });
        Ok(())
    }
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

    /// The path of each was once written before it was known that it is the
    /// same: that is a terabyte here.
    #[test]
    fn what_is_the_same_under_a_long_name_costs_no_paths() {
        let members = (0..200_000).map(|n| (n.to_string(), Json::from(0)));
        let value = serde_json::json!({ "x".repeat(5_000_000): Json::Object(members.collect()) });
        let room = Room {
            entries: 0,
            bytes: 0,
        };
        let found = difference(value.clone(), value, room).expect("they are the same");
        assert!(found.is_empty());
    }
}
