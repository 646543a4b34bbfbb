//! Changing a part of a JSON value: JSON merge patch (RFC 7396) and JSON patch
//! (RFC 6902), against the value that is there at that moment.

use bytes::Bytes;
use coro_api::names::project_of_key;
use coro_api::state::StateItem;
use serde_json::Value as Json;

use super::{Condition, NewValue, PUT, living, one_key, put, stale, store, unknown_key};
use crate::app::Ctx;
use crate::error::{Error, Reason, Result, conflict, internal};

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
            Some(_) => store::value(tx, tenant, key)?,
            None => None,
        };
        let (before, content_type) = match &value {
            Some(value) => (parse(key, &value.bytes)?, value.content_type.clone()),
            None => (Json::Null, "application/json".to_owned()),
        };
        let after = apply(key, before, &patch)?;
        let bytes = Bytes::from(serde_json::to_vec(&after).map_err(internal)?);
        let limit = ctx.app.config.limits.body_bytes;
        if bytes.len() > limit {
            return Err(Error::new(
                Reason::TooLarge,
                format!("the patched value of {key:?} has more than {limit} bytes"),
            ));
        }
        let new = NewValue::new(bytes, content_type)?;
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

fn apply(key: &str, mut value: Json, patch: &Patch) -> Result<Json> {
    match patch {
        Patch::Merge(patch) => json_patch::merge(&mut value, patch),
        Patch::Operations(operations) => {
            json_patch::patch(&mut value, operations).map_err(|error| {
                conflict(format!(
                    "the patch does not fit the value of {key:?}: {error}"
                ))
            })?;
        }
    }
    Ok(value)
}
