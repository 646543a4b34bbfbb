//! SQL of numbers.

use crate::db::Tx;
use crate::error::Result;
use crate::ids::TenantId;

/// The last number that was taken.
pub(super) fn taken(tx: &mut Tx<'_>, tenant: &TenantId, kind: &str) -> Result<i64> {
    let taken = tx.query_one(
        "SELECT taken FROM number WHERE tenant_id = $1 AND kind = $2",
        &[tenant.into(), kind.into()],
        |row| row.int(0),
    )?;
    Ok(taken.unwrap_or(0))
}

pub(super) fn set_taken(tx: &mut Tx<'_>, tenant: &TenantId, kind: &str, taken: i64) -> Result<()> {
    tx.queue(
        "INSERT INTO number (tenant_id, kind, taken) VALUES ($1, $2, $3) \
         ON CONFLICT (tenant_id, kind) DO UPDATE SET taken = excluded.taken",
        &[tenant.into(), kind.into(), taken.into()],
    )
}
