//! SQL of tasks.

use coro_api::numbers::TaskNumber;
use coro_api::tasks::{TaskNode, TaskStatus};

use super::dependencies::{RESULT_CHARS, in_a_line};
use super::{Candidate, Claim, Counts, TaskBrief, TaskFilter, TaskRow, Text};
use crate::clock::Time;
use crate::db::{Row, Tx, Val};
use crate::error::{Result, internal};
use crate::ids::{AgentId, TenantId};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT number, project, title, priority, assignee, capabilities, paths, labels, \
             status, blockers, attempt, attempts_max, created_by, created_at, updated_at, \
             closed_at, claim_agent, claim_name, claim_generation, claim_fence, claimed_at, \
             claim_renewed_at FROM task WHERE tenant_id = $1",
            $rest
        )
    };
}

fn row_from(row: &dyn Row) -> Result<TaskRow> {
    let claim = match row.opt_text(16)? {
        Some(agent) => Some(Claim {
            agent: AgentId::from_text(agent),
            name: row.text(17)?.to_owned(),
            generation: row.int(18)?,
            fence: row.int(19)?,
            claimed_at: Time(row.int(20)?),
            renewed_at: Time(row.int(21)?),
        }),
        None => None,
    };
    Ok(TaskRow {
        number: row.int(0)?,
        project: row.text(1)?.to_owned(),
        title: row.text(2)?.to_owned(),
        priority: row.int(3)?,
        assignee: row.text(4)?.to_owned(),
        capabilities: list_from(row, 5)?,
        paths: list_from(row, 6)?,
        labels: list_from(row, 7)?,
        status: status_from(row, 8)?,
        blockers: row.int(9)?,
        attempt: row.int(10)?,
        attempts_max: row.int(11)?,
        created_by: row.text(12)?.to_owned(),
        created_at: Time(row.int(13)?),
        updated_at: Time(row.int(14)?),
        closed_at: row.opt_int(15)?.map(Time),
        claim,
    })
}

fn list_from(row: &dyn Row, column: usize) -> Result<Vec<String>> {
    serde_json::from_str(row.text(column)?).map_err(internal)
}

pub(super) fn status_from(row: &dyn Row, column: usize) -> Result<TaskStatus> {
    let status = row.text(column)?;
    TaskStatus::from_word(status)
        .ok_or_else(|| internal(anyhow::anyhow!("the database holds the status {status:?}")))
}

fn json(list: &[String]) -> Result<String> {
    serde_json::to_string(list).map_err(internal)
}

pub(super) fn find(tx: &mut Tx<'_>, tenant: &TenantId, number: i64) -> Result<Option<TaskRow>> {
    tx.query_one(
        select!(" AND number = $2"),
        &[tenant.into(), number.into()],
        row_from,
    )
}

/// How many tasks one query of [`nodes`] reads.
const NODES: usize = 20;

/// The tasks of some numbers, in order, as a graph shows them.
pub(super) fn nodes(tx: &mut Tx<'_>, tenant: &TenantId, numbers: &[i64]) -> Result<Vec<TaskNode>> {
    let mut found = Vec::with_capacity(numbers.len());
    for some in numbers.chunks(NODES) {
        let places = (0..NODES).map(|at| some.get(at).copied().unwrap_or(-1));
        let mut values: Vec<Val<'_>> = vec![tenant.into()];
        values.extend(places.map(Val::from));
        values.push(RESULT_CHARS.into());
        found.extend(tx.query_all(
            "SELECT number, project, title, status, blockers, claim_name, substr(result, 1, $22) \
             FROM task WHERE tenant_id = $1 \
             AND number IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, \
             $17, $18, $19, $20, $21) ORDER BY number",
            &values,
            |row| {
                Ok(TaskNode {
                    id: TaskNumber(row.int(0)?),
                    project: row.text(1)?.to_owned(),
                    title: row.text(2)?.to_owned(),
                    status: status_from(row, 3)?,
                    blockers: row.int(4)?,
                    claimed_by: row.opt_text(5)?.map(str::to_owned),
                    result: row.opt_text(6)?.map(in_a_line),
                })
            },
        )?);
    }
    Ok(found)
}

/// Body and result, which may be long.
pub(super) fn text(tx: &mut Tx<'_>, tenant: &TenantId, number: i64) -> Result<Option<Text>> {
    tx.query_one(
        "SELECT body, result FROM task WHERE tenant_id = $1 AND number = $2",
        &[tenant.into(), number.into()],
        |row| {
            Ok(Text {
                body: row.text(0)?.to_owned(),
                result: row.opt_text(1)?.map(str::to_owned),
            })
        },
    )
}

