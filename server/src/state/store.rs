//! SQL of state.
//!
//! [`current`] and [`save`] are the only ways to a key's present row inside a
//! write: they keep what the batch has seen, so that a batch of writes needs
//! few round trips to PostgreSQL ([`load_current`]).

use bytes::Bytes;
use coro_api::state::StateItem;

use super::Current;
use super::ranges::KeyRange;
use crate::clock::Time;
use crate::db::{Row, Tx};
use crate::error::{Result, internal};
use crate::ids::{Hash, TenantId};

/// What rows are remembered as.
const ROW: &str = "state";

/// How many keys are read at a time while listing.
const WINDOW: i64 = 1_000;

/// A value with its bytes.
#[derive(Clone, Debug)]
pub struct Value {
    pub version: i64,
    pub revision: i64,
    pub hash: Hash,
    pub size: i64,
    pub content_type: String,
    pub updated_at: Time,
    pub updated_by: String,
    pub bytes: Bytes,
}

macro_rules! current_columns {
    () => {
        "version, revision, hash, size, content_type, updated_at, updated_by, expires_at, \
         conditional, deleted"
    };
}

fn current_from(row: &dyn Row, first: usize) -> Result<Current> {
    Ok(Current {
        version: row.int(first)?,
        revision: row.int(first + 1)?,
        hash: hash_from(row, first + 2)?,
        size: row.int(first + 3)?,
        content_type: row.text(first + 4)?.to_owned(),
        updated_at: Time(row.int(first + 5)?),
        updated_by: row.text(first + 6)?.to_owned(),
        expires_at: row.opt_int(first + 7)?.map(Time),
        conditional: row.int(first + 8)? != 0,
        deleted: row.int(first + 9)? != 0,
    })
}

fn hash_from(row: &dyn Row, column: usize) -> Result<Hash> {
    Hash::from_stored(row.blob(column)?)
        .ok_or_else(|| internal(anyhow::anyhow!("the database holds an impossible hash")))
}

/// The present row of a key, deleted or not.
pub(super) fn current(tx: &mut Tx<'_>, tenant: &TenantId, key: &str) -> Result<Option<Current>> {
    if let Some(row) = tx.remembered::<Option<Current>>(tenant, ROW, key) {
        return Ok(row);
    }
    tx.query_one(
        concat!(
            "SELECT ",
            current_columns!(),
            " FROM state WHERE tenant_id = $1 AND key = $2"
        ),
        &[tenant.into(), key.into()],
        |row| current_from(row, 0),
    )
}

/// Reads the rows of many keys at once (PostgreSQL only).
pub(super) fn load_current(tx: &mut Tx<'_>, tenant: &TenantId, keys: &[&str]) -> Result<()> {
    let keys_json = serde_json::to_string(keys).map_err(internal)?;
    let rows = tx.query_all(
        concat!(
            "SELECT key, ",
            current_columns!(),
            " FROM state WHERE tenant_id = $1 \
             AND key IN (SELECT json_array_elements_text(CAST($2 AS JSON)))"
        ),
        &[tenant.into(), (&keys_json).into()],
        |row| Ok((row.text(0)?.to_owned(), current_from(row, 1)?)),
    )?;
    for key in keys {
        tx.remember::<Option<Current>>(tenant, ROW, key, None);
    }
    for (key, current) in rows {
        tx.remember(tenant, ROW, &key, Some(current));
    }
    Ok(())
}

/// Writes the present row of a key.
pub(super) fn save(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    key: &str,
    exists: bool,
    row: Current,
) -> Result<()> {
    let sql = if exists {
        "UPDATE state SET version = $3, revision = $4, hash = $5, size = $6, content_type = $7, \
         updated_at = $8, updated_by = $9, expires_at = $10, conditional = $11, deleted = $12 \
         WHERE tenant_id = $1 AND key = $2"
    } else {
        "INSERT INTO state (tenant_id, key, version, revision, hash, size, content_type, \
         updated_at, updated_by, expires_at, conditional, deleted) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
    };
    tx.queue(
        sql,
        &[
            tenant.into(),
            key.into(),
            row.version.into(),
            row.revision.into(),
            (&row.hash).into(),
            row.size.into(),
            (&row.content_type).into(),
            row.updated_at.into(),
            (&row.updated_by).into(),
            row.expires_at.into(),
            row.conditional.into(),
            row.deleted.into(),
        ],
    )?;
    tx.remember(tenant, ROW, key, Some(row));
    Ok(())
}

/// The present value of a key, and where the log stands at that moment.
pub(super) fn value(tx: &mut Tx<'_>, tenant: &TenantId, key: &str) -> Result<Option<(Value, i64)>> {
    let now = tx.now();
    tx.query_one(
        "SELECT state.version, state.revision, state.hash, state.size, state.content_type, \
         state.updated_at, state.updated_by, log.payload, \
         (SELECT MAX(revision) FROM log WHERE tenant_id = $1) FROM state JOIN log \
         ON log.tenant_id = state.tenant_id AND log.revision = state.revision \
         WHERE state.tenant_id = $1 AND state.key = $2 AND state.deleted = 0 \
         AND (state.expires_at IS NULL OR state.expires_at > $3)",
        &[tenant.into(), key.into(), now.into()],
        |row| Ok((value_from(row)?, row.int(8)?)),
    )
}

