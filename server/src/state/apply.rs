//! What a patch makes of a value: no database, and an end for whatever is sent.

use bytes::Bytes;
use json_patch::PatchOperation;
use json_patch::jsonptr::Pointer;
use serde_json::Value as Json;

use super::patch::Change;
use super::{NewValue, Value};
use crate::error::{Error, Reason, Result, conflict, internal, invalid};

/// The most copies and moves of one patch: each looks at what it takes along.
const RELOCATIONS_MAX: usize = 100;

/// The most elements that the operations of one patch shift in arrays or take
/// along: a second of work at the most.
const ELEMENTS_MAX: usize = 50_000_000;

/// How deep operations may nest a value: what is deeper can't be read back,
/// since JSON is parsed to a depth of 128.
const DEPTH_MAX: usize = 120;

/// The value that follows `before`, of at most `limit` bytes; `None` where
/// there is none before.
pub(super) fn patched(
    key: &str,
    before: Option<&Value>,
    change: &Change,
    limit: usize,
) -> Result<NewValue> {
    let (value, content_type) = match before {
        Some(value) => (parse(key, &value.bytes)?, value.content_type.clone()),
        None => (Json::Null, "application/json".to_owned()),
    };
    let after = apply(key, value, change, limit)?;
    let bytes = Bytes::from(serde_json::to_vec(&after).map_err(internal)?);
    if bytes.len() > limit {
        return Err(Error::new(
            Reason::TooLarge,
            format!("the patched value of {key:?} has more than {limit} bytes"),
        ));
    }
    // A patch changes a part: what it does not name stays, the expiry too.
    Ok(NewValue::new(bytes, content_type)?.keep_expiry())
}

fn parse(key: &str, bytes: &[u8]) -> Result<Json> {
    serde_json::from_slice(bytes).map_err(|error| {
        conflict(format!("the value of {key:?} is not JSON: {error}"))
            .hint("replace it with a PUT of the whole value")
    })
}

fn apply(key: &str, mut value: Json, change: &Change, limit: usize) -> Result<Json> {
    match change {
        Change::Merge(patch) => {
            json_patch::merge(&mut value, patch);
            Ok(value)
        }
        Change::Operations(operations) => {
            let mut effort = Effort {
                bytes: measure(&value).bytes,
                ..Effort::default()
            };
            for operation in operations.iter() {
                effort.add(key, &value, operation, limit)?;
                let one = std::slice::from_ref(operation);
                // The whole is given up with the first that fails.
                json_patch::patch_unsafe(&mut value, one).map_err(|error| {
                    conflict(format!(
                        "the patch does not fit the value of {key:?}: {error}"
                    ))
                })?;
            }
            Ok(value)
        }
    }
}

/// What the operations have cost so far. It is counted before each of them: a
/// few that copy the whole into itself would otherwise double its size or
/// depth each time.
#[derive(Default)]
struct Effort {
    /// About the size of the value as text.
    bytes: usize,
    relocations: usize,
    /// Elements that were shifted or taken along.
    elements: usize,
}

impl Effort {
    fn add(
        &mut self,
        key: &str,
        value: &Json,
        operation: &PatchOperation,
        limit: usize,
    ) -> Result<()> {
        let from = match operation {
            PatchOperation::Copy(copy) => Some(&copy.from),
            PatchOperation::Move(moved) => Some(&moved.from),
            _ => None,
        };
        let added = match operation {
            PatchOperation::Add(add) => measure(&add.value).depth,
            PatchOperation::Replace(replace) => measure(&replace.value).depth,
            _ => 0,
        };
        let source = from
            .and_then(|from| value.pointer(from.as_str()))
            .map(measure)
            .unwrap_or_default();
        if let PatchOperation::Copy(_) = operation {
            self.bytes += source.bytes;
        }
        self.relocations += usize::from(from.is_some());
        self.elements += source.elements + shifted_by(value, operation);
        if self.elements > ELEMENTS_MAX {
            return Err(invalid(format!(
                "the patch shifts or takes along more than {ELEMENTS_MAX} elements of the value \
                 of {key:?}"
            ))
            .hint("replace the whole array with one operation"));
        }
        let depth = operation.path().tokens().count() + added.max(source.depth);
        if self.bytes > 2 * limit || self.relocations > RELOCATIONS_MAX || depth > DEPTH_MAX {
            return Err(Error::new(
                Reason::TooLarge,
                format!("the patched value of {key:?} grows too large or too deep"),
            ));
        }
        Ok(())
    }
}

/// How many elements of arrays an operation shifts.
fn shifted_by(value: &Json, operation: &PatchOperation) -> usize {
    match operation {
        PatchOperation::Add(add) => behind(value, &add.path),
        PatchOperation::Remove(remove) => behind(value, &remove.path),
        PatchOperation::Copy(copy) => behind(value, &copy.path),
        PatchOperation::Move(moved) => behind(value, &moved.from) + behind(value, &moved.path),
        PatchOperation::Replace(_) | PatchOperation::Test(_) => 0,
    }
}

/// How many elements stand behind a place in an array.
fn behind(value: &Json, path: &Pointer) -> usize {
    let place = path.split_back();
    let found = place.and_then(|(parent, last)| Some((value.pointer(parent.as_str())?, last)));
    let Some((Json::Array(items), last)) = found else {
        return 0;
    };
    let index = last.decoded().parse().unwrap_or(items.len());
    items.len().saturating_sub(index)
}

#[derive(Default)]
struct Measure {
    /// About the bytes that the value takes as text.
    bytes: usize,
    depth: usize,
    elements: usize,
}

/// Measures without recursion: what is measured may be deep.
fn measure(value: &Json) -> Measure {
    let mut whole = Measure::default();
    let mut left = vec![(value, 1)];
    while let Some((value, depth)) = left.pop() {
        whole.depth = whole.depth.max(depth);
        whole.elements += 1;
        whole.bytes += match value {
            Json::String(text) => text.len() + 2,
            Json::Array(items) => {
                left.extend(items.iter().map(|item| (item, depth + 1)));
                2 + items.len()
            }
            Json::Object(members) => {
                left.extend(members.values().map(|member| (member, depth + 1)));
                2 + members.keys().map(|name| name.len() + 4).sum::<usize>()
            }
            _ => 8,
        };
    }
    whole
}