/// Some tasks after a number, in order; the label is not looked at.
pub(super) fn list(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    filter: &TaskFilter,
    after: i64,
    limit: i64,
) -> Result<Vec<TaskRow>> {
    let project = filter.project.as_deref();
    let status = filter.status.map(TaskStatus::word);
    tx.query_all(
        select!(
            " AND number > $2 AND project = coalesce($3, project) \
             AND status = coalesce($4, status) AND assignee = coalesce($5, assignee) \
             AND (CAST($6 AS TEXT) IS NULL OR (status = 'claimed' AND claim_name = $6)) \
             AND ($7 = 0 OR (status = 'open' AND blockers = 0)) \
             AND (CAST($8 AS BIGINT) IS NULL OR number IN (SELECT d.task \
               FROM task_dependency d WHERE d.tenant_id = $1 AND d.dependency = $8)) \
             AND (CAST($9 AS BIGINT) IS NULL OR (status IN ('open', 'claimed')) = ($9 = 0)) \
             ORDER BY number LIMIT $10"
        ),
        &[
            tenant.into(),
            after.into(),
            project.into(),
            status.into(),
            filter.assignee.as_deref().into(),
            filter.claimed_by.as_deref().into(),
            filter.is_ready.into(),
            filter.depends_on.into(),
            filter.is_closed.map(i64::from).into(),
            limit.into(),
        ],
        row_from,
    )
}

/// The most urgent task of a project that waits for no other, whoever it is for.
pub(super) fn first_ready(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: &str,
) -> Result<Option<TaskRow>> {
    tx.query_one(
        select!(
            " AND project = $2 AND status = 'open' AND blockers = 0 \
             ORDER BY priority, number LIMIT 1"
        ),
        &[tenant.into(), project.into()],
        row_from,
    )
}

/// The tasks that an agent has claimed, the first first.
pub(super) fn claims_of(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
) -> Result<Vec<TaskRow>> {
    tx.query_all(
        select!(" AND claim_agent = $2 AND status = 'claimed' ORDER BY claimed_at, number"),
        &[tenant.into(), agent.into()],
        row_from,
    )
}

/// All agents that have claimed something.
pub(super) fn claimants(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Vec<AgentId>> {
    tx.query_all(
        "SELECT DISTINCT claim_agent FROM task WHERE tenant_id = $1 AND claim_agent > '' \
         AND status = 'claimed' ORDER BY claim_agent",
        &[tenant.into()],
        |row| Ok(AgentId::from_text(row.text(0)?)),
    )
}

/// The sets of capabilities of which an assignee has ready tasks; an empty
/// assignee is anybody. Jumps from one to the next in the index.
pub(super) fn lanes(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: &str,
    assignee: &str,
) -> Result<Vec<String>> {
    tx.query_all(
        "WITH RECURSIVE lane (capabilities) AS ( \
           SELECT (SELECT t.capabilities FROM task t WHERE t.tenant_id = $1 AND t.project = $2 \
             AND t.assignee = $3 AND t.status = 'open' AND t.blockers = 0 \
             ORDER BY t.capabilities LIMIT 1) \
           UNION ALL \
           SELECT (SELECT t.capabilities FROM task t WHERE t.tenant_id = $1 AND t.project = $2 \
             AND t.assignee = $3 AND t.status = 'open' AND t.blockers = 0 \
             AND t.capabilities > lane.capabilities ORDER BY t.capabilities LIMIT 1) \
           FROM lane WHERE lane.capabilities IS NOT NULL) \
         SELECT capabilities FROM lane WHERE capabilities IS NOT NULL",
        &[tenant.into(), project.into(), assignee.into()],
        |row| Ok(row.text(0)?.to_owned()),
    )
}

/// Which ready tasks are looked at: those of a lane after a place.
pub(super) struct Lane<'a> {
    pub(super) project: &'a str,
    pub(super) assignee: &'a str,
    pub(super) capabilities: &'a str,
}

/// Some ready tasks of a lane after a place, the best first.
pub(super) fn ready(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    lane: &Lane<'_>,
    (priority, number): (i64, i64),
    limit: i64,
) -> Result<Vec<Candidate>> {
    tx.query_all(
        "SELECT number, priority, title, paths, attempt FROM task WHERE tenant_id = $1 AND project = $2 \
         AND assignee = $3 AND capabilities = $4 AND status = 'open' AND blockers = 0 \
         AND (priority, number) > ($5, $6) ORDER BY priority, number LIMIT $7",
        &[
            tenant.into(),
            lane.project.into(),
            lane.assignee.into(),
            lane.capabilities.into(),
            priority.into(),
            number.into(),
            limit.into(),
        ],
        |row| {
            Ok(Candidate {
                number: row.int(0)?,
                priority: row.int(1)?,
                title: row.text(2)?.to_owned(),
                paths: list_from(row, 3)?,
                attempt: row.int(4)?,
            })
        },
    )
}

