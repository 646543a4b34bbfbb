//! SQL of leases.

use coro_api::leases::{LeaseKind, LeaseMode, LeaseStatus};
use coro_api::numbers::{LeaseNumber, TaskNumber};

use super::LeaseRow;
use crate::clock::Time;
use crate::db::{Row, Tx};
use crate::error::{Result, internal};
use crate::ids::{AgentId, TenantId};

macro_rules! columns {
    () => {
        "number, project, kind, pattern, mode, status, reason, agent_id, holder, generation, \
         actor, task, overrides, fence, ttl_seconds, requested_at, granted_at, expires_at"
    };
}

fn lease_from(row: &dyn Row) -> Result<LeaseRow> {
    let impossible = || internal(anyhow::anyhow!("a lease with an unknown word"));
    Ok(LeaseRow {
        number: LeaseNumber(row.int(0)?),
        project: row.text(1)?.to_owned(),
        kind: LeaseKind::from_word(row.text(2)?).ok_or_else(impossible)?,
        pattern: row.text(3)?.to_owned(),
        mode: LeaseMode::from_word(row.text(4)?).ok_or_else(impossible)?,
        status: LeaseStatus::from_word(row.text(5)?).ok_or_else(impossible)?,
        reason: row.text(6)?.to_owned(),
        agent: row.opt_text(7)?.map(AgentId::from_text),
        holder: row.text(8)?.to_owned(),
        generation: row.opt_int(9)?,
        actor: row.text(10)?.to_owned(),
        task: row.opt_int(11)?.map(TaskNumber),
        overrides: row.opt_int(12)?.map(LeaseNumber),
        fence: row.opt_int(13)?,
        ttl_seconds: row.opt_int(14)?,
        requested_at: Time(row.int(15)?),
        granted_at: row.opt_int(16)?.map(Time),
        expires_at: row.opt_int(17)?.map(Time),
    })
}

pub(super) fn find(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    number: LeaseNumber,
) -> Result<Option<LeaseRow>> {
    tx.query_one(
        concat!(
            "SELECT ",
            columns!(),
            " FROM lease WHERE tenant_id = $1 AND number = $2"
        ),
        &[tenant.into(), number.0.into()],
        lease_from,
    )
}

/// All of a project, in the order of their numbers.
pub(super) fn of_project(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: &str,
) -> Result<Vec<LeaseRow>> {
    tx.query_all(
        concat!(
            "SELECT ",
            columns!(),
            " FROM lease WHERE tenant_id = $1 AND project = $2 ORDER BY number"
        ),
        &[tenant.into(), project.into()],
        lease_from,
    )
}

/// Some after a number, of a project or of the tenant, in the order of their
/// numbers.
pub(super) fn list(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: Option<&str>,
    after: LeaseNumber,
    limit: i64,
) -> Result<Vec<LeaseRow>> {
    // Two texts, so that the first reads nothing of other projects.
    match project {
        Some(project) => tx.query_all(
            concat!(
                "SELECT ",
                columns!(),
                " FROM lease WHERE tenant_id = $1 AND project = $2 AND number > $3 \
                 ORDER BY number LIMIT $4"
            ),
            &[tenant.into(), project.into(), after.0.into(), limit.into()],
            lease_from,
        ),
        None => tx.query_all(
            concat!(
                "SELECT ",
                columns!(),
                " FROM lease WHERE tenant_id = $1 AND number > $2 ORDER BY number LIMIT $3"
            ),
            &[tenant.into(), after.0.into(), limit.into()],
            lease_from,
        ),
    }
}

/// Those of a project that are waited for, in the order of their numbers.
pub(super) fn waiting(tx: &mut Tx<'_>, tenant: &TenantId, project: &str) -> Result<Vec<LeaseRow>> {
    tx.query_all(
        concat!(
            "SELECT ",
            columns!(),
            " FROM lease WHERE tenant_id = $1 AND project = $2 AND status = 'waiting' \
             ORDER BY number"
        ),
        &[tenant.into(), project.into()],
        lease_from,
    )
}

/// Those of a project whose time is over.
pub(super) fn expired(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: &str,
    now: Time,
) -> Result<Vec<LeaseRow>> {
    tx.query_all(
        concat!(
            "SELECT ",
            columns!(),
            " FROM lease WHERE tenant_id = $1 AND project = $2 AND expires_at IS NOT NULL \
             AND expires_at <= $3 ORDER BY number"
        ),
        &[tenant.into(), project.into(), now.into()],
        lease_from,
    )
}

