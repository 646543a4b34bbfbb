//! How many more leases a project takes, and an agent; and how many more may
//! wait.

use coro_api::limits::{LEASES_OF_AGENT_MAX, LEASES_OF_PROJECT_MAX};

use super::queue::Queue;
use super::{LeaseRow, store};
use crate::agents::AgentRef;
use crate::db::Tx;
use crate::error::{Error, Result, conflict};
use crate::ids::TenantId;

/// The most that wait in a project. Each end of a lease looks at all of them.
const WAITING_MAX: usize = 100;

/// The most of them that are one agent's.
const WAITING_OF_AGENT_MAX: usize = 20;

/// What an agent may take yet in a project.
#[derive(Clone, Debug)]
pub struct Room {
    of_project: usize,
    /// In all projects together.
    of_agent: usize,
    name: String,
}

impl Room {
    pub(super) fn of(
        tx: &mut Tx<'_>,
        tenant: &TenantId,
        queue: &Queue,
        agent: &AgentRef,
    ) -> Result<Room> {
        let now = tx.now();
        let of_agent = store::count_of_agent(tx, tenant, &agent.id, now)?;
        Ok(Room {
            of_project: queue.count_living(),
            of_agent: usize::try_from(of_agent).unwrap_or(usize::MAX),
            name: agent.name.clone(),
        })
    }

    /// Refuses more than there is room for.
    pub fn check(&self, more: usize) -> Result<()> {
        check_count(self.of_project, more)?;
        if self.of_agent.saturating_add(more) <= LEASES_OF_AGENT_MAX {
            return Ok(());
        }
        let (name, leases) = (&self.name, self.of_agent);
        Err(full(format!(
            "{name:?} has {leases} leases; an agent takes {LEASES_OF_AGENT_MAX}"
        )))
    }
}

/// A project does not grow without end, whoever takes more.
pub(super) fn check_project(queue: &Queue, more: usize) -> Result<()> {
    check_count(queue.count_living(), more)
}

/// Refuses a place in line where too many wait already.
pub(super) fn check_line(queue: &Queue, place: &LeaseRow) -> Result<()> {
    let waiting = || queue.rows.iter().filter(|row| !row.is_held());
    let own = waiting().filter(|row| row.agent == place.agent).count();
    if own >= WAITING_OF_AGENT_MAX {
        return Err(conflict(format!(
            "{:?} waits for {own} leases already; an agent waits for {WAITING_OF_AGENT_MAX}",
            place.holder
        ))
        .hint("release a place that you no longer need, or lease a folder in place of its files"));
    }
    let waiting = waiting().count();
    if waiting >= WAITING_MAX {
        return Err(conflict(format!(
            "{waiting} leases are waited for in the project {:?} already",
            place.project
        ))
        .hint("come back later, or take a narrower pattern"));
    }
    Ok(())
}

fn check_count(leases: usize, more: usize) -> Result<()> {
    if leases.saturating_add(more) <= LEASES_OF_PROJECT_MAX {
        return Ok(());
    }
    Err(full(format!(
        "the project has {leases} leases; it takes {LEASES_OF_PROJECT_MAX}"
    )))
}

fn full(message: String) -> Error {
    conflict(message)
        .hint("release those that nobody needs, or lease a folder in place of its files")
}
