//! Why a task stands where it stands, in one sentence.

use coro_api::numbers::TaskNumber;
use coro_api::tasks::{TaskStatus, TaskWhy};

use super::dependencies::{self, Dependency};
use super::{TaskRow, choose, find, store};
use crate::agents::{AgentRef, agent_named, living_agents};
use crate::app::Ctx;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::ids::TenantId;
use crate::leases::{HeldLeases, Hindrance};
use crate::pauses;
use crate::said::{as_said, cut};

/// How much of a reason is shown, in characters.
const REASON_CHARS: usize = 200;

pub async fn why_task(ctx: &Ctx, id: &str) -> Result<TaskWhy> {
    let (job_ctx, id) = (ctx.clone(), id.to_owned());
    ctx.app
        .db
        .read(move |tx| {
            let task = find(tx, &job_ctx, &id)?;
            of(tx, &job_ctx, &task)
        })
        .await
}

pub(super) fn of(tx: &mut Tx<'_>, ctx: &Ctx, task: &TaskRow) -> Result<TaskWhy> {
    let hindered = match task.status {
        TaskStatus::Open if task.blockers > 0 => Some(blocked(tx, ctx, task)?),
        TaskStatus::Open => not_taken(tx, ctx, task)?,
        TaskStatus::Failed => Some(failed(tx, ctx, task)?),
        _ => Some(standing(task)),
    };
    let ready = hindered.is_none();
    let why = match hindered {
        Some(why) => why,
        None => ready_for_whom(tx, ctx, task)?,
    };
    Ok(TaskWhy {
        id: task.id(),
        status: task.status,
        ready,
        why,
    })
}

/// That an agent could take a task; and where the caller is one that could
/// not, why it gets nothing from `next` all the same.
fn ready_for_whom(tx: &mut Tx<'_>, ctx: &Ctx, task: &TaskRow) -> Result<String> {
    let id = task.id();
    let tenant = &ctx.caller.tenant;
    let living = living_agents(tx, tenant, &task.project)?;
    let own = ctx.caller.agent.as_ref().map(|agent| &agent.id);
    let Some(agent) = living.iter().find(|agent| Some(&agent.id) == own) else {
        return Ok(format!("{id} is ready: no agent has asked for it yet"));
    };
    let obstacle = match pauses::pause_of(tx, tenant, agent)? {
        Some(pause) => Some(pause.in_words()),
        None => obstacle_of(tx, tenant, agent, task)?,
    };
    Ok(match obstacle {
        Some(obstacle) => format!("{id} is ready, but not for {}: {obstacle}", agent.name),
        None => format!("{id} is ready: no agent has asked for it yet"),
    })
}

/// Why an agent that is not paused can't have a task that is ready; `None` where
/// it can.
fn obstacle_of(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentRef,
    task: &TaskRow,
) -> Result<Option<String>> {
    if !task.assignee.is_empty() && task.assignee != agent.name {
        return Ok(Some(format!("it is for {}", task.assignee)));
    }
    let lacks = |one: &&String| !agent.capabilities.contains(*one);
    if let Some(missing) = task.capabilities.iter().find(lacks) {
        return Ok(Some(format!("it needs the capability {missing}")));
    }
    let leases = HeldLeases::load(tx, tenant, &task.project)?;
    no_leases(tx, tenant, &leases, agent, task)
}

/// Who has a task, or how it ended.
pub(super) fn standing(task: &TaskRow) -> String {
    let id = task.id();
    let claim = task.claim.as_ref();
    match (task.status, claim) {
        (TaskStatus::Claimed, Some(claim)) => format!("{id} is claimed by {}", claim.name),
        (TaskStatus::Done, Some(claim)) => format!("{id} was done by {}", claim.name),
        (TaskStatus::Done, None) => format!("{id} was closed as done"),
        (TaskStatus::Failed, _) => format!("{id} has failed"),
        (TaskStatus::Cancelled, _) => format!("{id} was cancelled"),
        _ if task.attempt > 1 => format!("{id} is in the queue again, attempt {}", task.attempt),
        _ => format!("{id} is in the queue"),
    }
}

/// Why an agent can't lease the paths of a task.
pub(super) fn no_leases(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    leases: &HeldLeases,
    agent: &AgentRef,
    task: &TaskRow,
) -> Result<Option<String>> {
    if task.paths.is_empty() {
        return Ok(None);
    }
    if let Some(hindrance) = leases.hinders(&task.paths, &agent.id) {
        return Ok(Some(overlap(task, &hindrance)));
    }
    let room = leases.room(tx, tenant, agent)?.check(task.paths.len());
    Ok(room.err().map(|full| no_room(&full)))
}

/// That there are too many leases for the paths of a task.
pub(super) fn no_room(full: &Error) -> String {
    format!("its paths can't be leased: {}", full.message)
}

fn overlap(task: &TaskRow, hindrance: &Hindrance) -> String {
    let holder = match hindrance.holder.as_str() {
        "" => "which is protected".to_owned(),
        holder => format!("of {holder}"),
    };
    let reason = match hindrance.reason.as_str() {
        "" => String::new(),
        reason => format!(" ({})", cut(reason, REASON_CHARS)),
    };
    format!(
        "its paths {} overlap {} {}, {holder}{reason}",
        task.paths.join(", "),
        hindrance.lease,
        hindrance.pattern,
    )
}

fn failed(tx: &mut Tx<'_>, ctx: &Ctx, task: &TaskRow) -> Result<String> {
    let text = store::text(tx, &ctx.caller.tenant, task.number)?;
    let reason = text.and_then(|text| text.result);
    let reason = reason.and_then(|json| serde_json::from_str::<String>(&json).ok());
    let standing = standing(task);
    Ok(match reason {
        Some(reason) => format!(
            "{standing}: {}",
            cut(&reason.replace('\n', " "), REASON_CHARS)
        ),
        None => standing,
    })
}

