//! Changing a part of a JSON value: JSON merge patch (RFC 7396) and JSON patch
//! (RFC 6902), against the value that is there at that moment.

use bytes::Bytes;
use coro_api::names::project_of_key;
use coro_api::state::StateItem;
use json_patch::PatchOperation;
use serde_json::Value as Json;

use super::write::one_key;
use super::{Condition, NewValue, PUT, living, put, stale, store, unknown_key};
use crate::app::Ctx;
use crate::error::{Error, Reason, Result, conflict, internal, invalid};

/// The most operations of one patch.
const OPERATIONS_MAX: usize = 1_000;

/// The most copies and moves of one patch: each looks at what it takes along.
const RELOCATIONS_MAX: usize = 100;

/// How deep operations may nest a value: what is deeper can't be read back,
/// since JSON is parsed to a depth of 128.
const DEPTH_MAX: usize = 120;

/// What shall change.
#[derive(Clone, Debug)]
pub enum Patch {
    /// RFC 7396; a key that does not exist is created.
    Merge(Json),
    /// RFC 6902: all operations, or none.
    Operations(json_patch::Patch),
}

pub async fn patch_state(
    ctx: &Ctx,
    key: &str,
    patch: Patch,
    condition: Condition,
) -> Result<StateItem> {
    ctx.caller.check_key(key)?;
    let (job_ctx, job_key) = (ctx.clone(), key.to_owned());
    ctx.write_hinted(one_key(key, 0), move |tx| {
        let (ctx, key) = (&job_ctx, job_key.as_str());
        let tenant = &ctx.caller.tenant;
        let present = living(tx, tenant, key)?;
        if present.is_none() && matches!(patch, Patch::Operations(_)) {
            return Err(match condition {
                Condition::None => unknown_key(key),
                _ => stale(key, None),
            });
        }
        let value = match &present {
            Some(_) => store::value(tx, tenant, key)?.map(|(value, _)| value),
            None => None,
        };
        let (before, content_type) = match &value {
            Some(value) => (parse(key, &value.bytes)?, value.content_type.clone()),
            None => (Json::Null, "application/json".to_owned()),
        };
        let limit = ctx.app.config.limits.body_bytes;
        let after = apply(key, before, &patch, limit)?;
        let bytes = Bytes::from(serde_json::to_vec(&after).map_err(internal)?);
        if bytes.len() > limit {
            return Err(Error::new(
                Reason::TooLarge,
                format!("the patched value of {key:?} has more than {limit} bytes"),
            ));
        }
        // A patch changes a part: what it does not name stays, the expiry too.
        let new = NewValue::new(bytes, content_type)?.keep_expiry();
        let entry = ctx.entry(PUT, key, project_of_key(key));
        put(tx, ctx, key, &new, &condition, entry)
    })
    .await
}

fn parse(key: &str, bytes: &[u8]) -> Result<Json> {
    serde_json::from_slice(bytes).map_err(|error| {
        conflict(format!("the value of {key:?} is not JSON: {error}"))
            .hint("replace it with a PUT of the whole value")
    })
}

fn apply(key: &str, value: Json, patch: &Patch, limit: usize) -> Result<Json> {
    match patch {
        Patch::Merge(patch) => {
            let mut value = value;
            json_patch::merge(&mut value, patch);
            Ok(value)
        }
        Patch::Operations(operations) => apply_operations(key, value, operations, limit),
    }
}

/// One operation at a time: a few that copy the whole into itself would
/// otherwise double its size or depth with each.
fn apply_operations(
    key: &str,
    mut value: Json,
    operations: &json_patch::Patch,
    limit: usize,
) -> Result<Json> {
    if operations.len() > OPERATIONS_MAX {
        return Err(invalid(format!(
            "the patch has {} operations; it takes at most {OPERATIONS_MAX}",
            operations.len()
        )));
    }
    let mut bytes = measure(&value).bytes;
    let mut relocations = 0;
    for operation in operations.iter() {
        let depth = operation.path().tokens().count();
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
        if from.is_some() {
            relocations += 1;
        }
        let source = from
            .and_then(|from| value.pointer(from.as_str()))
            .map(measure);
        if let (PatchOperation::Copy(_), Some(source)) = (operation, &source) {
            bytes += source.bytes;
        }
        if bytes > 2 * limit
            || relocations > RELOCATIONS_MAX
            || depth + added.max(source.map_or(0, |source| source.depth)) > DEPTH_MAX
        {
            return Err(Error::new(
                Reason::TooLarge,
                format!("the patched value of {key:?} grows too large or too deep"),
            ));
        }
        let one = json_patch::Patch(vec![operation.clone()]);
        json_patch::patch(&mut value, &one).map_err(|error| {
            conflict(format!(
                "the patch does not fit the value of {key:?}: {error}"
            ))
        })?;
    }
    Ok(value)
}

struct Measure {
    /// About the bytes that the value takes as text.
    bytes: usize,
    depth: usize,
}

/// Measures without recursion: what is measured may be deep.
fn measure(value: &Json) -> Measure {
    let mut whole = Measure { bytes: 0, depth: 0 };
    let mut left = vec![(value, 1)];
    while let Some((value, depth)) = left.pop() {
        whole.depth = whole.depth.max(depth);
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
