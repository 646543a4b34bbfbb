//! What agents do with tasks: take one, hand it in, give it back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use coro_api::limits::TASK_TEXT_BYTES_MAX;
use coro_api::numbers::TaskNumber;
use coro_api::tasks::{
    NewTaskNote, NextRequest, NextTask, Task, TaskDone, TaskFailed, TaskItem, TaskReleased,
    TaskStatus,
};
use serde_json::{Value, json};

use super::back::{Fate, put_back};
use super::{
    By, Claim, TaskRow, check_may_change, choose, find, is_leader, lead, notes, read,
    require_agent_of, store, why,
};
use crate::agents::{self, AgentRef};
use crate::app::Ctx;
use crate::db::Tx;
use crate::error::{Error, Reason, Result, conflict, invalid};
use crate::leases::{self, HeldLeases};
use crate::log::wait::wait_for_call;
use crate::pauses;

/// The most tasks that an agent has at a time: it works on one, and may have
/// asked for others by their number.
const CLAIMS_MAX: usize = 20;

/// After which events an agent may get what it did not get before. That others
/// claim and finish tasks is none: what gets ready by it is told itself.
const MAKES_READY: [&str; 6] = [
    "coro.task.created",
    "coro.task.updated",
    // Ready, released, returned, reopened.
    "coro.task.r*",
    "coro.lease.*",
    "coro.agent.capabilities",
    "coro.agent.resumed",
];

/// The caller's task, else the best that is ready for it; waits for one where
/// that is asked for.
pub async fn next_task(ctx: &Ctx, request: NextRequest) -> Result<NextTask> {
    let found = wait_for_call(ctx, &MAKES_READY, request.wait_seconds, look).await?;
    if let Some(next) = found {
        return Ok(next);
    }
    let job_ctx = ctx.clone();
    let why = ctx.app.db.read(move |tx| {
        let agent = agents::require_agent(tx, &job_ctx)?;
        why::nothing_for(tx, &job_ctx.caller.tenant, &agent)
    });
    Ok(NextTask {
        task: None,
        resumed: false,
        why: Some(why.await?),
    })
}

