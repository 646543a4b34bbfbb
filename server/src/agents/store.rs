//! SQL of agents.

use coro_api::agents::AgentStatus;

use super::Stored;
use crate::clock::Time;
use crate::db::{Row, Tx};
use crate::error::{Result, internal};
use crate::ids::{AgentId, Hash, TenantId};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, project, name, workspace, intent, stack, capabilities, client, \
             client_version, status, activated, generation, registered_at, registered_with, \
             last_seen FROM agent WHERE tenant_id = $1",
            $rest
        )
    };
}

fn stored_from(row: &dyn Row) -> Result<Stored> {
    let status = row.text(9)?;
    Ok(Stored {
        id: AgentId::from_text(row.text(0)?),
        project: row.text(1)?.to_owned(),
        name: row.text(2)?.to_owned(),
        workspace: row.text(3)?.to_owned(),
        intent: row.text(4)?.to_owned(),
        stack: row.text(5)?.to_owned(),
        capabilities: serde_json::from_str(row.text(6)?).map_err(internal)?,
        client: row.text(7)?.to_owned(),
        client_version: row.text(8)?.to_owned(),
        status: AgentStatus::from_word(status)
            .ok_or_else(|| internal(anyhow::anyhow!("the database holds the status {status:?}")))?,
        activated: row.int(10)? != 0,
        generation: row.int(11)?,
        registered_at: Time(row.int(12)?),
        registered_with: row.opt_blob(13)?.and_then(Hash::from_stored),
        last_seen: Time(row.int(14)?),
    })
}

pub(super) fn find(tx: &mut Tx<'_>, tenant: &TenantId, id: &AgentId) -> Result<Option<Stored>> {
    tx.query_one(
        select!(" AND id = $2"),
        &[tenant.into(), id.into()],
        stored_from,
    )
}

pub(super) fn find_by_name(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: &str,
    name: &str,
) -> Result<Option<Stored>> {
    tx.query_one(
        select!(" AND project = $2 AND name = $3"),
        &[tenant.into(), project.into(), name.into()],
        stored_from,
    )
}

/// All agents of a project, or of the tenant.
pub(super) fn list(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: Option<&str>,
) -> Result<Vec<Stored>> {
    match project {
        Some(project) => tx.query_all(
            select!(" AND project = $2"),
            &[tenant.into(), project.into()],
            stored_from,
        ),
        None => tx.query_all(select!(""), &[tenant.into()], stored_from),
    }
}

pub(super) fn count(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<i64> {
    let count = tx.query_one(
        "SELECT count(*) FROM agent WHERE tenant_id = $1",
        &[tenant.into()],
        |row| row.int(0),
    )?;
    Ok(count.unwrap_or(0))
}

pub(super) fn count_living(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<i64> {
    let count = tx.query_one(
        "SELECT count(*) FROM agent WHERE tenant_id = $1 AND status <> 'ended'",
        &[tenant.into()],
        |row| row.int(0),
    )?;
    Ok(count.unwrap_or(0))
}

pub(super) fn insert(tx: &mut Tx<'_>, tenant: &TenantId, agent: &Stored) -> Result<()> {
    let capabilities = serde_json::to_string(&agent.capabilities).map_err(internal)?;
    tx.execute(
        "INSERT INTO agent (tenant_id, id, project, name, workspace, intent, stack, capabilities, \
         client, client_version, status, activated, generation, registered_at, registered_with, \
         last_seen) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        &[
            tenant.into(),
            (&agent.id).into(),
            (&agent.project).into(),
            (&agent.name).into(),
            (&agent.workspace).into(),
            (&agent.intent).into(),
            (&agent.stack).into(),
            (&capabilities).into(),
            (&agent.client).into(),
            (&agent.client_version).into(),
            agent.status.word().into(),
            agent.activated.into(),
            agent.generation.into(),
            agent.registered_at.into(),
            agent.registered_with.as_ref().into(),
            agent.last_seen.into(),
        ],
    )?;
    Ok(())
}

/// Writes all of an agent but its id, project and name, which never change.
pub(super) fn update(tx: &mut Tx<'_>, tenant: &TenantId, agent: &Stored) -> Result<()> {
    let capabilities = serde_json::to_string(&agent.capabilities).map_err(internal)?;
    tx.execute(
        "UPDATE agent SET workspace = $3, intent = $4, stack = $5, capabilities = $6, client = $7, \
         client_version = $8, status = $9, activated = $10, generation = $11, \
         registered_at = $12, registered_with = $13, last_seen = $14 \
         WHERE tenant_id = $1 AND id = $2",
        &[
            tenant.into(),
            (&agent.id).into(),
            (&agent.workspace).into(),
            (&agent.intent).into(),
            (&agent.stack).into(),
            (&capabilities).into(),
            (&agent.client).into(),
            (&agent.client_version).into(),
            agent.status.word().into(),
            agent.activated.into(),
            agent.generation.into(),
            agent.registered_at.into(),
            agent.registered_with.as_ref().into(),
            agent.last_seen.into(),
        ],
    )?;
    Ok(())
}

/// Writes when an agent was heard of, and what that makes of it.
pub(super) fn set_last_seen(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: &AgentId,
    last_seen: Time,
    status: AgentStatus,
) -> Result<()> {
    tx.queue(
        "UPDATE agent SET last_seen = $3, status = $4 WHERE tenant_id = $1 AND id = $2",
        &[
            tenant.into(),
            id.into(),
            last_seen.into(),
            status.word().into(),
        ],
    )
}

/// The agents of some status that were last heard of before a moment.
pub(super) fn silent_since(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    status: AgentStatus,
    before: Time,
) -> Result<Vec<Stored>> {
    tx.query_all(
        select!(" AND status = $2 AND last_seen < $3 ORDER BY last_seen, id"),
        &[tenant.into(), status.word().into(), before.into()],
        stored_from,
    )
}

pub(super) fn delete(tx: &mut Tx<'_>, tenant: &TenantId, id: &AgentId) -> Result<()> {
    tx.execute(
        "DELETE FROM agent WHERE tenant_id = $1 AND id = $2",
        &[tenant.into(), id.into()],
    )?;
    Ok(())
}
