//! SQL of pauses.

use super::PauseRow;
use crate::clock::Time;
use crate::db::{Row, Tx};
use crate::error::Result;
use crate::ids::TenantId;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, project, agent, reason, paused_by, paused_at FROM pause \
             WHERE tenant_id = $1",
            $rest
        )
    };
}

fn row_from(row: &dyn Row) -> Result<PauseRow> {
    Ok(PauseRow {
        id: row.text(0)?.to_owned(),
        project: row.text(1)?.to_owned(),
        agent: row.text(2)?.to_owned(),
        reason: row.text(3)?.to_owned(),
        paused_by: row.text(4)?.to_owned(),
        paused_at: Time(row.int(5)?),
    })
}

/// The first of some ids that is there.
pub(super) fn find_any(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    ids: [&str; 3],
) -> Result<Option<PauseRow>> {
    tx.query_one(
        select!(" AND id IN ($2, $3, $4) ORDER BY id LIMIT 1"),
        &[tenant.into(), ids[0].into(), ids[1].into(), ids[2].into()],
        row_from,
    )
}

pub(super) fn list(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Vec<PauseRow>> {
    tx.query_all(select!(" ORDER BY id"), &[tenant.into()], row_from)
}

pub(super) fn count(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<i64> {
    let count = tx.query_one(
        "SELECT count(*) FROM pause WHERE tenant_id = $1",
        &[tenant.into()],
        |row| row.int(0),
    )?;
    Ok(count.unwrap_or(0))
}

pub(super) fn insert(tx: &mut Tx<'_>, tenant: &TenantId, pause: &PauseRow) -> Result<()> {
    tx.execute(
        "INSERT INTO pause (tenant_id, id, project, agent, reason, paused_by, paused_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            tenant.into(),
            (&pause.id).into(),
            (&pause.project).into(),
            (&pause.agent).into(),
            (&pause.reason).into(),
            (&pause.paused_by).into(),
            pause.paused_at.into(),
        ],
    )?;
    Ok(())
}

pub(super) fn delete(tx: &mut Tx<'_>, tenant: &TenantId, id: &str) -> Result<()> {
    tx.execute(
        "DELETE FROM pause WHERE tenant_id = $1 AND id = $2",
        &[tenant.into(), id.into()],
    )?;
    Ok(())
}