/// What agents have claimed, the first first; of a project, or of all. Each
/// claim has an agent; saying so keeps SQLite on the index of claims.
pub(super) fn claims(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: Option<&str>,
    limit: i64,
) -> Result<Vec<(AgentId, TaskBrief)>> {
    tx.query_all(
        "SELECT claim_agent, number, title, attempt FROM task \
         WHERE tenant_id = $1 AND project = coalesce($2, project) AND status = 'claimed' \
         AND claim_agent > '' ORDER BY claimed_at, number LIMIT $3",
        &[tenant.into(), project.into(), limit.into()],
        |row| {
            let task = TaskBrief {
                number: TaskNumber(row.int(1)?),
                title: row.text(2)?.to_owned(),
                attempt: row.int(3)?,
            };
            Ok((AgentId::from_text(row.text(0)?), task))
        },
    )
}

/// How many tasks a project has of each status.
pub(super) fn count_by_status(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: Option<&str>,
) -> Result<Vec<(TaskStatus, i64)>> {
    let counted = |row: &dyn Row| Ok((status_from(row, 0)?, row.int(1)?));
    // Two texts, so that the first reads nothing of other projects.
    match project {
        Some(project) => tx.query_all(
            "SELECT status, count(*) FROM task WHERE tenant_id = $1 AND project = $2 \
             GROUP BY status",
            &[tenant.into(), project.into()],
            counted,
        ),
        None => tx.query_all(
            "SELECT status, count(*) FROM task WHERE tenant_id = $1 GROUP BY status",
            &[tenant.into()],
            counted,
        ),
    }
}

/// How many tasks wait for no other.
pub(super) fn count_ready(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: Option<&str>,
) -> Result<i64> {
    let count = tx.query_one(
        "SELECT count(*) FROM task WHERE tenant_id = $1 AND project = coalesce($2, project) \
         AND status = 'open' AND blockers = 0",
        &[tenant.into(), project.into()],
        |row| row.int(0),
    )?;
    Ok(count.unwrap_or(0))
}

/// How the tasks of a project stand that are not closed.
pub(super) fn counts(tx: &mut Tx<'_>, tenant: &TenantId, project: &str) -> Result<Counts> {
    let mut counted = |sql| -> Result<i64> {
        let count = tx.query_one(sql, &[tenant.into(), project.into()], |row| row.int(0))?;
        Ok(count.unwrap_or(0))
    };
    let open = counted(
        "SELECT count(*) FROM task WHERE tenant_id = $1 AND project = $2 AND status = 'open'",
    )?;
    let ready = counted(
        "SELECT count(*) FROM task WHERE tenant_id = $1 AND project = $2 AND status = 'open' \
         AND blockers = 0",
    )?;
    let claimed = counted(
        "SELECT count(*) FROM task WHERE tenant_id = $1 AND project = $2 AND status = 'claimed'",
    )?;
    Ok(Counts {
        ready,
        waiting: open - ready,
        claimed,
    })
}

/// How many tasks of the tenant are not closed.
pub(super) fn count_unclosed(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<i64> {
    let count = tx.query_one(
        "SELECT count(*) FROM task WHERE tenant_id = $1 AND status IN ('open', 'claimed')",
        &[tenant.into()],
        |row| row.int(0),
    )?;
    Ok(count.unwrap_or(0))
}

pub(super) fn insert(tx: &mut Tx<'_>, tenant: &TenantId, task: &TaskRow, body: &str) -> Result<()> {
    tx.queue(
        "INSERT INTO task (tenant_id, number, project, title, priority, assignee, capabilities, \
         paths, labels, status, blockers, attempt, attempts_max, created_by, created_at, \
         updated_at, body) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        &[
            tenant.into(),
            task.number.into(),
            (&task.project).into(),
            (&task.title).into(),
            task.priority.into(),
            (&task.assignee).into(),
            (&json(&task.capabilities)?).into(),
            (&json(&task.paths)?).into(),
            (&json(&task.labels)?).into(),
            task.status.word().into(),
            task.blockers.into(),
            task.attempt.into(),
            task.attempts_max.into(),
            (&task.created_by).into(),
            task.created_at.into(),
            task.updated_at.into(),
            body.into(),
        ],
    )
}

