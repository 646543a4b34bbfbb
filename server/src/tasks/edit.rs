//! Changing what a task says.

use std::collections::BTreeSet;

use coro_api::tasks::{Task, TaskChange, TaskStatus};
use serde_json::json;

use super::create::{
    check_assignee, check_attempts, check_body, check_capabilities, check_labels, check_paths,
    check_priority, check_title, normal,
};
use super::{By, TaskRow, check_may_change, dependencies, find, read, store};
use crate::app::Ctx;
use crate::db::Tx;
use crate::error::{Result, conflict};

/// Changes what is named; the rest stays.
pub async fn edit_task(ctx: &Ctx, id: &str, change: TaskChange) -> Result<Task> {
    check(&change)?;
    let (job_ctx, id) = (ctx.clone(), id.to_owned());
    ctx.write(move |tx| {
        let ctx = &job_ctx;
        let tenant = &ctx.caller.tenant;
        let before = find(tx, ctx, &id)?;
        check_may_change(ctx, &before)?;
        let mut task = before.clone();
        let mut changed = apply(&mut task, &change)?;
        if set_dependencies(tx, ctx, &mut task, &change)? {
            changed.push("depends_on");
        }
        if change.body.is_some() {
            changed.push("body");
        }
        if changed.is_empty() {
            return read::whole(tx, tenant, &task);
        }
        task.updated_at = tx.now();
        store::update(tx, tenant, &task)?;
        if let Some(body) = &change.body {
            store::set_body(tx, tenant, task.number, body)?;
        }
        let by = By::Caller(ctx);
        by.emit(
            tx,
            tenant,
            "coro.task.updated",
            &task,
            json!({ "changed": changed }),
        )?;
        if task.is_ready() && !before.is_ready() {
            by.emit(tx, tenant, "coro.task.ready", &task, json!({}))?;
        }
        read::whole(tx, tenant, &task)
    })
    .await
}

fn check(change: &TaskChange) -> Result<()> {
    change.title.as_deref().map_or(Ok(()), check_title)?;
    change.body.as_deref().map_or(Ok(()), check_body)?;
    change.priority.map_or(Ok(()), check_priority)?;
    change.assignee.as_deref().map_or(Ok(()), check_assignee)?;
    change
        .capabilities
        .as_deref()
        .map_or(Ok(()), check_capabilities)?;
    change.paths.as_deref().map_or(Ok(()), check_paths)?;
    change.labels.as_deref().map_or(Ok(()), check_labels)?;
    change.attempts_max.map_or(Ok(()), check_attempts)
}

/// Puts into the task what is new, and names it.
fn apply(task: &mut TaskRow, change: &TaskChange) -> Result<Vec<&'static str>> {
    fn put<T: PartialEq + Clone>(old: &mut T, new: Option<&T>) -> bool {
        match new {
            Some(new) if *old != *new => {
                old.clone_from(new);
                true
            }
            _ => false,
        }
    }
    let capabilities = change.capabilities.as_deref().map(normal);
    let is_claimed = task.held().is_some();
    let changed = [
        ("title", put(&mut task.title, change.title.as_ref())),
        (
            "priority",
            put(&mut task.priority, change.priority.as_ref()),
        ),
        (
            "assignee",
            put(&mut task.assignee, change.assignee.as_ref()),
        ),
        (
            "capabilities",
            put(&mut task.capabilities, capabilities.as_ref()),
        ),
        ("paths", put(&mut task.paths, change.paths.as_ref())),
        ("labels", put(&mut task.labels, change.labels.as_ref())),
        (
            "attempts_max",
            put(&mut task.attempts_max, change.attempts_max.as_ref()),
        ),
    ];
    let changed: Vec<&str> = changed
        .into_iter()
        .filter(|(_, is)| *is)
        .map(|(name, _)| name)
        .collect();
    if is_claimed && changed.contains(&"paths") {
        return Err(conflict(format!(
            "{} is claimed, and its paths are leased with the claim",
            task.id()
        ))
        .hint("change them when the claim is over, or lease the others beside it"));
    }
    if task.attempts_max < task.attempt {
        return Err(conflict(format!(
            "{} is in attempt {}; it can't have {} at most",
            task.id(),
            task.attempt,
            task.attempts_max
        )));
    }
    Ok(changed)
}

/// Puts other dependencies in the place of those that are there, and tells
/// whether they are others.
fn set_dependencies(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    task: &mut TaskRow,
    change: &TaskChange,
) -> Result<bool> {
    let Some(wanted) = &change.depends_on else {
        return Ok(false);
    };
    let tenant = &ctx.caller.tenant;
    let wanted: BTreeSet<i64> = wanted.iter().map(|number| number.0).collect();
    let present = dependencies::list(tx, tenant, task.number)?;
    let present: BTreeSet<i64> = present.iter().map(|one| one.number).collect();
    if present == wanted {
        return Ok(false);
    }
    let found = dependencies::find(tx, ctx, &task.project, &wanted)?;
    dependencies::check_no_circle(tx, tenant, task.number, &wanted)?;
    for number in wanted.difference(&present) {
        dependencies::check_room(tx, tenant, *number, 1)?;
    }
    dependencies::clear(tx, tenant, task.number)?;
    for number in &wanted {
        dependencies::add(tx, tenant, task.number, *number)?;
    }
    let undone = found.iter().filter(|one| one.status != TaskStatus::Done);
    task.blockers = undone.count() as i64;
    Ok(true)
}
