//! Writing keys: each write holds what its condition demands, and is a new
//! version.

use coro_api::names::project_of_key;
use coro_api::state::{Deleted, RolledBack, StateItem};

use super::expiry::{end, expired_entry};
use super::read::version_of;
use super::{
    Condition, Current, DELETED, NewValue, PUT, ROLLED_BACK, prefetch, store, unknown_key,
};
use crate::app::Ctx;
use crate::db::{Hints, NewEntry, Payload, Tx};
use crate::error::{Error, Reason, Result};

/// Values beyond the kept number are dropped with every n-th version.
const TRIM_EVERY: i64 = 16;

/// Writes a value.
pub async fn put_state(
    ctx: &Ctx,
    key: &str,
    new: NewValue,
    condition: Condition,
) -> Result<StateItem> {
    ctx.caller.check_key(key)?;
    let (job_ctx, job_key) = (ctx.clone(), key.to_owned());
    ctx.write_hinted(one_key(key, new.size()), move |tx| {
        let entry = job_ctx.entry(PUT, &job_key, project_of_key(&job_key));
        put(tx, &job_ctx, &job_key, &new, &condition, entry)
    })
    .await
}

/// Writes a past value again, as a new version. Works on deleted keys.
pub async fn rollback_state(
    ctx: &Ctx,
    key: &str,
    version: i64,
    condition: Condition,
) -> Result<RolledBack> {
    ctx.caller.check_key(key)?;
    let (job_ctx, job_key) = (ctx.clone(), key.to_owned());
    ctx.write_hinted(one_key(key, 0), move |tx| {
        let keep = job_ctx.app.config.retention.history_versions;
        let old = version_of(tx, &job_ctx.caller.tenant, &job_key, version, keep)?;
        let new = NewValue::new(old.bytes, old.content_type)?;
        let entry = job_ctx
            .entry(ROLLED_BACK, &job_key, project_of_key(&job_key))
            .note(serde_json::json!({ "rolled_back": version }));
        let item = put(tx, &job_ctx, &job_key, &new, &condition, entry)?;
        Ok(RolledBack {
            item,
            rolled_back: version,
        })
    })
    .await
}

/// Deletes a key. Its history stays.
pub async fn delete_state(ctx: &Ctx, key: &str, condition: Condition) -> Result<Deleted> {
    ctx.caller.check_key(key)?;
    let (job_ctx, job_key) = (ctx.clone(), key.to_owned());
    ctx.write_hinted(one_key(key, 0), move |tx| {
        let revision = delete(tx, &job_ctx, &job_key, &condition)?;
        Ok(Deleted {
            deleted: job_key.clone(),
            revision,
        })
    })
    .await
}

/// What is known of a write of one key: it is refused before it writes.
pub(super) fn one_key(key: &str, bytes: usize) -> Hints {
    Hints {
        bytes,
        prefetch: Some(prefetch([key])),
        refuses_first: true,
    }
}

/// Writes a value inside a transaction.
pub fn put(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    key: &str,
    new: &NewValue,
    condition: &Condition,
    entry: NewEntry,
) -> Result<StateItem> {
    let tenant = &ctx.caller.tenant;
    let now = tx.now();
    let before = store::current(tx, tenant, key)?;
    let living = before.as_ref().filter(|current| current.lives(now));
    check_condition(key, living, condition)?;
    if let Some(over) = before.as_ref().filter(|c| !c.deleted && !c.lives(now)) {
        // Its time was over and no sweep has said so yet.
        end(tx, tenant, key, over.clone(), expired_entry(key))?;
    }

    let version = before.as_ref().map_or(0, |current| current.version) + 1;
    let payload = Payload {
        bytes: new.bytes.clone(),
        hash: new.hash,
        version: Some(version),
        content_type: new.content_type.clone(),
    };
    let updated_by = entry.actor.clone();
    let revision = tx.emit(tenant, entry.payload(payload))?;
    let current = Current {
        version,
        revision,
        hash: new.hash,
        size: new.size() as i64,
        content_type: new.content_type.clone(),
        updated_at: now,
        updated_by,
        expires_at: match new.ttl_seconds {
            Some(seconds) => Some(now.plus_seconds(seconds)),
            None if new.keeps_expiry => living.and_then(|current| current.expires_at),
            None => None,
        },
        conditional: new
            .conditional
            .unwrap_or(living.is_some_and(|c| c.conditional)),
        deleted: false,
    };
    let item = current.item(key);
    store::save(tx, tenant, key, before.is_some(), current)?;
    let keep = ctx.app.config.retention.history_versions;
    if version > keep && version % TRIM_EVERY == 0 {
        store::drop_values_through(tx, tenant, key, version - keep)?;
    }
    Ok(item)
}

/// Deletes a key inside a transaction and tells the revision that says so.
pub fn delete(tx: &mut Tx<'_>, ctx: &Ctx, key: &str, condition: &Condition) -> Result<i64> {
    let tenant = &ctx.caller.tenant;
    let now = tx.now();
    let before = store::current(tx, tenant, key)?.filter(|current| current.lives(now));
    if *condition == Condition::None && before.is_none() {
        return Err(unknown_key(key));
    }
    check_condition(key, before.as_ref(), condition)?;
    let Some(current) = before else {
        return Err(unknown_key(key));
    };
    let entry = ctx.entry(DELETED, key, project_of_key(key));
    end(tx, tenant, key, current, entry)
}

pub(super) fn check_condition(
    key: &str,
    living: Option<&Current>,
    condition: &Condition,
) -> Result<()> {
    let holds = match (condition, living) {
        (Condition::None, Some(current)) if current.conditional => {
            return Err(Error::new(
                Reason::PreconditionRequired,
                format!("the key {key:?} takes conditional writes only"),
            )
            .etag(current.etag())
            .revision(current.revision)
            .hint(format!("read it and send 'If-Match: {}'", current.etag())));
        }
        (Condition::None, _) => true,
        (Condition::Absent, living) => living.is_none(),
        (Condition::Present, living) => living.is_some(),
        (Condition::OneOf(tags), Some(current)) => tags
            .iter()
            .any(|tag| tag.is(current.version, &current.hash)),
        (Condition::OneOf(_), None) => false,
    };
    if holds {
        Ok(())
    } else {
        Err(stale(key, living))
    }
}

/// The condition of a write does not hold.
pub fn stale(key: &str, living: Option<&Current>) -> Error {
    match living {
        Some(current) => Error::new(
            Reason::PreconditionFailed,
            format!("the key {key:?} is at version {}", current.version),
        )
        .etag(current.etag())
        .revision(current.revision)
        .hint("read it again, apply the change to what is there now, and repeat"),
        None => Error::new(
            Reason::PreconditionFailed,
            format!("the key {key:?} does not exist"),
        )
        .hint("create it with 'If-None-Match: *'"),
    }
}
