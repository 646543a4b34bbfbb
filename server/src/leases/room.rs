//! How many more leases a project takes, and an agent.

use coro_api::limits::{LEASES_OF_AGENT_MAX, LEASES_OF_PROJECT_MAX};

use super::queue::Queue;
use super::store;
use crate::agents::AgentRef;
use crate::db::Tx;
use crate::error::{Error, Result, conflict};
use crate::ids::TenantId;

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
        check_project(self.of_project, more)?;
        if self.of_agent.saturating_add(more) <= LEASES_OF_AGENT_MAX {
            return Ok(());
        }
        let (name, leases) = (&self.name, self.of_agent);
        Err(full(format!(
            "{name:?} has {leases} leases; an agent takes {LEASES_OF_AGENT_MAX}"
        )))
    }
}

/// A project does not grow without end.
pub(super) fn check_project(leases: usize, more: usize) -> Result<()> {
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
