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
    /// The messages that the text shows, so that they can be confirmed.
    pub numbers: Vec<MessageNumber>,
    /// Labelled, cut to the budget; empty where nothing is new.
    pub text: String,
    /// Those among the unread that hold the agent until it answers or
    /// acknowledges them.
    pub blocking: Vec<MessageNumber>,
}

/// Hands an agent what is new, by its hook. What was shown is confirmed with
/// the next call (`shown`); until then it is handed out again, and the hook
/// drops what it has shown already.
pub fn deliver(
    _tx: &mut Tx<'_>,
    _tenant: &TenantId,
    _agent: &AgentId,
    _shown: &[MessageNumber],
) -> Result<Delivery> {
    Ok(Delivery::default())
}

/// How many messages an agent has not read.
pub fn count_unread(_tx: &mut Tx<'_>, _tenant: &TenantId, _agent: &AgentId) -> Result<i64> {
    Ok(0)
}

/// Returns what an agent that has ended did not read to whoever sent it.
pub fn agent_ended(_tx: &mut Tx<'_>, _tenant: &TenantId, _agent: &AgentId) -> Result<()> {
    Ok(())
}
