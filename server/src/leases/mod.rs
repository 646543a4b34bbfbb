//! Leases: claims on path patterns and on free names of a project.

pub mod pattern;
pub mod routes;

use coro_api::numbers::{LeaseNumber, TaskNumber};

use crate::agents::AgentRef;
use crate::app::Ctx;
use crate::db::Tx;
use crate::error::Result;
use crate::ids::{AgentId, TenantId};

/// What stands in the way of an edit or of a claim.
#[derive(Clone, Debug)]
pub struct Hindrance {
    pub lease: LeaseNumber,
    /// The pattern or name that is leased.
    pub pattern: String,
    /// The name of the agent that holds it; empty for a protected path.
    pub holder: String,
    pub reason: String,
    /// A path that both take, where one is known.
    pub witness: Option<String>,
}

/// The leases of a project that are held now, read once for many questions.
pub struct HeldLeases {}

impl HeldLeases {
    pub fn load(_tx: &mut Tx<'_>, _tenant: &TenantId, _project: &str) -> Result<HeldLeases> {
        Ok(HeldLeases {})
    }

    /// What of others overlaps one of the patterns. Patterns that can't be
    /// parsed overlap nothing: they were checked when they came.
    pub fn hinders(&self, _patterns: &[String], _agent: &AgentId) -> Option<Hindrance> {
        None
    }
}

/// Refuses patterns that can't be leased.
pub fn check_patterns(_patterns: &[String]) -> Result<()> {
    Ok(())
}

/// Leases the paths of a task to the agent that claims it, for as long as the
/// claim holds. Refused with a conflict where others hold some of them.
pub fn take_for_task(
    _tx: &mut Tx<'_>,
    _ctx: &Ctx,
    _agent: &AgentRef,
    _task: TaskNumber,
    _patterns: &[String],
) -> Result<()> {
    Ok(())
}

/// Ends the leases of a task's claim.
pub fn release_of_task(_tx: &mut Tx<'_>, _tenant: &TenantId, _task: TaskNumber) -> Result<()> {
    Ok(())
}

/// Ends what an agent held that has ended.
pub fn agent_ended(_tx: &mut Tx<'_>, _tenant: &TenantId, _agent: &AgentId) -> Result<()> {
    Ok(())
}

/// Lets an agent edit under another's lease for a while: a human decided so.
pub fn override_lease(
    _tx: &mut Tx<'_>,
    _ctx: &Ctx,
    _lease: LeaseNumber,
    _agent: &AgentId,
) -> Result<()> {
    Ok(())
}
