//! SQL of tenants.

use crate::db::Tx;
use crate::error::Result;
use crate::ids::TenantId;

pub(super) fn find(tx: &mut Tx<'_>, name: &str) -> Result<Option<TenantId>> {
    tx.query_one(
        "SELECT tenant_id FROM tenant WHERE name = $1",
        &[name.into()],
        |row| Ok(TenantId::from_stored(row.text(0)?)),
    )
}

pub(super) fn list(tx: &mut Tx<'_>) -> Result<Vec<TenantId>> {
    tx.query_all(
        "SELECT tenant_id FROM tenant ORDER BY created_at, tenant_id",
        &[],
        |row| Ok(TenantId::from_stored(row.text(0)?)),
    )
}

pub(super) fn insert(tx: &mut Tx<'_>, tenant: &TenantId, name: &str) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO tenant (tenant_id, name, created_at) VALUES ($1, $2, $3)",
        &[tenant.into(), name.into(), now.into()],
    )?;
    Ok(())
}
