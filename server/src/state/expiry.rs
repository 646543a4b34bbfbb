//! Keys whose time is over.

use std::sync::Arc;

use coro_api::names::project_of_key;

use super::{Current, EXPIRED, store};
use crate::db::{Db, NewEntry, SYSTEM, Tx};
use crate::error::Result;
use crate::ids::TenantId;

/// How many expired keys one sweep's transaction deletes.
const EXPIRED_MAX: i64 = 500;

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

pub(super) fn end(
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

pub(super) fn expired_entry(key: &str) -> NewEntry {
    NewEntry::new(EXPIRED, SYSTEM, key, project_of_key(key))
}
