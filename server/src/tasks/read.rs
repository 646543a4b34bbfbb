//! Reading tasks.

use coro_api::overview::TaskCounts;
use coro_api::tasks::{Task, TaskItem, TaskStatus};

use super::{TaskBrief, TaskRow, dependencies, find, notes, store};
use crate::app::Ctx;
use crate::db::Tx;
use crate::error::{Result, internal};
use crate::ids::{AgentId, TenantId};
use crate::listed::Listed;

/// How many rows are read at a time where a label narrows the list.
const STEP: i64 = 1_000;

/// The most claims that are read for all agents together.
const CLAIMS_MAX: i64 = 5_000;

/// What a list is narrowed to; each part that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    pub project: Option<String>,
    pub status: Option<TaskStatus>,
    /// The name of an agent; empty for those that are anybody's.
    pub assignee: Option<String>,
    pub label: Option<String>,
    /// The name of the agent that works on it now.
    pub claimed_by: Option<String>,
    /// Open, and waits for nothing.
    pub is_ready: bool,
    /// The number of a task that it depends on.
    pub depends_on: Option<i64>,
    /// Done, failed or cancelled; or not.
    pub is_closed: Option<bool>,
}

/// The tasks that the caller sees after a number, in the order in which they
/// were made.
pub async fn list_tasks(
    ctx: &Ctx,
    mut filter: TaskFilter,
    after: i64,
    limit: usize,
) -> Result<Listed<TaskItem>> {
    if ctx.caller.project.is_some() {
        filter.project = Some(ctx.caller.project_for(filter.project.take())?);
    }
    let tenant = ctx.caller.tenant.clone();
    ctx.app
        .db
        .scan(move |tx| {
            let revision = tx.head(&tenant)?.revision;
            let (items, more) = collect(tx, &tenant, &filter, after, limit)?;
            let last = items.last().filter(|_| more);
            Ok(Listed {
                revision,
                next: last.map(|last| last.id.0.to_string()),
                items,
            })
        })
        .await
}

fn collect(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    filter: &TaskFilter,
    mut after: i64,
    limit: usize,
) -> Result<(Vec<TaskItem>, bool)> {
    let mut tasks = Vec::new();
    loop {
        let some = store::list(tx, tenant, filter, after, STEP)?;
        let is_last = (some.len() as i64) < STEP;
        for task in some {
            after = task.number;
            let is_wanted = filter
                .label
                .as_ref()
                .is_none_or(|label| task.labels.contains(label));
            if !is_wanted {
                continue;
            }
            if tasks.len() == limit {
                return Ok((tasks, true));
            }
            tasks.push(task.shown());
        }
        if is_last {
            return Ok((tasks, false));
        }
    }
}

/// What agents of a project, or of all, have claimed; each agent's first claim
/// first.
pub fn claims(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: Option<&str>,
) -> Result<Vec<(AgentId, TaskBrief)>> {
    store::claims(tx, tenant, project, CLAIMS_MAX)
}

/// How many tasks a project, or all, have of each kind.
pub fn count_by_state(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: Option<&str>,
) -> Result<TaskCounts> {
    let mut counts = TaskCounts::default();
    let ready = store::count_ready(tx, tenant, project)?;
    for (status, count) in store::count_by_status(tx, tenant, project)? {
        match status {
            TaskStatus::Open => (counts.ready, counts.waiting) = (ready, count - ready),
            TaskStatus::Claimed => counts.claimed = count,
            TaskStatus::Done => counts.done = count,
            TaskStatus::Failed => counts.failed = count,
            TaskStatus::Cancelled => counts.cancelled = count,
        }
    }
    Ok(counts)
}

/// A task with its dependencies and notes, and the revision at which it was
/// read.
pub async fn get_task(ctx: &Ctx, id: &str) -> Result<(Task, i64)> {
    let (job_ctx, id) = (ctx.clone(), id.to_owned());
    ctx.app
        .db
        .read(move |tx| {
            let tenant = &job_ctx.caller.tenant;
            let revision = tx.head(tenant)?.revision;
            let task = find(tx, &job_ctx, &id)?;
            Ok((whole(tx, tenant, &task)?, revision))
        })
        .await
}

pub(super) fn whole(tx: &mut Tx<'_>, tenant: &TenantId, task: &TaskRow) -> Result<Task> {
    let text = store::text(tx, tenant, task.number)?;
    let (body, result) = text.map_or((String::new(), None), |text| (text.body, text.result));
    let result = result.map(|json| serde_json::from_str(&json));
    let depends_on = dependencies::list(tx, tenant, task.number)?;
    Ok(Task {
        item: task.shown(),
        body,
        result: result.transpose().map_err(internal)?,
        depends_on: depends_on.into_iter().map(|one| one.shown()).collect(),
        notes: notes::list(tx, tenant, task.number)?,
    })
}
