//! SQL of hooks.

use super::continuation::Continuation;
use crate::db::Tx;
use crate::error::{Result, internal};
use crate::ids::{AgentId, TenantId};

pub(super) fn find(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
) -> Result<Option<Continuation>> {
    tx.query_one(
        "SELECT count, told FROM continuation WHERE tenant_id = $1 AND agent_id = $2",
        &[tenant.into(), agent.into()],
        |row| {
            Ok(Continuation {
                count: row.int(0)?,
                told: serde_json::from_str(row.text(1)?).map_err(internal)?,
            })
        },
    )
}

pub(super) fn put(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
    continuation: &Continuation,
) -> Result<()> {
    let told = serde_json::to_string(&continuation.told).map_err(internal)?;
    tx.queue(
        "INSERT INTO continuation (tenant_id, agent_id, count, told) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (tenant_id, agent_id) DO UPDATE SET count = excluded.count, told = excluded.told",
        &[
            tenant.into(),
            agent.into(),
            continuation.count.into(),
            (&told).into(),
        ],
    )
}

pub(super) fn delete(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentId) -> Result<()> {
    tx.queue(
        "DELETE FROM continuation WHERE tenant_id = $1 AND agent_id = $2",
        &[tenant.into(), agent.into()],
    )
}