/// Takes what is there. A look that finds nothing writes nothing, and is not
/// what a repetition of the request is answered with.
async fn look(ctx: Ctx) -> Result<Option<NextTask>> {
    let job_ctx = ctx.clone();
    let has_key = ctx.request.once.is_some();
    let there = ctx.app.db.read(move |tx| {
        let tenant = &job_ctx.caller.tenant;
        let agent = agents::require_agent(tx, &job_ctx)?;
        if pauses::pause_of(tx, tenant, &agent)?.is_some() {
            return Ok(false);
        }
        Ok(choose::claimed_by(tx, tenant, &agent.id)?.is_some()
            || choose::best(tx, tenant, &agent)?.is_some())
    });
    // A repetition may be answered with what is no longer there.
    if !there.await? && !has_key {
        return Ok(None);
    }
    let (job_ctx, is_empty) = (ctx.clone(), Arc::new(AtomicBool::new(false)));
    let job_is_empty = is_empty.clone();
    let taken = ctx.write(move |tx| {
        job_is_empty.store(false, Ordering::Relaxed);
        let found = take_next(tx, &job_ctx)?;
        found.ok_or_else(|| {
            job_is_empty.store(true, Ordering::Relaxed);
            Error::new(Reason::Conflict, "nothing is ready")
        })
    });
    match taken.await {
        Ok(next) => Ok(Some(next)),
        Err(_) if is_empty.load(Ordering::Relaxed) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Hands back what the agent has, else claims the best that is ready.
fn take_next(tx: &mut Tx<'_>, ctx: &Ctx) -> Result<Option<NextTask>> {
    let tenant = &ctx.caller.tenant;
    let agent = agents::require_agent(tx, ctx)?;
    if pauses::pause_of(tx, tenant, &agent)?.is_some() {
        return Ok(None);
    }
    let own = store::claims_of(tx, tenant, &agent.id)?.into_iter().next();
    let resumed = own.is_some();
    let task = match own {
        Some(own) => resume(tx, ctx, &agent, own)?,
        None => match choose::best(tx, tenant, &agent)? {
            Some(best) => {
                let task = store::find(tx, tenant, best.number)?;
                let task = task.ok_or_else(|| super::unknown(TaskNumber(best.number)))?;
                claim(tx, ctx, &agent, task)?
            }
            None => return Ok(None),
        },
    };
    Ok(Some(NextTask {
        task: Some(read::whole(tx, tenant, &task)?),
        resumed,
        why: None,
    }))
}

/// Claims a task by its number.
pub async fn claim_task(ctx: &Ctx, id: &str) -> Result<Task> {
    let (job_ctx, id) = (ctx.clone(), id.to_owned());
    ctx.write(move |tx| {
        let ctx = &job_ctx;
        let tenant = &ctx.caller.tenant;
        let task = find(tx, ctx, &id)?;
        let agent = require_agent_of(tx, ctx, &task)?;
        if let Some(pause) = pauses::pause_of(tx, tenant, &agent)? {
            return Err(conflict(pause.in_words()).hint("ask whoever paused, or wait"));
        }
        let task = match task.held() {
            Some(held) if held.agent == agent.id => resume(tx, ctx, &agent, task)?,
            _ => {
                check_claimable(tx, ctx, &agent, &task)?;
                claim(tx, ctx, &agent, task)?
            }
        };
        read::whole(tx, tenant, &task)
    })
    .await
}

/// Refuses a claim of what is not ready for the agent, and says why.
fn check_claimable(tx: &mut Tx<'_>, ctx: &Ctx, agent: &AgentRef, task: &TaskRow) -> Result<()> {
    let tenant = &ctx.caller.tenant;
    let hint = "ask for one that is ready with coro-cli next";
    if !task.is_ready() {
        return Err(conflict(why::of(tx, ctx, task)?.why).hint(hint));
    }
    let id = task.id();
    if store::claims_of(tx, tenant, &agent.id)?.len() >= CLAIMS_MAX {
        return Err(conflict(format!(
            "{} has claimed {CLAIMS_MAX} tasks already",
            agent.name
        ))
        .hint("hand some in, or give them back with coro-cli tasks release"));
    }
    if !task.assignee.is_empty() && task.assignee != agent.name {
        return Err(conflict(format!("{id} is assigned to {}", task.assignee)).hint(hint));
    }
    let mut needed = task.capabilities.iter();
    if let Some(missing) = needed.find(|one| !agent.capabilities.contains(one)) {
        return Err(conflict(format!(
            "{id} needs the capability {missing}, which {} has not said to have",
            agent.name
        ))
        .hint("say so with coro-cli instances capabilities, where it is so"));
    }
    let held = HeldLeases::load(tx, tenant, &agent.project)?;
    match why::no_leases(tx, tenant, &held, agent, task)? {
        Some(why) => Err(conflict(format!("{id}: {why}")).hint(hint)),
        None => Ok(()),
    }
}

/// Claims a ready task.
fn claim(tx: &mut Tx<'_>, ctx: &Ctx, agent: &AgentRef, mut task: TaskRow) -> Result<TaskRow> {
    agents::has_begun_work(tx, ctx, agent)?;
    let now = tx.now();
    task.status = TaskStatus::Claimed;
    task.updated_at = now;
    task.claim = Some(Claim {
        agent: agent.id.clone(),
        name: agent.name.clone(),
        generation: agent.generation,
        fence: 0,
        claimed_at: now,
        renewed_at: now,
    });
    let task = fence(tx, ctx, "coro.task.claimed", task)?;
    if !task.paths.is_empty() {
        leases::take_for_task(tx, ctx, agent, task.id(), &task.paths)?;
    }
    Ok(task)
}

/// Hands a task back to the agent that has it. A new session of it gets a new
/// fencing token, so that what the old one still sends is refused.
fn resume(tx: &mut Tx<'_>, ctx: &Ctx, agent: &AgentRef, mut task: TaskRow) -> Result<TaskRow> {
    let now = tx.now();
    match &mut task.claim {
        Some(claim) if claim.generation < agent.generation => {
            claim.generation = agent.generation;
            claim.renewed_at = now;
            agents::has_begun_work(tx, ctx, agent)?;
        }
        Some(claim) if claim.generation > agent.generation => {
            return Err(of_newer_session(&task));
        }
        _ => return Ok(task),
    }
    task.updated_at = now;
    fence(tx, ctx, "coro.task.resumed", task)
}

/// Writes a claim; the revision that tells it is its fencing token.
fn fence(tx: &mut Tx<'_>, ctx: &Ctx, topic: &'static str, mut task: TaskRow) -> Result<TaskRow> {
    let tenant = &ctx.caller.tenant;
    let revision = By::Caller(ctx).emit(tx, tenant, topic, &task, json!({}))?;
    if let Some(claim) = &mut task.claim {
        claim.fence = revision;
    }
    store::update(tx, tenant, &task)?;
    Ok(task)
}

/// Hands a task in. Doing it again with the same claim changes nothing.
pub async fn finish_task(ctx: &Ctx, id: &str, done: TaskDone) -> Result<TaskItem> {
    let result = match &done.result {
        Some(Value::Null) | None => None,
        // Blanks tell those that depend on it less than that it is done.
        Some(Value::String(text)) if text.trim().is_empty() => None,
        Some(result) => Some(result.to_string()),
    };
    check_result(result.as_deref())?;
    let (job_ctx, id) = (ctx.clone(), id.to_owned());
    ctx.write(move |tx| {
        let ctx = &job_ctx;
        let task = find(tx, ctx, &id)?;
        if is_own_closed(tx, ctx, &task, TaskStatus::Done, done.fence)? {
            return Ok(task.shown());
        }
        check_holds(tx, ctx, &task, done.fence)?;
        let (by, tenant) = (By::Caller(ctx), &ctx.caller.tenant);
        let task = lead::finish(tx, by, tenant, task, result.as_deref())?;
        Ok(task.shown())
    })
    .await
}

fn check_result(result: Option<&str>) -> Result<()> {
    let bytes = result.map_or(0, str::len);
    if bytes <= TASK_TEXT_BYTES_MAX {
        return Ok(());
    }
    Err(invalid(format!(
        "the result has {bytes} bytes as JSON, more than {TASK_TEXT_BYTES_MAX}"
    ))
    .hint("put it into state, and name the key in the result"))
}

/// Says that a task could not be done. Doing it again with the same claim
/// changes nothing.
pub async fn fail_task(ctx: &Ctx, id: &str, failed: TaskFailed) -> Result<TaskItem> {
    notes::check_given("reason", &failed.why)?;
    let (job_ctx, id) = (ctx.clone(), id.to_owned());
    ctx.write(move |tx| {
        let ctx = &job_ctx;
        let task = find(tx, ctx, &id)?;
        if is_own_closed(tx, ctx, &task, TaskStatus::Failed, failed.fence)? {
            return Ok(task.shown());
        }
        check_holds(tx, ctx, &task, failed.fence)?;
        let fate = match failed.retry {
            true => Fate::NextAttempt,
            false => Fate::Failed,
        };
        let (by, tenant) = (By::Caller(ctx), &ctx.caller.tenant);
        Ok(put_back(tx, by, tenant, task, fate, &failed.why)?.shown())
    })
    .await
}

/// Gives a task back as it is, without counting an attempt.
pub async fn release_task(ctx: &Ctx, id: &str, released: TaskReleased) -> Result<TaskItem> {
    notes::check("reason", &released.why)?;
    let (job_ctx, id) = (ctx.clone(), id.to_owned());
    ctx.write(move |tx| {
        let ctx = &job_ctx;
        let task = find(tx, ctx, &id)?;
        check_holds(tx, ctx, &task, released.fence)?;
        if !released.why.is_empty() {
            notes::check_room(tx, &ctx.caller.tenant, &task)?;
        }
        let (by, tenant) = (By::Caller(ctx), &ctx.caller.tenant);
        let why = released.why.as_str();
        Ok(put_back(tx, by, tenant, task, Fate::SameAttempt, why)?.shown())
    })
    .await
}

/// Leaves a note on a task: for who works on it, made it, or leads.
pub async fn add_note(ctx: &Ctx, id: &str, new: NewTaskNote) -> Result<TaskItem> {
    notes::check_given("note", &new.text)?;
    let (job_ctx, id) = (ctx.clone(), id.to_owned());
    ctx.write(move |tx| {
        let ctx = &job_ctx;
        let tenant = &ctx.caller.tenant;
        let mut task = find(tx, ctx, &id)?;
        let may_note = is_leader(ctx) || task.created_by == ctx.caller.actor;
        if new.fence.is_some() || !may_note {
            match task.held() {
                Some(_) => check_holds(tx, ctx, &task, new.fence)?,
                None => check_may_change(ctx, &task)?,
            }
        }
        notes::check_room(tx, tenant, &task)?;
        task.updated_at = tx.now();
        let by = By::Caller(ctx);
        let revision = by.emit(tx, tenant, "coro.task.noted", &task, json!({}))?;
        notes::add(tx, tenant, &task, revision, by.actor(), &new.text)?;
        store::update(tx, tenant, &task)?;
        Ok(task.shown())
    })
    .await
}

/// Whether the caller itself has closed the task so, with this claim: the
/// request is one that comes again.
fn is_own_closed(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    task: &TaskRow,
    status: TaskStatus,
    fence: Option<i64>,
) -> Result<bool> {
    let agent = agents::caller_agent(tx, ctx)?;
    Ok(match (agent, &task.claim) {
        (Some(agent), Some(claim)) => {
            task.status == status
                && claim.agent == agent.id
                && fence.is_none_or(|fence| fence == claim.fence)
        }
        _ => false,
    })
}

/// Refuses all but the agent that has claimed the task, with that claim.
fn check_holds(tx: &mut Tx<'_>, ctx: &Ctx, task: &TaskRow, fence: Option<i64>) -> Result<()> {
    let agent = agents::require_agent(tx, ctx)?;
    let held = task.held().filter(|held| held.agent == agent.id);
    let Some(held) = held else {
        return Err(conflict(format!(
            "{} has no claim on {}: {}",
            agent.name,
            task.id(),
            why::standing(task)
        ))
        .hint("what you did for it is not counted; go on with coro-cli next"));
    };
    if held.generation > agent.generation {
        return Err(of_newer_session(task));
    }
    match fence {
        Some(fence) if fence != held.fence => Err(conflict(format!(
            "the claim {fence} of {} is over: {} claimed it again with {}",
            task.id(),
            agent.name,
            held.fence
        ))
        .hint("what belongs to the old claim is not counted; go on with coro-cli next")),
        _ => Ok(()),
    }
}

fn of_newer_session(task: &TaskRow) -> Error {
    conflict(format!(
        "a newer session of this agent has {}: {}",
        task.id(),
        why::standing(task)
    ))
    .hint("end this session; the other one goes on")
}