/// What a task waits for: what will never be done by itself goes first.
fn blocked(tx: &mut Tx<'_>, ctx: &Ctx, task: &TaskRow) -> Result<String> {
    let all = dependencies::list(tx, &ctx.caller.tenant, task.number)?;
    let mut undone: Vec<Dependency> = all
        .into_iter()
        .filter(|one| one.status != TaskStatus::Done)
        .collect();
    undone.sort_by_key(|one| !is_stuck(one));
    let more = match undone.len() {
        0 | 1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let Some(first) = undone.first() else {
        return Ok(format!("{} waits for {} tasks", task.id(), task.blockers));
    };
    let how = match (first.status, &first.claimed_by) {
        (TaskStatus::Claimed, Some(name)) => format!("claimed by {name}"),
        (status, _) => status.word().to_owned(),
    };
    let until = match is_stuck(first) {
        true => ": it waits until somebody reopens that one or no longer depends on it",
        false => "",
    };
    let (id, number) = (task.id(), TaskNumber(first.number));
    Ok(format!("{id} waits for {number} ({how}){more}{until}"))
}

fn is_stuck(dependency: &Dependency) -> bool {
    matches!(
        dependency.status,
        TaskStatus::Failed | TaskStatus::Cancelled
    )
}

/// Why no agent takes a task that waits for nothing; `None` where one could.
fn not_taken(tx: &mut Tx<'_>, ctx: &Ctx, task: &TaskRow) -> Result<Option<String>> {
    let tenant = &ctx.caller.tenant;
    let id = task.id();
    let agents = match task.assignee.as_str() {
        "" => living_agents(tx, tenant, &task.project)?,
        name => match agent_named(tx, ctx, &task.project, name) {
            Ok(agent) => vec![agent],
            Err(error) if error.reason == Reason::NotFound => {
                return Ok(Some(format!(
                    "{id} is assigned to {name}, who is not registered"
                )));
            }
            Err(error) if error.reason == Reason::Conflict => {
                return Ok(Some(format!("{id} is assigned to {name}, who has ended")));
            }
            Err(error) => return Err(error),
        },
    };
    if agents.is_empty() {
        return Ok(Some(format!(
            "{id} waits for an agent: the project {} has none",
            as_said(&task.project, REASON_CHARS)
        )));
    }
    let can = |agent: &&AgentRef| {
        task.capabilities
            .iter()
            .all(|one| agent.capabilities.contains(one))
    };
    let able: Vec<&AgentRef> = agents.iter().filter(can).collect();
    if able.is_empty() {
        return Ok(Some(unable(task, &agents)));
    }
    let mut paused = None;
    let mut hindrance = None;
    let leases = HeldLeases::load(tx, tenant, &task.project)?;
    if let Err(full) = leases.check_room(task.paths.len()) {
        // For whomever: nobody need be asked.
        return Ok(Some(format!("{id}: {}", no_room(&full))));
    }
    for agent in able {
        if let Some(pause) = pauses::pause_of(tx, tenant, agent)? {
            paused = Some(pause.in_words());
        } else if let Some(found) = no_leases(tx, tenant, &leases, agent, task)? {
            hindrance = Some(format!("{id}: {found}"));
        } else {
            return Ok(None);
        }
    }
    Ok(hindrance.or_else(|| paused.map(|pause| format!("{id} could be taken, but {pause}"))))
}

/// Which capability is missing.
fn unable(task: &TaskRow, agents: &[AgentRef]) -> String {
    let id = task.id();
    let nobody_has = |one: &&String| !agents.iter().any(|agent| agent.capabilities.contains(one));
    let missing = task.capabilities.iter().find(nobody_has);
    match (missing, task.assignee.as_str()) {
        (Some(missing), "") => {
            format!("{id} needs the capability {missing}, which no agent of the project has")
        }
        (Some(missing), name) => {
            format!("{id} needs the capability {missing}, which {name} does not have")
        }
        (None, _) => format!(
            "{id} needs {}, which no agent of the project has together",
            task.capabilities.join(" and ")
        ),
    }
}

/// Why `next` gives an agent nothing.
pub(super) fn nothing_for(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentRef) -> Result<String> {
    if let Some(pause) = pauses::pause_of(tx, tenant, agent)? {
        return Ok(format!(
            "{}; ask whoever paused, or wait with coro-cli next --wait 10m",
            pause.in_words()
        ));
    }
    let counts = store::counts(tx, tenant, &agent.project)?;
    let parts = [
        (counts.waiting, "waiting for other tasks"),
        (counts.claimed, "claimed"),
        (
            counts.ready,
            "for others, for other capabilities or on leased paths",
        ),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{what}: {count}"))
        .collect();
    let name = &agent.name;
    if parts.is_empty() {
        return Ok(format!("nothing is ready for {name}: the queue is empty"));
    }
    let nothing = format!("nothing is ready for {name} ({})", parts.join("; "));
    if let Some((task, full)) = choose::without_room(tx, tenant, agent)? {
        let no_room = no_room(&full);
        return Ok(format!("{nothing}; {task} would be, but {no_room}"));
    }
    let Some(first) = store::first_ready(tx, tenant, &agent.project)? else {
        return Ok(nothing);
    };
    let obstacle = obstacle_of(tx, tenant, agent, &first)?;
    Ok(match obstacle {
        Some(obstacle) => format!("{nothing}; {}: {obstacle}", first.id()),
        None => nothing,
    })
}
