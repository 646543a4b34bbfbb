//! The difference as JSON patch (RFC 6902): as `json_patch::diff` makes it, with
//! an end.

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation, RemoveOperation, ReplaceOperation};
use serde_json::{Map, Value as Json};

use super::Room;
use crate::error::Result;

pub(super) fn difference(old: &Json, new: Json, room: Room) -> Result<Patch> {
    let mut found = Found {
        path: PointerBuf::new(),
        operations: Vec::new(),
        room,
    };
    found.compare(old, new)?;
    Ok(Patch(found.operations))
}

struct Found {
    /// The place that is looked at.
    path: PointerBuf,
    operations: Vec<PatchOperation>,
    room: Room,
}

impl Found {
    /// Takes what is new along: a copy would take as much memory again.
    fn compare(&mut self, old: &Json, new: Json) -> Result<()> {
        match (old, new) {
            (Json::Object(old), Json::Object(new)) => self.compare_objects(old, new),
            (Json::Array(old), Json::Array(new)) => self.compare_arrays(old, new),
            (old, new) if *old == new => Ok(()),
            (_, value) => {
                self.room.take(self.path.as_str(), &[&value])?;
                let path = self.path.clone();
                let replace = ReplaceOperation { path, value };
                self.operations.push(PatchOperation::Replace(replace));
                Ok(())
            }
        }
    }

    fn compare_objects(&mut self, old: &Map<String, Json>, new: Map<String, Json>) -> Result<()> {
        let removed: Vec<&String> = old.keys().filter(|name| !new.contains_key(*name)).collect();
        for (name, value) in new {
            self.path.push_back(&name);
            match old.get(&name) {
                Some(before) => self.compare(before, value)?,
                None => self.add(value)?,
            }
            self.path.pop_back();
        }
        for name in removed {
            self.path.push_back(name);
            self.remove()?;
            self.path.pop_back();
        }
        Ok(())
    }

    fn compare_arrays(&mut self, old: &[Json], new: Vec<Json>) -> Result<()> {
        let kept = new.len();
        for (index, value) in new.into_iter().enumerate() {
            self.path.push_back(index);
            match old.get(index) {
                Some(before) => self.compare(before, value)?,
                None => self.add(value)?,
            }
            self.path.pop_back();
        }
        // With each that goes the next takes its place.
        for _ in kept..old.len() {
            self.path.push_back(kept);
            self.remove()?;
            self.path.pop_back();
        }
        Ok(())
    }

    fn add(&mut self, value: Json) -> Result<()> {
        self.room.take(self.path.as_str(), &[&value])?;
        let path = self.path.clone();
        let add = AddOperation { path, value };
        self.operations.push(PatchOperation::Add(add));
        Ok(())
    }

    fn remove(&mut self) -> Result<()> {
        self.room.take(self.path.as_str(), &[])?;
        let path = self.path.clone();
        let remove = RemoveOperation { path };
        self.operations.push(PatchOperation::Remove(remove));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_difference_is_the_one_of_the_library() {
        let old = json!({"a": [1, {"b/~": 2}, 3, 4], "c": null, "d": {"e": 1}, "": 0});
        for new in [
            old.clone(),
            json!(7),
            json!({"a": [1], "c": false, "d": [], "f": {"g": [1]}}),
            json!({"a": [1, {"b/~": 3}, 3, 4, 5, 6], "": 1}),
        ] {
            let room = Room {
                entries: 10,
                bytes: 1_000,
            };
            let patch = difference(&old, new.clone(), room).expect("there is room");
            assert_eq!(patch, json_patch::diff(&old, &new));
        }
    }

    #[test]
    fn a_difference_has_an_end() {
        let differ = |entries| {
            let room = Room {
                entries,
                bytes: 1_000,
            };
            difference(&json!([1, 2, 3, 4]), json!([2, 2, 4]), room)
        };
        assert_eq!(differ(3).expect("there is room").0.len(), 3);
        assert!(differ(2).is_err());
    }
}