/// How many an agent holds or waits for now, in all projects. What a human
/// allowed it is none.
pub(super) fn count_of_agent(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
    now: Time,
) -> Result<i64> {
    let count = tx.query_one(
        "SELECT count(*) FROM lease WHERE tenant_id = $1 AND agent_id = $2 \
         AND overrides IS NULL AND (expires_at IS NULL OR expires_at > $3)",
        &[tenant.into(), agent.into(), now.into()],
        |row| row.int(0),
    )?;
    Ok(count.unwrap_or(0))
}

/// How many agents hold now, of a project or of the tenant.
pub(super) fn count_held(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: Option<&str>,
    now: Time,
) -> Result<i64> {
    let count = tx.query_one(
        "SELECT count(*) FROM lease WHERE tenant_id = $1 AND project = coalesce($2, project) \
         AND status = 'held' AND agent_id IS NOT NULL AND overrides IS NULL \
         AND (expires_at IS NULL OR expires_at > $3)",
        &[tenant.into(), project.into(), now.into()],
        |row| row.int(0),
    )?;
    Ok(count.unwrap_or(0))
}

pub(super) fn of_agent(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
) -> Result<Vec<LeaseRow>> {
    tx.query_all(
        concat!(
            "SELECT ",
            columns!(),
            " FROM lease WHERE tenant_id = $1 AND agent_id = $2 ORDER BY number"
        ),
        &[tenant.into(), agent.into()],
        lease_from,
    )
}

pub(super) fn of_task(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    task: TaskNumber,
) -> Result<Vec<LeaseRow>> {
    tx.query_all(
        concat!(
            "SELECT ",
            columns!(),
            " FROM lease WHERE tenant_id = $1 AND task = $2 ORDER BY number"
        ),
        &[tenant.into(), task.0.into()],
        lease_from,
    )
}

/// The projects that have leases whose time is over, some at a time.
pub(super) fn expired_projects(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    now: Time,
    rows_max: i64,
) -> Result<Vec<String>> {
    tx.query_all(
        "SELECT DISTINCT project FROM lease \
         WHERE tenant_id = $1 AND expires_at IS NOT NULL AND expires_at <= $2 \
         ORDER BY project LIMIT $3",
        &[tenant.into(), now.into(), rows_max.into()],
        |row| Ok(row.text(0)?.to_owned()),
    )
}

pub(super) fn insert(tx: &mut Tx<'_>, tenant: &TenantId, lease: &LeaseRow) -> Result<()> {
    tx.queue(
        "INSERT INTO lease (tenant_id, number, project, kind, pattern, mode, status, reason, \
         agent_id, holder, generation, actor, task, overrides, fence, ttl_seconds, requested_at, \
         granted_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
         $19)",
        &[
            tenant.into(),
            lease.number.0.into(),
            (&lease.project).into(),
            lease.kind.word().into(),
            (&lease.pattern).into(),
            lease.mode.word().into(),
            lease.status.word().into(),
            (&lease.reason).into(),
            lease.agent.as_ref().into(),
            (&lease.holder).into(),
            lease.generation.into(),
            (&lease.actor).into(),
            lease.task.map(|task| task.0).into(),
            lease.overrides.map(|lease| lease.0).into(),
            lease.fence.into(),
            lease.ttl_seconds.into(),
            lease.requested_at.into(),
            lease.granted_at.into(),
            lease.expires_at.into(),
        ],
    )
}

/// Writes what of a lease can change.
pub(super) fn update(tx: &mut Tx<'_>, tenant: &TenantId, lease: &LeaseRow) -> Result<()> {
    tx.queue(
        "UPDATE lease SET mode = $3, status = $4, reason = $5, generation = $6, fence = $7, \
         ttl_seconds = $8, granted_at = $9, expires_at = $10 \
         WHERE tenant_id = $1 AND number = $2",
        &[
            tenant.into(),
            lease.number.0.into(),
            lease.mode.word().into(),
            lease.status.word().into(),
            (&lease.reason).into(),
            lease.generation.into(),
            lease.fence.into(),
            lease.ttl_seconds.into(),
            lease.granted_at.into(),
            lease.expires_at.into(),
        ],
    )
}

/// Removes a lease. What a human allowed under it names a number that is never
/// used again, and ends by itself.
pub(super) fn delete(tx: &mut Tx<'_>, tenant: &TenantId, number: LeaseNumber) -> Result<()> {
    tx.queue(
        "DELETE FROM lease WHERE tenant_id = $1 AND number = $2",
        &[tenant.into(), number.0.into()],
    )
}
