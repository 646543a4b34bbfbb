//! Closing and reopening tasks: what those do who lead.

use std::collections::BTreeSet;

use coro_api::limits::{TASK_ATTEMPTS_MAX, TASKS_OF_CALL_MAX};
use coro_api::tasks::{CloseTasks, ClosedTasks, TaskItem, TaskReason, TaskStatus};
use serde_json::json;

use super::back::{Fate, put_back};
use super::{
    By, TaskRow, check_leads, check_may_change, find, find_number, is_leader, notes, store, why,
};
use crate::app::Ctx;
use crate::db::Tx;
use crate::error::{Result, conflict, invalid};
use crate::ids::TenantId;
use crate::leases;

/// Takes a task out of the queue, or from whoever works on it.
pub async fn cancel_task(ctx: &Ctx, id: &str, reason: TaskReason) -> Result<TaskItem> {
    notes::check("reason", &reason.why)?;
    let (job_ctx, id) = (ctx.clone(), id.to_owned());
    ctx.write(move |tx| {
        let ctx = &job_ctx;
        let task = find(tx, ctx, &id)?;
        check_may_change(ctx, &task)?;
        match task.status {
            TaskStatus::Cancelled => Ok(task.shown()),
            TaskStatus::Done | TaskStatus::Failed => Err(closed_already(&task)),
            TaskStatus::Open | TaskStatus::Claimed => {
                Ok(cancel(tx, ctx, task, &reason.why)?.shown())
            }
        }
    })
    .await
}

fn closed_already(task: &TaskRow) -> crate::error::Error {
    conflict(why::standing(task))
        .hint("it stays so; coro-cli tasks reopen brings it back into the queue")
}

fn cancel(tx: &mut Tx<'_>, ctx: &Ctx, mut task: TaskRow, why: &str) -> Result<TaskRow> {
    let (by, tenant) = (By::Caller(ctx), &ctx.caller.tenant);
    task.status = TaskStatus::Cancelled;
    // The event still names who had it.
    let revision = by.emit(
        tx,
        tenant,
        "coro.task.cancelled",
        &task,
        json!({ "why": why }),
    )?;
    task.claim = None;
    close(tx, tenant, &mut task)?;
    notes::add(tx, tenant, &task, revision, by.actor(), why)?;
    Ok(task)
}

/// Counts a task as done, and tells those that waited for nothing else.
pub(super) fn finish(
    tx: &mut Tx<'_>,
    by: By<'_>,
    tenant: &TenantId,
    mut task: TaskRow,
    result: Option<&str>,
) -> Result<TaskRow> {
    // Also where there is none: what was there is of an earlier attempt.
    store::set_result(tx, tenant, task.number, result)?;
    task.status = TaskStatus::Done;
    by.emit(tx, tenant, "coro.task.done", &task, json!({}))?;
    close(tx, tenant, &mut task)?;
    store::add_blockers(tx, tenant, task.number, -1)?;
    for ready in store::ready_dependents(tx, tenant, task.number)? {
        by.emit(tx, tenant, "coro.task.ready", &ready, json!({}))?;
    }
    Ok(task)
}

fn close(tx: &mut Tx<'_>, tenant: &TenantId, task: &mut TaskRow) -> Result<()> {
    let now = tx.now();
    task.closed_at = Some(now);
    task.updated_at = now;
    store::update(tx, tenant, task)?;
    leases::release_of_task(tx, tenant, task.id())
}

/// Brings a closed task back into the queue, or takes one from whoever works on
/// it: the next attempt.
pub async fn reopen_task(ctx: &Ctx, id: &str, reason: TaskReason) -> Result<TaskItem> {
    notes::check("reason", &reason.why)?;
    let (job_ctx, id) = (ctx.clone(), id.to_owned());
    ctx.write(move |tx| {
        let ctx = &job_ctx;
        let task = find(tx, ctx, &id)?;
        check_may_change(ctx, &task)?;
        match task.status {
            TaskStatus::Open => Ok(task.shown()),
            TaskStatus::Claimed => {
                check_leads(ctx, &task)?;
                let by = By::Caller(ctx);
                let why = match reason.why.as_str() {
                    "" => "it was taken back",
                    why => why,
                };
                let task = with_room(task);
                let tenant = &ctx.caller.tenant;
                Ok(put_back(tx, by, tenant, task, Fate::NextAttempt, why)?.shown())
            }
            _ => Ok(reopen(tx, ctx, task, &reason.why)?.shown()),
        }
    })
    .await
}

