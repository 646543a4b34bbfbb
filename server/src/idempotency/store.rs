//! SQL of stored answers.

use super::Once;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::ids::{Hash, TenantId};

pub(super) struct Stored {
    pub(super) fingerprint: Option<Hash>,
    pub(super) answer: String,
}

pub(super) fn find(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    principal: &str,
    key: &str,
) -> Result<Option<Stored>> {
    tx.query_one(
        "SELECT fingerprint, answer FROM idempotency \
         WHERE tenant_id = $1 AND principal = $2 AND key = $3",
        &[tenant.into(), principal.into(), key.into()],
        |row| {
            Ok(Stored {
                fingerprint: Hash::from_stored(row.blob(0)?),
                answer: row.text(1)?.to_owned(),
            })
        },
    )
}

pub(super) fn insert(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    principal: &str,
    once: &Once,
    answer: &str,
) -> Result<()> {
    let now = tx.now();
    tx.queue(
        "INSERT INTO idempotency (tenant_id, principal, key, fingerprint, answer, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            tenant.into(),
            principal.into(),
            (&once.key).into(),
            (&once.fingerprint).into(),
            answer.into(),
            now.into(),
        ],
    )
}

pub(super) fn any_before(tx: &mut Tx<'_>, tenant: &TenantId, before: Time) -> Result<bool> {
    let found = tx.query_one(
        "SELECT 1 FROM idempotency WHERE tenant_id = $1 AND created_at < $2 LIMIT 1",
        &[tenant.into(), before.into()],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

pub(super) fn remove_before(tx: &mut Tx<'_>, tenant: &TenantId, before: Time) -> Result<u64> {
    tx.execute(
        "DELETE FROM idempotency WHERE tenant_id = $1 AND created_at < $2",
        &[tenant.into(), before.into()],
    )
}