/// A kept value of a key.
pub(super) fn value_at(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    key: &str,
    version: i64,
) -> Result<Option<Value>> {
    tx.query_one(
        "SELECT version, revision, hash, size, content_type, at, actor, payload FROM log \
         WHERE tenant_id = $1 AND subject = $2 AND version = $3 AND version IS NOT NULL \
         AND payload IS NOT NULL AND topic IN ('coro.state.put', 'coro.state.rolled_back')",
        &[tenant.into(), key.into(), version.into()],
        value_from,
    )
}

/// The kept values after version `after`, the newest first, without bytes.
pub(super) fn history(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    key: &str,
    after: i64,
    limit: i64,
) -> Result<Vec<Value>> {
    tx.query_all(
        "SELECT version, revision, hash, size, content_type, at, actor, NULL FROM log \
         WHERE tenant_id = $1 AND subject = $2 AND version > $3 AND version IS NOT NULL \
         AND payload IS NOT NULL AND topic IN ('coro.state.put', 'coro.state.rolled_back') \
         ORDER BY version DESC LIMIT $4",
        &[tenant.into(), key.into(), after.into(), limit.into()],
        value_without_bytes,
    )
}

fn value_from(row: &dyn Row) -> Result<Value> {
    let bytes = Bytes::copy_from_slice(row.blob(7)?);
    Ok(Value {
        bytes,
        ..value_without_bytes(row)?
    })
}

fn value_without_bytes(row: &dyn Row) -> Result<Value> {
    Ok(Value {
        version: row.int(0)?,
        revision: row.int(1)?,
        hash: hash_from(row, 2)?,
        size: row.int(3)?,
        content_type: row.text(4)?.to_owned(),
        updated_at: Time(row.int(5)?),
        updated_by: row.text(6)?.to_owned(),
        bytes: Bytes::new(),
    })
}

/// The keys of ranges that are in order, and whether more follow. `sees` has
/// the last word, before the limit counts.
pub(super) fn list(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    ranges: &[KeyRange],
    after: &str,
    limit: usize,
    sees: &dyn Fn(&str) -> bool,
) -> Result<(Vec<StateItem>, bool)> {
    let mut items: Vec<StateItem> = Vec::new();
    for range in ranges {
        let mut after = after.to_owned();
        let mut is_last = range.1 <= after;
        while !is_last {
            let rows = list_window(tx, tenant, range, &after)?;
            is_last = (rows.len() as i64) < WINDOW;
            for item in rows {
                after.clone_from(&item.key);
                if sees(&item.key) {
                    if items.len() == limit {
                        return Ok((items, true));
                    }
                    items.push(item);
                }
            }
        }
    }
    Ok((items, false))
}

fn list_window(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    (first, last): &KeyRange,
    after: &str,
) -> Result<Vec<StateItem>> {
    let now = tx.now();
    tx.query_all(
        concat!(
            "SELECT key, ",
            current_columns!(),
            " FROM state WHERE tenant_id = $1 \
             AND key >= $2 AND key <= $3 AND key > $4 AND deleted = 0 \
             AND (expires_at IS NULL OR expires_at > $5) ORDER BY key LIMIT $6"
        ),
        &[
            tenant.into(),
            first.into(),
            last.into(),
            after.into(),
            now.into(),
            WINDOW.into(),
        ],
        |row| Ok(current_from(row, 1)?.item(row.text(0)?)),
    )
}

pub(super) fn count(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<i64> {
    let count = tx.query_one(
        "SELECT count(*) FROM state WHERE tenant_id = $1 AND deleted = 0",
        &[tenant.into()],
        |row| row.int(0),
    )?;
    Ok(count.unwrap_or(0))
}

pub(super) fn expired(tx: &mut Tx<'_>, tenant: &TenantId, limit: i64) -> Result<Vec<String>> {
    let now = tx.now();
    tx.query_all(
        "SELECT key FROM state WHERE tenant_id = $1 AND expires_at IS NOT NULL \
         AND expires_at <= $2 ORDER BY expires_at LIMIT $3",
        &[tenant.into(), now.into(), limit.into()],
        |row| Ok(row.text(0)?.to_owned()),
    )
}

/// Drops the values of a key up to a version, which is never the present one.
pub(super) fn drop_values_through(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    key: &str,
    version: i64,
) -> Result<()> {
    tx.queue(
        "UPDATE log SET payload = NULL WHERE tenant_id = $1 AND subject = $2 AND version <= $3 \
         AND version IS NOT NULL AND payload IS NOT NULL \
         AND topic IN ('coro.state.put', 'coro.state.rolled_back')",
        &[tenant.into(), key.into(), version.into()],
    )
}
