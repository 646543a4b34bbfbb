//! Which task an agent gets.
//!
//! Ready is a task that is open and waits for nothing, that is for the agent or
//! for anybody, that needs nothing the agent can't do, and whose paths nobody
//! else has leased, with room for its leases. The best is the most urgent one,
//! then the oldest.
//!
//! The queue has a lane for each assignee and each set of capabilities (the
//! index `task_ready`). An agent looks at the lanes that it may take from, and
//! in each at the first task that no lease hinders. So thousands of tasks for
//! others cost it nothing, however far in front they stand.

use std::collections::HashMap;

use coro_api::limits::TASK_LABELS_MAX;
use coro_api::numbers::TaskNumber;

use super::store::Lane;
use super::{Candidate, TaskBrief, TaskRow, store};
use crate::agents::AgentRef;
use crate::db::Tx;
use crate::error::{Error, Result, internal};
use crate::ids::{AgentId, TenantId};
use crate::leases::{HeldLeases, Room};
use crate::pauses;

/// How many tasks of a lane are read at a time. Mostly the first is free.
const STEP: i64 = 16;

/// Before the first place in a lane.
const START: (i64, i64) = (i64::MIN, i64::MIN);

/// The task that an agent has claimed, if it has: the one that `next` hands
/// back.
pub fn claimed_by(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
) -> Result<Option<TaskBrief>> {
    let claims = store::claims_of(tx, tenant, agent)?;
    Ok(claims.first().map(TaskRow::brief))
}

/// The task that `next` would give the agent, which is not claimed by this.
pub fn best_for(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentRef) -> Result<Option<TaskBrief>> {
    if pauses::pause_of(tx, tenant, agent)?.is_some() {
        return Ok(None);
    }
    let best = best(tx, tenant, agent)?;
    Ok(best.map(|task| TaskBrief {
        number: TaskNumber(task.number),
        title: task.title,
        attempt: task.attempt,
    }))
}

/// The best of the tasks that are ready for an agent.
pub(super) fn best(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentRef,
) -> Result<Option<Candidate>> {
    search(tx, tenant, agent, &mut Leases::default())
}

/// A task that would be ready for an agent, were there not too many leases, and
/// what is full. Asked where nothing else is ready.
pub(super) fn without_room(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentRef,
) -> Result<Option<(TaskNumber, Error)>> {
    let held = HeldLeases::load(tx, tenant, &agent.project)?;
    let room = held.room(tx, tenant, agent)?;
    // No task has more paths, so that none finds too little room.
    if room.check(TASK_LABELS_MAX).is_ok() {
        return Ok(None);
    }
    let mut leases = Leases {
        held: Some((held, room)),
        ..Leases::default()
    };
    search(tx, tenant, agent, &mut leases)?;
    Ok(leases.full)
}

fn search(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentRef,
    leases: &mut Leases,
) -> Result<Option<Candidate>> {
    let mut best: Option<Candidate> = None;
    for assignee in ["", agent.name.as_str()] {
        for capabilities in store::lanes(tx, tenant, &agent.project, assignee)? {
            if !can_all(agent, &capabilities)? {
                continue;
            }
            let lane = Lane {
                project: &agent.project,
                assignee,
                capabilities: &capabilities,
            };
            let before = best.as_ref().map(place);
            if let Some(better) = first_free(tx, tenant, agent, &lane, before, leases)? {
                best = Some(better);
            }
        }
    }
    Ok(best)
}

/// The first task of a lane that no lease hinders, if it stands before a place.
fn first_free(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentRef,
    lane: &Lane<'_>,
    before: Option<(i64, i64)>,
    leases: &mut Leases,
) -> Result<Option<Candidate>> {
    let mut after = START;
    loop {
        let some = store::ready(tx, tenant, lane, after, STEP)?;
        let Some(last) = some.last().map(place) else {
            return Ok(None);
        };
        for task in some {
            if before.is_some_and(|before| place(&task) > before) {
                return Ok(None);
            }
            if leases.leave_free(tx, tenant, agent, &task)? {
                return Ok(Some(task));
            }
        }
        after = last;
    }
}

fn place(task: &Candidate) -> (i64, i64) {
    (task.priority, task.number)
}

fn can_all(agent: &AgentRef, capabilities: &str) -> Result<bool> {
    let needed: Vec<String> = serde_json::from_str(capabilities).map_err(internal)?;
    Ok(needed.iter().all(|one| agent.capabilities.contains(one)))
}

/// The leases of the agent's project, which are read once, where a task has
/// paths at all.
#[derive(Default)]
struct Leases {
    held: Option<(HeldLeases, Room)>,
    /// Whether paths are free: many tasks wait for the same.
    known: HashMap<Vec<String>, bool>,
    /// The first task whose paths are free, and of which there are too many.
    full: Option<(TaskNumber, Error)>,
}

impl Leases {
    fn leave_free(
        &mut self,
        tx: &mut Tx<'_>,
        tenant: &TenantId,
        agent: &AgentRef,
        task: &Candidate,
    ) -> Result<bool> {
        if task.paths.is_empty() {
            return Ok(true);
        }
        if let Some(is_free) = self.known.get(&task.paths) {
            return Ok(*is_free);
        }
        let (held, room) = match self.held.take() {
            Some(known) => known,
            None => {
                let held = HeldLeases::load(tx, tenant, &agent.project)?;
                let room = held.room(tx, tenant, agent)?;
                (held, room)
            }
        };
        let mut is_free = held.hinders(&task.paths, &agent.id).is_none();
        if is_free && let Err(full) = room.check(task.paths.len()) {
            is_free = false;
            self.full.get_or_insert((TaskNumber(task.number), full));
        }
        self.held = Some((held, room));
        self.known.insert(task.paths.clone(), is_free);
        Ok(is_free)
    }
}
