//! Tasks: units of work in a queue that any agent may claim.
//!
//! A task is open, then claimed by an agent, then done, failed or cancelled.
//! `next` ([`claim`]) gives an agent the best task that is ready for it
//! ([`choose`]) and claims it in the same transaction. A claim belongs to one
//! generation of an agent; its fencing token is the revision of the claim, so
//! it grows with each claim of a task, and what comes from a claim that is over
//! is refused. Any sign of life of the generation keeps the claim; when the
//! agent ends or is silent the task goes back into the queue with its notes
//! ([`back`]), as the next attempt, until attempts run out.
//!
//! Agents do tasks; the owner and controllers lead: they cancel, reopen, close
//! and reassign ([`lead`]). Who made a task may change and cancel it while
//! nobody has claimed it.

mod back;
mod choose;
mod claim;
mod create;
mod dependencies;
mod edit;
mod graph;
mod lead;
mod notes;
mod read;
pub mod routes;
mod settings;
mod store;
mod why;

use coro_api::numbers::TaskNumber;
use coro_api::tasks::{OWN, TaskClaim, TaskItem, TaskStatus};
use coro_api::tokens::Role;
use serde_json::{Value, json};

pub use back::{agent_ended, sweep};
pub use choose::{best_for, claimed_by};
pub use claim::{add_note, claim_task, fail_task, finish_task, next_task, release_task};
pub use create::{create_task, create_tasks};
pub use edit::edit_task;
pub use graph::{GraphFilter, graph_tasks};
pub use lead::{cancel_task, close_tasks, reopen_task};
pub use read::{TaskFilter, claims, count_by_state, get_task, list_tasks};
pub use settings::TaskSettings;
pub use why::why_task;

use crate::agents::{self, AgentRef};
use crate::app::Ctx;
use crate::clock::Time;
use crate::db::{NewEntry, Row, SYSTEM, Tx};
use crate::error::{Error, Result, conflict, forbidden, not_found};
use crate::ids::{AgentId, TenantId};

/// A task in a line.
#[derive(Clone, Debug)]
pub struct TaskBrief {
    pub number: TaskNumber,
    pub title: String,
    /// How often it was begun.
    pub attempt: i64,
}

/// A task as it is stored, without its long texts.
#[derive(Clone, Debug)]
struct TaskRow {
    number: i64,
    project: String,
    title: String,
    priority: i64,
    /// The name of an agent, or empty.
    assignee: String,
    /// Sorted, each once: equal needs are one lane of the queue.
    capabilities: Vec<String>,
    paths: Vec<String>,
    labels: Vec<String>,
    status: TaskStatus,
    blockers: i64,
    attempt: i64,
    attempts_max: i64,
    created_by: String,
    created_at: Time,
    updated_at: Time,
    closed_at: Option<Time>,
    /// Of a task that is claimed, or that whoever had claimed it has closed.
    claim: Option<Claim>,
}

/// Who has claimed a task.
#[derive(Clone, Debug)]
struct Claim {
    agent: AgentId,
    name: String,
    generation: i64,
    fence: i64,
    claimed_at: Time,
    /// From when silence counts, where nothing was heard of the agent later.
    renewed_at: Time,
}

/// The long texts of a task; the result is JSON.
struct Text {
    body: String,
    result: Option<String>,
}

/// A ready task, with what decides who gets it.
#[derive(Clone, Debug)]
struct Candidate {
    number: i64,
    priority: i64,
    title: String,
    paths: Vec<String>,
    attempt: i64,
}

/// How the tasks of a project stand that are not closed.
struct Counts {
    ready: i64,
    waiting: i64,
    claimed: i64,
}

impl TaskRow {
    fn id(&self) -> TaskNumber {
        TaskNumber(self.number)
    }

    fn brief(&self) -> TaskBrief {
        TaskBrief {
            number: self.id(),
            title: self.title.clone(),
            attempt: self.attempt,
        }
    }

    fn is_ready(&self) -> bool {
        self.status == TaskStatus::Open && self.blockers == 0
    }

    /// The claim that holds now.
    fn held(&self) -> Option<&Claim> {
        let is_claimed = self.status == TaskStatus::Claimed;
        self.claim.as_ref().filter(|_| is_claimed)
    }

    fn status_from(row: &dyn Row, column: usize) -> Result<TaskStatus> {
        store::status_from(row, column)
    }

    fn shown(&self) -> TaskItem {
        TaskItem {
            id: self.id(),
            project: self.project.clone(),
            title: self.title.clone(),
            status: self.status,
            priority: self.priority,
            assignee: self.assignee.clone(),
            capabilities: self.capabilities.clone(),
            paths: self.paths.clone(),
            labels: self.labels.clone(),
            blockers: self.blockers,
            attempt: self.attempt,
            attempts_max: self.attempts_max,
            claim: self.claim.as_ref().map(Claim::shown),
            created_by: self.created_by.clone(),
            created_at: self.created_at.to_string(),
            updated_at: self.updated_at.to_string(),
            closed_at: self.closed_at.map(|at| at.to_string()),
        }
    }