/// Allows one attempt more than the task has had.
fn with_room(mut task: TaskRow) -> TaskRow {
    let next = (task.attempt + 1).min(TASK_ATTEMPTS_MAX);
    task.attempts_max = task.attempts_max.max(next);
    task
}

fn reopen(tx: &mut Tx<'_>, ctx: &Ctx, task: TaskRow, why: &str) -> Result<TaskRow> {
    let (by, tenant) = (By::Caller(ctx), &ctx.caller.tenant);
    check_open_room(tx, tenant, 1)?;
    let was_done = task.status == TaskStatus::Done;
    let was_begun = task.claim.is_some();
    let mut task = with_room(task);
    if was_begun {
        task.attempt = (task.attempt + 1).min(TASK_ATTEMPTS_MAX);
    }
    task.status = TaskStatus::Open;
    task.claim = None;
    task.closed_at = None;
    task.updated_at = tx.now();
    store::update(tx, tenant, &task)?;
    let revision = by.emit(
        tx,
        tenant,
        "coro.task.reopened",
        &task,
        json!({ "why": why }),
    )?;
    notes::add(tx, tenant, &task, revision, by.actor(), why)?;
    if was_done {
        store::add_blockers(tx, tenant, task.number, 1)?;
    }
    Ok(task)
}

/// Refuses more open tasks than a tenant may have.
pub(super) fn check_open_room(tx: &mut Tx<'_>, tenant: &TenantId, more: i64) -> Result<()> {
    use coro_api::limits::TASKS_OPEN_MAX;
    if store::count_unclosed(tx, tenant)? + more <= TASKS_OPEN_MAX {
        return Ok(());
    }
    Err(conflict(format!("{TASKS_OPEN_MAX} tasks are open already"))
        .hint("close those that nobody needs with coro-cli tasks close"))
}

/// Closes tasks together: all, or none. Those that are closed stay as they are.
pub async fn close_tasks(ctx: &Ctx, request: CloseTasks) -> Result<ClosedTasks> {
    notes::check("reason", &request.why)?;
    let status = request.status.unwrap_or(TaskStatus::Cancelled);
    if !matches!(status, TaskStatus::Done | TaskStatus::Cancelled) {
        return Err(invalid(format!(
            "status is {:?}; closing takes done or cancelled",
            status.word()
        )));
    }
    if request.tasks.len() > TASKS_OF_CALL_MAX {
        let count = request.tasks.len();
        return Err(
            invalid(format!("{count} tasks are more than {TASKS_OF_CALL_MAX}"))
                .hint("close them in several calls"),
        );
    }
    let numbers: BTreeSet<_> = request.tasks.iter().copied().collect();
    let (job_ctx, why) = (ctx.clone(), request.why);
    ctx.write(move |tx| {
        let ctx = &job_ctx;
        let mut tasks = Vec::with_capacity(numbers.len());
        // All are looked at before the first is changed.
        for number in &numbers {
            let task = find_number(tx, ctx, *number)?;
            check_may_change(ctx, &task)?;
            if status == TaskStatus::Done && !is_leader(ctx) {
                check_leads(ctx, &task)?;
            }
            tasks.push(task);
        }
        let mut closed = Vec::new();
        for number in tasks
            .iter()
            .filter(|task| !task.status.is_closed())
            .map(TaskRow::id)
        {
            // As it is now: one before it may have been its blocker.
            let task = find_number(tx, ctx, number)?;
            match status {
                TaskStatus::Done => finish_for(tx, ctx, task, &why)?,
                _ => drop(cancel(tx, ctx, task, &why)?),
            }
            closed.push(number);
        }
        Ok(ClosedTasks { closed })
    })
    .await
}

/// Counts a task as done for whoever did it elsewhere.
fn finish_for(tx: &mut Tx<'_>, ctx: &Ctx, mut task: TaskRow, why: &str) -> Result<()> {
    let (by, tenant) = (By::Caller(ctx), &ctx.caller.tenant);
    task.claim = None;
    let task = finish(tx, by, tenant, task, None)?;
    if why.is_empty() {
        return Ok(());
    }
    let revision = by.emit(tx, tenant, "coro.task.noted", &task, json!({}))?;
    notes::add(tx, tenant, &task, revision, by.actor(), why)
}
