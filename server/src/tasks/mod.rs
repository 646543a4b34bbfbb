//! Tasks: units of work in a queue that any agent may claim.

pub mod routes;

use coro_api::numbers::TaskNumber;

use crate::agents::AgentRef;
use crate::db::Tx;
use crate::error::Result;
use crate::ids::{AgentId, TenantId};

/// A task in a line.
#[derive(Clone, Debug)]
pub struct TaskBrief {
    pub number: TaskNumber,
    pub title: String,
}

/// The task that an agent has claimed, if it has.
pub fn claimed_by(
    _tx: &mut Tx<'_>,
    _tenant: &TenantId,
    _agent: &AgentId,
) -> Result<Option<TaskBrief>> {
    Ok(None)
}

/// The task that `next` would give the agent, which is not claimed by this.
pub fn best_for(
    _tx: &mut Tx<'_>,
    _tenant: &TenantId,
    _agent: &AgentRef,
) -> Result<Option<TaskBrief>> {
    Ok(None)
}

/// Puts the tasks of an agent that has ended back into the queue.
pub fn agent_ended(_tx: &mut Tx<'_>, _tenant: &TenantId, _agent: &AgentId) -> Result<()> {
    Ok(())
}
