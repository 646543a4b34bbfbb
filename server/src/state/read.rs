//! What keys hold now, and held before.

use coro_api::state::{StateHistory, StateItem, StateVersion};

use super::ranges::visible;
use super::{Value, living, store, unknown_key};
use crate::app::Ctx;
use crate::db::Tx;
use crate::error::{Result, not_found};
use crate::ids::TenantId;
use crate::listed::Listed;

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
            let ranges = visible(&caller, &prefix);
            let sees = |key: &str| caller.check_key(key).is_ok();
            let (items, more) = store::list(tx, &caller.tenant, &ranges, &after, limit, &sees)?;
            let last = items.last().filter(|_| more);
            Ok(Listed {
                revision,
                next: last.map(|last| last.key.clone()),
                items,
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

/// How many keys have a value.
pub async fn count_state(ctx: &Ctx) -> Result<i64> {
    let tenant = ctx.caller.tenant.clone();
    ctx.app.db.read(move |tx| store::count(tx, &tenant)).await
}

pub(super) fn version_of(
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
