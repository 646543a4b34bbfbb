//! SQL of consumers.

use super::Stored;
use crate::clock::Time;
use crate::db::{Row, Tx};
use crate::error::{Result, internal};
use crate::ids::TenantId;
use crate::log::Sight;

macro_rules! columns {
    () => {
        "name, pattern, acknowledged, owner, actor, project, key_prefixes, audit, created_at, \
         updated_at"
    };
}

fn stored_from(row: &dyn Row) -> Result<Stored> {
    Ok(Stored {
        name: row.text(0)?.to_owned(),
        pattern: row.text(1)?.to_owned(),
        acknowledged: row.int(2)?,
        owner: row.text(3)?.to_owned(),
        actor: row.text(4)?.to_owned(),
        sight: Sight {
            project: row.opt_text(5)?.map(str::to_owned),
            key_prefixes: serde_json::from_str(row.text(6)?).map_err(internal)?,
            audit: row.int(7)? != 0,
        },
        created_at: Time(row.int(8)?),
        updated_at: Time(row.int(9)?),
    })
}

pub(super) fn find(tx: &mut Tx<'_>, tenant: &TenantId, name: &str) -> Result<Option<Stored>> {
    tx.query_one(
        concat!(
            "SELECT ",
            columns!(),
            " FROM consumer WHERE tenant_id = $1 AND name = $2"
        ),
        &[tenant.into(), name.into()],
        stored_from,
    )
}

pub(super) fn list(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Vec<Stored>> {
    tx.query_all(
        concat!(
            "SELECT ",
            columns!(),
            " FROM consumer WHERE tenant_id = $1 ORDER BY name"
        ),
        &[tenant.into()],
        stored_from,
    )
}

pub(super) fn list_of(tx: &mut Tx<'_>, tenant: &TenantId, owner: &str) -> Result<Vec<Stored>> {
    tx.query_all(
        concat!(
            "SELECT ",
            columns!(),
            " FROM consumer WHERE tenant_id = $1 AND owner = $2 ORDER BY name"
        ),
        &[tenant.into(), owner.into()],
        stored_from,
    )
}

pub(super) fn count(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<i64> {
    let count = tx.query_one(
        "SELECT count(*) FROM consumer WHERE tenant_id = $1",
        &[tenant.into()],
        |row| row.int(0),
    )?;
    Ok(count.unwrap_or(0))
}

pub(super) fn count_of(tx: &mut Tx<'_>, tenant: &TenantId, owner: &str) -> Result<i64> {
    let count = tx.query_one(
        "SELECT count(*) FROM consumer WHERE tenant_id = $1 AND owner = $2",
        &[tenant.into(), owner.into()],
        |row| row.int(0),
    )?;
    Ok(count.unwrap_or(0))
}

pub(super) fn insert(tx: &mut Tx<'_>, tenant: &TenantId, consumer: &Stored) -> Result<()> {
    let prefixes = serde_json::to_string(&consumer.sight.key_prefixes).map_err(internal)?;
    tx.execute(
        "INSERT INTO consumer (tenant_id, name, pattern, acknowledged, owner, actor, project, \
         key_prefixes, audit, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        &[
            tenant.into(),
            (&consumer.name).into(),
            (&consumer.pattern).into(),
            consumer.acknowledged.into(),
            (&consumer.owner).into(),
            (&consumer.actor).into(),
            consumer.sight.project.as_ref().into(),
            (&prefixes).into(),
            consumer.sight.audit.into(),
            consumer.created_at.into(),
            consumer.updated_at.into(),
        ],
    )?;
    Ok(())
}

pub(super) fn acknowledge(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    name: &str,
    revision: i64,
) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE consumer SET acknowledged = $3, updated_at = $4 \
         WHERE tenant_id = $1 AND name = $2",
        &[tenant.into(), name.into(), revision.into(), now.into()],
    )?;
    Ok(())
}

pub(super) fn delete(tx: &mut Tx<'_>, tenant: &TenantId, name: &str) -> Result<()> {
    tx.execute(
        "DELETE FROM consumer WHERE tenant_id = $1 AND name = $2",
        &[tenant.into(), name.into()],
    )?;
    Ok(())
}
