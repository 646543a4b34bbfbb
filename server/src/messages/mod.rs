//! Messages: from one to an agent, a role or a project, with a receipt for
//! each recipient.

pub mod routes;

use coro_api::numbers::MessageNumber;

use crate::db::Tx;
use crate::error::Result;
use crate::ids::{AgentId, TenantId};

/// What an agent has not seen yet, ready for a model to read.
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    /// Each message with its text: labelled, and cut to the budget.
    pub messages: Vec<(MessageNumber, String)>,
    /// How many more wait for the next call.
    pub more: usize,
    /// Those among the unread that hold the agent until it answers or
    /// acknowledges them.
    pub blocking: Vec<MessageNumber>,
}

/// Hands an agent what is new, by its hook. What was shown is confirmed with
/// the next call (`shown`); until then it is handed out again, and the hook
/// drops what it has shown already. Where the hook keeps no list (`None`),
/// what is handed out counts as delivered.
pub fn deliver(
    _tx: &mut Tx<'_>,
    _tenant: &TenantId,
    _agent: &AgentId,
    _shown: Option<&[MessageNumber]>,
) -> Result<Delivery> {
    Ok(Delivery::default())
}

/// Whether something is there that [`deliver`] would hand out.
pub fn has_undelivered(_tx: &mut Tx<'_>, _tenant: &TenantId, _agent: &AgentId) -> Result<bool> {
    Ok(false)
}

/// How many messages an agent has not read.
pub fn count_unread(_tx: &mut Tx<'_>, _tenant: &TenantId, _agent: &AgentId) -> Result<i64> {
    Ok(0)
}

/// How many messages the agents of a project, or of all, have not read; agents
/// that have read all are left out.
pub fn unread_of_agents(
    _tx: &mut Tx<'_>,
    _tenant: &TenantId,
    _project: Option<&str>,
) -> Result<Vec<(AgentId, i64)>> {
    Ok(Vec::new())
}

/// Returns what an agent that has ended did not read to whoever sent it.
pub fn agent_ended(_tx: &mut Tx<'_>, _tenant: &TenantId, _agent: &AgentId) -> Result<()> {
    Ok(())
}
