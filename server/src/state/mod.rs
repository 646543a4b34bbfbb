//! State: versioned values under keys.
//!
//! A value is stored once, as the payload of the log row that wrote it. The
//! key's row points to the present one, the kept log rows are its history.
//! Versions of a key count up over deletes and are never used twice, so
//! `(key, version)` names one value for good. A key may delete itself (TTL),
//! and may demand that every write names the version that it replaces.

mod condition;
pub mod diff;
mod patch;
pub mod routes;
mod store;

use std::sync::Arc;

use bytes::Bytes;
use coro_api::limits::TTL_SECONDS_MAX;
use coro_api::names::project_of_key;
use coro_api::state::{Deleted, RolledBack, StateHistory, StateItem, StateVersion};

use crate::app::Ctx;
use crate::clock::Time;
use crate::db::{Db, Hints, NewEntry, Payload, Prefetch, SYSTEM, Tx};
use crate::error::{Error, Reason, Result, invalid, not_found};
use crate::ids::{Hash, TenantId};
use crate::listed::Listed;

pub use condition::{Condition, Tag, etag};
pub use patch::{Patch, patch_state};
pub use store::Value;

pub const PUT: &str = "coro.state.put";
pub const ROLLED_BACK: &str = "coro.state.rolled_back";
pub const DELETED: &str = "coro.state.deleted";
pub const EXPIRED: &str = "coro.state.expired";

/// How many expired keys one sweep's transaction deletes.
const EXPIRED_MAX: i64 = 500;

/// Values beyond the kept number are dropped with every n-th version.
const TRIM_EVERY: i64 = 16;

/// A value to be written.
#[derive(Clone, Debug)]
pub struct NewValue {
    bytes: Bytes,
    hash: Hash,
    content_type: String,
    ttl_seconds: Option<i64>,
    /// Whether the key expires when it did before.
    keeps_expiry: bool,
    /// Whether the key shall demand conditions; `None` leaves it as it is.
    conditional: Option<bool>,
}

impl NewValue {
    pub fn new(bytes: Bytes, content_type: String) -> Result<Self> {
        if bytes.is_empty() {
            return Err(invalid("empty body").hint("send the value as the body"));
        }
        let hash = Hash::of(&bytes);
        Ok(NewValue {
            bytes,
            hash,
            content_type,
            ttl_seconds: None,
            keeps_expiry: false,
            conditional: None,
        })
    }

    pub fn ttl(mut self, seconds: Option<i64>) -> Result<Self> {
        if let Some(seconds) = seconds
            && !(1..=TTL_SECONDS_MAX).contains(&seconds)
        {
            return Err(invalid(format!(
                "ttl is {seconds}; it takes 1 to {TTL_SECONDS_MAX} seconds"
            )));
        }
        self.ttl_seconds = seconds;
        Ok(self)
    }

    fn keep_expiry(mut self) -> Self {
        self.keeps_expiry = true;
        self
    }

    pub fn conditional(mut self, conditional: Option<bool>) -> Self {
        self.conditional = conditional;
        self
    }

    pub fn size(&self) -> usize {
        self.bytes.len()
    }
}

/// The present row of a key, which may be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    pub version: i64,
    pub revision: i64,
    pub hash: Hash,
    pub size: i64,
    pub content_type: String,
    pub updated_at: Time,
    pub updated_by: String,
    pub expires_at: Option<Time>,
    pub conditional: bool,
    pub deleted: bool,
}

impl Current {
    /// Whether there is a value for whoever looks at this moment.
    pub fn lives(&self, now: Time) -> bool {
        !self.deleted && self.expires_at.is_none_or(|expires_at| expires_at > now)
    }

    pub fn item(&self, key: &str) -> StateItem {
        StateItem {
            key: key.to_owned(),
            version: self.version,
            revision: self.revision,
            hash: self.hash.hex(),
            size: self.size,
            content_type: self.content_type.clone(),
            updated_at: self.updated_at.to_string(),
            updated_by: self.updated_by.clone(),
            expires_at: self.expires_at.map(|at| at.to_string()),
            conditional: self.conditional,
        }
    }

    pub fn etag(&self) -> String {
        etag(self.version, &self.hash.hex())
    }
}

/// The keys that begin with `prefix`, after `after`, at most `limit`.
pub async fn list_state(
    ctx: &Ctx,
    prefix: String,
    after: String,
    limit: usize,
) -> Result<Listed<StateItem>> {
    let caller = ctx.caller.clone();
    ctx.app
        .db
        .scan(move |tx| {
            let revision = tx.head(&caller.tenant)?.revision;
            let sees = |key: &str| caller.check_key(key).is_ok();
            let (items, more) = store::list(tx, &caller.tenant, &prefix, &after, limit, &sees)?;
            Ok(Listed {
                items,
                revision,
                more,
            })
        })
        .await
}

/// The present value of a key, and the tenant's revision at which it was read.
pub async fn get_state(ctx: &Ctx, key: &str) -> Result<(Value, i64)> {
    ctx.caller.check_key(key)?;
    let (tenant, of) = (ctx.caller.tenant.clone(), key.to_owned());
    let found = ctx
        .app
        .db
        .read(move |tx| store::value(tx, &tenant, &of))
        .await?;
    found.ok_or_else(|| unknown_key(key))
}