/// Writes all of a task but what never changes and the long texts.
pub(super) fn update(tx: &mut Tx<'_>, tenant: &TenantId, task: &TaskRow) -> Result<()> {
    let claim = task.claim.as_ref();
    tx.queue(
        "UPDATE task SET title = $3, priority = $4, assignee = $5, capabilities = $6, paths = $7, \
         labels = $8, status = $9, blockers = $10, attempt = $11, attempts_max = $12, \
         updated_at = $13, closed_at = $14, claim_agent = $15, claim_name = $16, \
         claim_generation = $17, claim_fence = $18, claimed_at = $19, claim_renewed_at = $20 \
         WHERE tenant_id = $1 AND number = $2",
        &[
            tenant.into(),
            task.number.into(),
            (&task.title).into(),
            task.priority.into(),
            (&task.assignee).into(),
            (&json(&task.capabilities)?).into(),
            (&json(&task.paths)?).into(),
            (&json(&task.labels)?).into(),
            task.status.word().into(),
            task.blockers.into(),
            task.attempt.into(),
            task.attempts_max.into(),
            task.updated_at.into(),
            task.closed_at.into(),
            claim.map(|claim| &claim.agent).into(),
            claim.map(|claim| &claim.name).into(),
            claim.map(|claim| claim.generation).into(),
            claim.map(|claim| claim.fence).into(),
            claim.map(|claim| claim.claimed_at).into(),
            claim.map(|claim| claim.renewed_at).into(),
        ],
    )
}

pub(super) fn set_body(tx: &mut Tx<'_>, tenant: &TenantId, number: i64, body: &str) -> Result<()> {
    tx.queue(
        "UPDATE task SET body = $3 WHERE tenant_id = $1 AND number = $2",
        &[tenant.into(), number.into(), body.into()],
    )
}

pub(super) fn set_result(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    number: i64,
    result: Option<&str>,
) -> Result<()> {
    tx.queue(
        "UPDATE task SET result = $3 WHERE tenant_id = $1 AND number = $2",
        &[tenant.into(), number.into(), result.into()],
    )
}

/// Lets the silence of an agent's claims count from a moment.
pub(super) fn renew_claims(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
    now: Time,
) -> Result<()> {
    tx.queue(
        "UPDATE task SET claim_renewed_at = $3 \
         WHERE tenant_id = $1 AND claim_agent = $2 AND status = 'claimed'",
        &[tenant.into(), agent.into(), now.into()],
    )
}

/// Counts one blocker more, or one less, for all that depend on a task.
pub(super) fn add_blockers(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    dependency: i64,
    more: i64,
) -> Result<()> {
    tx.queue(
        "UPDATE task SET blockers = blockers + $3 WHERE tenant_id = $1 AND number IN \
         (SELECT d.task FROM task_dependency d WHERE d.tenant_id = $1 AND d.dependency = $2)",
        &[tenant.into(), dependency.into(), more.into()],
    )
}

/// The ready ones of the tasks that depend on one.
pub(super) fn ready_dependents(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    dependency: i64,
) -> Result<Vec<TaskRow>> {
    tx.query_all(
        select!(
            " AND status = 'open' AND blockers = 0 AND number IN (SELECT d.task \
             FROM task_dependency d WHERE d.tenant_id = $1 AND d.dependency = $2) ORDER BY number"
        ),
        &[tenant.into(), dependency.into()],
        row_from,
    )
}

/// Some tasks that were closed before a moment and that no open task waits
/// for, and how they ended.
pub(super) fn closed_before(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    before: Time,
    limit: i64,
) -> Result<Vec<(i64, TaskStatus)>> {
    tx.query_all(
        "SELECT t.number, t.status FROM task t WHERE t.tenant_id = $1 AND t.closed_at IS NOT NULL \
         AND t.closed_at < $2 AND NOT EXISTS (SELECT 1 FROM task_dependency d \
           JOIN task w ON w.tenant_id = d.tenant_id AND w.number = d.task \
           WHERE d.tenant_id = $1 AND d.dependency = t.number AND w.closed_at IS NULL) \
         ORDER BY t.closed_at LIMIT $3",
        &[tenant.into(), before.into(), limit.into()],
        |row| Ok((row.int(0)?, status_from(row, 1)?)),
    )
}

pub(super) fn delete(tx: &mut Tx<'_>, tenant: &TenantId, number: i64) -> Result<()> {
    tx.queue(
        "DELETE FROM task WHERE tenant_id = $1 AND number = $2",
        &[tenant.into(), number.into()],
    )
}