    /// What an event tells of the task.
    fn event_data(&self) -> Value {
        json!({
            "title": self.title,
            "status": self.status,
            "priority": self.priority,
            "assignee": self.assignee,
            "attempt": self.attempt,
            "agent": self.claim.as_ref().map(|claim| &claim.name),
        })
    }
}

impl Claim {
    fn shown(&self) -> TaskClaim {
        TaskClaim {
            agent: self.name.clone(),
            agent_id: self.agent.to_string(),
            generation: self.generation,
            fence: self.fence,
            claimed_at: self.claimed_at.to_string(),
        }
    }
}

/// Who changes a task: a caller, or the server by itself.
#[derive(Clone, Copy)]
enum By<'a> {
    Caller(&'a Ctx),
    Server,
}

impl By<'_> {
    fn actor(&self) -> &str {
        match self {
            By::Caller(ctx) => &ctx.caller.actor,
            By::Server => SYSTEM,
        }
    }

    /// Says what happened to a task, and tells the revision.
    fn emit(
        &self,
        tx: &mut Tx<'_>,
        tenant: &TenantId,
        topic: &'static str,
        task: &TaskRow,
        more: Value,
    ) -> Result<i64> {
        let mut note = task.event_data();
        if let (Value::Object(note), Value::Object(more)) = (&mut note, more) {
            note.extend(more);
        }
        let subject = task.id().to_string();
        let entry = match self {
            By::Caller(ctx) => ctx.entry(topic, &subject, &task.project),
            By::Server => NewEntry::new(topic, SYSTEM, &subject, &task.project),
        };
        tx.emit(tenant, entry.note(note))
    }
}

/// The task that a path names: by its number, or the one that the caller has
/// claimed.
fn find(tx: &mut Tx<'_>, ctx: &Ctx, id: &str) -> Result<TaskRow> {
    if id == OWN {
        return find_own(tx, ctx);
    }
    let number: TaskNumber = id
        .parse()
        .map_err(|error: coro_api::numbers::NumberError| {
            crate::error::invalid(error.to_string())
        })?;
    find_number(tx, ctx, number)
}

/// The task of a number, in a project that the caller sees.
fn find_number(tx: &mut Tx<'_>, ctx: &Ctx, number: TaskNumber) -> Result<TaskRow> {
    store::find(tx, &ctx.caller.tenant, number.0)?
        .filter(|task| ctx.caller.sees_project(&task.project))
        .ok_or_else(|| unknown(number))
}

fn unknown(number: TaskNumber) -> Error {
    not_found("task", &number.to_string()).hint("list them with coro-cli tasks list")
}

fn find_own(tx: &mut Tx<'_>, ctx: &Ctx) -> Result<TaskRow> {
    let agent = agents::require_agent(tx, ctx)?;
    let mut claims = store::claims_of(tx, &ctx.caller.tenant, &agent.id)?;
    match (claims.pop(), claims.pop()) {
        (Some(task), None) => Ok(task),
        (Some(_), Some(_)) => Err(
            conflict(format!("{} has claimed several tasks", agent.name))
                .hint("name the one that is meant; coro-cli tasks list --claimed-by lists them"),
        ),
        (None, _) => Err(conflict(format!("{} has claimed no task", agent.name))
            .hint("ask for one with coro-cli next, or name the one that is meant")),
    }
}

/// Whether the caller leads the projects that it sees.
fn is_leader(ctx: &Ctx) -> bool {
    matches!(ctx.caller.role, Role::Owner | Role::Controller)
}

/// Refuses all but those who lead, and who made the task while nobody works on
/// it.
fn check_may_change(ctx: &Ctx, task: &TaskRow) -> Result<()> {
    let is_own = task.created_by == ctx.caller.actor;
    if is_leader(ctx) || (is_own && task.held().is_none()) {
        return Ok(());
    }
    if is_own {
        return Err(forbidden(format!(
            "{}: now only the owner or a controller may change it",
            why::standing(task)
        ))
        .hint("ask them, or leave a note with coro-cli tasks note"));
    }
    Err(forbidden(format!(
        "only who made {}, the owner or a controller may change it",
        task.id()
    ))
    .hint("ask them, or make a task of your own"))
}

/// Refuses all but those who lead.
fn check_leads(ctx: &Ctx, task: &TaskRow) -> Result<()> {
    match is_leader(ctx) {
        true => Ok(()),
        false => Err(forbidden(format!(
            "only the owner or a controller may do that with {}",
            task.id()
        ))
        .hint("ask them")),
    }
}

/// The agent that calls, which can have tasks of its own project only.
fn require_agent_of(tx: &mut Tx<'_>, ctx: &Ctx, task: &TaskRow) -> Result<AgentRef> {
    let agent = agents::require_agent(tx, ctx)?;
    match agent.project == task.project {
        true => Ok(agent),
        false => Err(conflict(format!(
            "{} is of the project {:?}, and {} of {:?}",
            task.id(),
            task.project,
            agent.name,
            agent.project
        ))
        .hint("ask for a task of your own project with coro-cli next")),
    }
}