/// The key's entry in the list, and the revision at which it was read.
pub async fn get_state_item(ctx: &Ctx, key: &str) -> Result<(StateItem, i64)> {
    ctx.caller.check_key(key)?;
    let (tenant, of) = (ctx.caller.tenant.clone(), key.to_owned());
    let (revision, found) = ctx
        .app
        .db
        .read(move |tx| Ok((tx.head(&tenant)?.revision, living(tx, &tenant, &of)?)))
        .await?;
    let current = found.ok_or_else(|| unknown_key(key))?;
    Ok((current.item(key), revision))
}

/// A value of the past or the present, and the revision at which it was read.
pub async fn get_state_version(ctx: &Ctx, key: &str, version: i64) -> Result<(Value, i64)> {
    ctx.caller.check_key(key)?;
    let (tenant, of) = (ctx.caller.tenant.clone(), key.to_owned());
    let keep = ctx.app.config.retention.history_versions;
    ctx.app
        .db
        .read(move |tx| {
            let revision = tx.head(&tenant)?.revision;
            Ok((version_of(tx, &tenant, &of, version, keep)?, revision))
        })
        .await
}

/// The kept values of a key, the newest first; none for a key that never was.
pub async fn list_state_history(ctx: &Ctx, key: &str, limit: i64) -> Result<StateHistory> {
    ctx.caller.check_key(key)?;
    let (tenant, of) = (ctx.caller.tenant.clone(), key.to_owned());
    let keep = ctx.app.config.retention.history_versions;
    let versions = ctx
        .app
        .db
        .read(move |tx| {
            let newest = store::current(tx, &tenant, &of)?.map_or(0, |current| current.version);
            store::history(tx, &tenant, &of, newest - keep, limit)
        })
        .await?;
    let versions = versions
        .into_iter()
        .map(|value| version_item(key, &value))
        .collect();
    Ok(StateHistory {
        key: key.to_owned(),
        versions,
    })
}

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

/// What is known of a write of one key: it is refused before it writes.
fn one_key(key: &str, bytes: usize) -> Hints {
    Hints {
        bytes,
        prefetch: Some(prefetch([key])),
        refuses_first: true,
    }
}

/// Says beforehand which keys a write reads.
pub fn prefetch<'a>(keys: impl IntoIterator<Item = &'a str>) -> Prefetch {
    Prefetch {
        keys: keys.into_iter().map(str::to_owned).collect(),
        load: store::load_current,
    }
}

/// The present row of a key, where it has a value.
pub fn living(tx: &mut Tx<'_>, tenant: &TenantId, key: &str) -> Result<Option<Current>> {
    let now = tx.now();
    Ok(store::current(tx, tenant, key)?.filter(|current| current.lives(now)))
}

/// How many keys have a value.
pub async fn count_state(ctx: &Ctx) -> Result<i64> {
    let tenant = ctx.caller.tenant.clone();
    ctx.app.db.read(move |tx| store::count(tx, &tenant)).await
}

/// Deletes the keys whose time is over.
pub async fn sweep(db: &Db, tenant: &TenantId) -> Result<()> {
    loop {
        let of = tenant.clone();
        let expired = db
            .read(move |tx| store::expired(tx, &of, EXPIRED_MAX))
            .await?;
        if expired.is_empty() {
            return Ok(());
        }
        let (of, keys) = (tenant.clone(), Arc::new(expired));
        let ended = db
            .write(tenant, move |tx| end_expired(tx, &of, &keys))
            .await?;
        // Those that were written again meanwhile have time until the next round.
        if ended == 0 {
            return Ok(());
        }
    }
}

fn end_expired(tx: &mut Tx<'_>, tenant: &TenantId, keys: &[String]) -> Result<usize> {
    let now = tx.now();
    let mut ended = 0;
    for key in keys {
        let current = store::current(tx, tenant, key)?;
        if let Some(current) = current.filter(|c| !c.deleted && !c.lives(now)) {
            end(tx, tenant, key, current, expired_entry(key))?;
            ended += 1;
        }
    }
    Ok(ended)
}

fn end(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    key: &str,
    current: Current,
    entry: NewEntry,
) -> Result<i64> {
    let note = serde_json::json!({ "key": key, "version": current.version });
    let revision = tx.emit(tenant, entry.note(note))?;
    let ended = Current {
        deleted: true,
        expires_at: None,
        conditional: false,
        ..current
    };
    store::save(tx, tenant, key, true, ended)?;
    Ok(revision)
}

fn expired_entry(key: &str) -> NewEntry {
    NewEntry::new(EXPIRED, SYSTEM, key, project_of_key(key))
}

fn check_condition(key: &str, living: Option<&Current>, condition: &Condition) -> Result<()> {
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

/// In Koor's words.
pub fn unknown_key(key: &str) -> Error {
    not_found("key", key).hint("list the keys with GET /api/state")
}

fn version_of(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    key: &str,
    version: i64,
    keep: i64,
) -> Result<Value> {
    let newest = store::current(tx, tenant, key)?.map_or(0, |current| current.version);
    let kept = version > newest - keep;
    let found = if kept {
        store::value_at(tx, tenant, key, version)?
    } else {
        None
    };
    found.ok_or_else(|| {
        let what = format!("{key} version {version}");
        let hint = if (1..=newest).contains(&version) {
            "that version is no longer kept; see the kept ones with ?history"
        } else {
            "see the kept versions with ?history"
        };
        not_found("version", &what).hint(hint)
    })
}

fn version_item(key: &str, value: &Value) -> StateVersion {
    StateVersion {
        key: key.to_owned(),
        version: value.version,
        revision: value.revision,
        hash: value.hash.hex(),
        size: value.size,
        content_type: value.content_type.clone(),
        updated_at: value.updated_at.to_string(),
        updated_by: value.updated_by.clone(),
    }
}
