//! SQL of agents.

use coro_api::agents::AgentStatus;

use super::liveness::Life;
use super::{AgentRow, RegisteredWith};
use crate::clock::Time;
use crate::db::{Row, Tx};
use crate::error::{Result, internal};
use crate::ids::{AgentId, TenantId};

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

fn row_from(row: &dyn Row) -> Result<AgentRow> {
    Ok(AgentRow {
        id: AgentId::from_text(row.text(0)?),
        project: row.text(1)?.to_owned(),
        name: row.text(2)?.to_owned(),
        workspace: row.text(3)?.to_owned(),
        intent: row.text(4)?.to_owned(),
        stack: row.text(5)?.to_owned(),
        capabilities: serde_json::from_str(row.text(6)?).map_err(internal)?,
        client: row.text(7)?.to_owned(),
        client_version: row.text(8)?.to_owned(),
        status: status_from(row, 9)?,
        activated: row.int(10)? != 0,
        generation: row.int(11)?,
        registered_at: Time(row.int(12)?),
        registered_with: row.opt_blob(13)?.and_then(RegisteredWith::from_stored),
        last_seen: Time(row.int(14)?),
    })
}

pub(super) fn find(tx: &mut Tx<'_>, tenant: &TenantId, id: &AgentId) -> Result<Option<AgentRow>> {
    tx.query_one(
        select!(" AND id = $2"),
        &[tenant.into(), id.into()],
        row_from,
    )
}

pub(super) fn find_by_name(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: &str,
    name: &str,
) -> Result<Option<AgentRow>> {
    tx.query_one(
        select!(" AND project = $2 AND name = $3"),
        &[tenant.into(), project.into(), name.into()],
        row_from,
    )
}

/// All agents of a project, or of the tenant.
pub(super) fn list(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: Option<&str>,
) -> Result<Vec<AgentRow>> {
    match project {
        Some(project) => tx.query_all(
            select!(" AND project = $2"),
            &[tenant.into(), project.into()],
            row_from,
        ),
        None => tx.query_all(select!(""), &[tenant.into()], row_from),
    }
}

/// How many agents a project has, or the tenant.
pub(super) fn count(tx: &mut Tx<'_>, tenant: &TenantId, project: Option<&str>) -> Result<i64> {
    let count = match project {
        Some(project) => tx.query_one(
            "SELECT count(*) FROM agent WHERE tenant_id = $1 AND project = $2",
            &[tenant.into(), project.into()],
            |row| row.int(0),
        )?,
        None => tx.query_one(
            "SELECT count(*) FROM agent WHERE tenant_id = $1",
            &[tenant.into()],
            |row| row.int(0),
        )?,
    };
    Ok(count.unwrap_or(0))
}

/// The agent of a project, or of the tenant, that ended longest ago.
pub(super) fn longest_ended(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: Option<&str>,
) -> Result<Option<AgentRow>> {
    match project {
        Some(project) => tx.query_one(
            select!(" AND project = $2 AND status = 'ended' ORDER BY last_seen, id LIMIT 1"),
            &[tenant.into(), project.into()],
            row_from,
        ),
        None => tx.query_one(
            select!(" AND status = 'ended' ORDER BY last_seen, id LIMIT 1"),
            &[tenant.into()],
            row_from,
        ),
    }
}

pub(super) fn count_living(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<i64> {
    let count = tx.query_one(
        "SELECT count(*) FROM agent WHERE tenant_id = $1 AND status <> 'ended'",
        &[tenant.into()],
        |row| row.int(0),
    )?;
    Ok(count.unwrap_or(0))
}

pub(super) fn insert(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentRow) -> Result<()> {
    let capabilities = serde_json::to_string(&agent.capabilities).map_err(internal)?;
    let registered_with = agent.registered_with.as_ref().map(RegisteredWith::stored);
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
            registered_with.as_deref().into(),
            agent.last_seen.into(),
        ],
    )?;
    Ok(())
}

/// Writes all of an agent but its id, project and name, which never change.
pub(super) fn update(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentRow) -> Result<()> {
    let capabilities = serde_json::to_string(&agent.capabilities).map_err(internal)?;
    let registered_with = agent.registered_with.as_ref().map(RegisteredWith::stored);
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
            registered_with.as_deref().into(),
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

/// What signs of life may change, of all agents.
pub(super) fn lives(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Vec<Life>> {
    tx.query_all(
        "SELECT id, status, activated, last_seen FROM agent WHERE tenant_id = $1",
        &[tenant.into()],
        |row| {
            Ok(Life {
                id: AgentId::from_text(row.text(0)?),
                status: status_from(row, 1)?,
                activated: row.int(2)? != 0,
                last_seen: Time(row.int(3)?),
            })
        },
    )
}

/// Some agents of a status that were last heard of before a moment, the most
/// silent first.
pub(super) fn silent_since(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    status: AgentStatus,
    before: Time,
    limit: usize,
) -> Result<Vec<AgentRow>> {
    tx.query_all(
        select!(" AND status = $2 AND last_seen < $3 ORDER BY last_seen, id LIMIT $4"),
        &[
            tenant.into(),
            status.word().into(),
            before.into(),
            i64::try_from(limit).unwrap_or(i64::MAX).into(),
        ],
        row_from,
    )
}

fn status_from(row: &dyn Row, column: usize) -> Result<AgentStatus> {
    let status = row.text(column)?;
    AgentStatus::from_word(status)
        .ok_or_else(|| internal(anyhow::anyhow!("the database holds the status {status:?}")))
}

pub(super) fn delete(tx: &mut Tx<'_>, tenant: &TenantId, id: &AgentId) -> Result<()> {
    tx.execute(
        "DELETE FROM agent WHERE tenant_id = $1 AND id = $2",
        &[tenant.into(), id.into()],
    )?;
    Ok(())
}
