//! SQL of what tasks wait for.

use super::{Dependency, RESULT_CHARS};
use crate::db::Tx;
use crate::error::Result;
use crate::ids::TenantId;
use crate::tasks::TaskRow;

pub(super) fn insert(tx: &mut Tx<'_>, tenant: &TenantId, task: i64, dependency: i64) -> Result<()> {
    tx.queue(
        "INSERT INTO task_dependency (tenant_id, task, dependency) VALUES ($1, $2, $3)",
        &[tenant.into(), task.into(), dependency.into()],
    )
}

/// What a task depends on. In the order of the index of the pairs: ordered by the
/// tasks, SQLite would go through all of them.
pub(super) fn list(tx: &mut Tx<'_>, tenant: &TenantId, task: i64) -> Result<Vec<Dependency>> {
    tx.query_all(
        "SELECT t.number, t.title, t.status, t.claim_name, substr(t.result, 1, $3) \
         FROM task_dependency d \
         JOIN task t ON t.tenant_id = d.tenant_id AND t.number = d.dependency \
         WHERE d.tenant_id = $1 AND d.task = $2 ORDER BY d.dependency",
        &[tenant.into(), task.into(), RESULT_CHARS.into()],
        |row| {
            Ok(Dependency {
                number: row.int(0)?,
                title: row.text(1)?.to_owned(),
                status: TaskRow::status_from(row, 2)?,
                claimed_by: row.opt_text(3)?.map(str::to_owned),
                result: row.opt_text(4)?.map(str::to_owned),
            })
        },
    )
}

pub(super) fn count_dependents(tx: &mut Tx<'_>, tenant: &TenantId, dependency: i64) -> Result<i64> {
    let count = tx.query_one(
        "SELECT count(*) FROM task_dependency WHERE tenant_id = $1 AND dependency = $2",
        &[tenant.into(), dependency.into()],
        |row| row.int(0),
    )?;
    Ok(count.unwrap_or(0))
}

/// Some of the pairs (task, dependency) through which tasks depend on one, near
/// or far.
pub(super) fn pairs_above(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    number: i64,
    limit: i64,
) -> Result<Vec<(i64, i64)>> {
    tx.query_all(
        "WITH RECURSIVE above (number) AS ( \
           SELECT CAST($2 AS BIGINT) UNION \
           SELECT d.task FROM above a JOIN task_dependency d \
             ON d.tenant_id = $1 AND d.dependency = a.number) \
         SELECT d.task, d.dependency FROM above a JOIN task_dependency d \
           ON d.tenant_id = $1 AND d.dependency = a.number LIMIT $3",
        &[tenant.into(), number.into(), limit.into()],
        |row| Ok((row.int(0)?, row.int(1)?)),
    )
}

/// As [`pairs_above`], the other way: through which tasks one depends on others.
pub(super) fn pairs_below(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    number: i64,
    limit: i64,
) -> Result<Vec<(i64, i64)>> {
    tx.query_all(
        "WITH RECURSIVE below (number) AS ( \
           SELECT CAST($2 AS BIGINT) UNION \
           SELECT d.dependency FROM below b JOIN task_dependency d \
             ON d.tenant_id = $1 AND d.task = b.number) \
         SELECT d.task, d.dependency FROM below b JOIN task_dependency d \
           ON d.tenant_id = $1 AND d.task = b.number LIMIT $3",
        &[tenant.into(), number.into(), limit.into()],
        |row| Ok((row.int(0)?, row.int(1)?)),
    )
}

/// Some pairs of the tasks that are not closed, the first made first.
pub(super) fn open_pairs(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: Option<&str>,
    limit: i64,
) -> Result<Vec<(i64, i64)>> {
    tx.query_all(
        "SELECT d.task, d.dependency FROM task_dependency d \
         JOIN task t ON t.tenant_id = d.tenant_id AND t.number = d.task \
         WHERE d.tenant_id = $1 AND t.status IN ('open', 'claimed') \
         AND t.project = coalesce($2, t.project) ORDER BY d.task, d.dependency LIMIT $3",
        &[tenant.into(), project.into(), limit.into()],
        |row| Ok((row.int(0)?, row.int(1)?)),
    )
}

/// Ends what a task waits for.
pub(super) fn delete_of(tx: &mut Tx<'_>, tenant: &TenantId, task: i64) -> Result<()> {
    tx.queue(
        "DELETE FROM task_dependency WHERE tenant_id = $1 AND task = $2",
        &[tenant.into(), task.into()],
    )
}

/// Ends what others wait for in a task.
pub(super) fn delete_on(tx: &mut Tx<'_>, tenant: &TenantId, dependency: i64) -> Result<()> {
    tx.queue(
        "DELETE FROM task_dependency WHERE tenant_id = $1 AND dependency = $2",
        &[tenant.into(), dependency.into()],
    )
}
