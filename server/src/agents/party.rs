//! Agents as other domains know them: who claims, holds and is written to.

use coro_api::agents::AgentStatus;
use coro_api::tokens::PrincipalKind;

use super::{AgentRow, activate, check_acts_for, find_row, sort_by_life, store};
use crate::app::Ctx;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Result, conflict, not_found};
use crate::ids::{AgentId, TenantId};
use crate::{leases, messages, tasks};

/// A registered agent, with what decides what it may have.
#[derive(Clone, Debug)]
pub struct AgentRef {
    pub id: AgentId,
    pub name: String,
    pub project: String,
    /// The registration that acts. Another one is another session of it.
    pub generation: i64,
    pub capabilities: Vec<String>,
    pub status: AgentStatus,
}

impl From<AgentRow> for AgentRef {
    fn from(agent: AgentRow) -> AgentRef {
        AgentRef {
            id: agent.id,
            name: agent.name,
            project: agent.project,
            generation: agent.generation,
            capabilities: agent.capabilities,
            status: agent.status,
        }
    }
}

/// The agent that calls, in the generation of its token; `None` for a caller
/// that is no agent or has not registered. One that has ended is refused.
pub fn caller_agent(tx: &mut Tx<'_>, ctx: &Ctx) -> Result<Option<AgentRef>> {
    let Some(own) = &ctx.caller.agent else {
        return Ok(None);
    };
    let row = find_row(tx, ctx, own.id.as_str())?;
    check_acts_for(ctx, &row)?;
    Ok(Some(AgentRef {
        generation: own.generation,
        ..row.into()
    }))
}

/// As [`caller_agent`], for what only an agent can do.
pub fn require_agent(tx: &mut Tx<'_>, ctx: &Ctx) -> Result<AgentRef> {
    let register = "register first with coro-cli register NAME, and call with the agent's token";
    caller_agent(tx, ctx)?.ok_or_else(|| {
        let hint = match ctx.caller.kind {
            PrincipalKind::Human => format!(
                "to look, say coro-cli tasks list, messages list or leases list; to do an agent's \
                 work {register}"
            ),
            _ => register.to_owned(),
        };
        conflict("this token belongs to no registered agent").hint(hint)
    })
}

/// The agent of this name that has not ended, in a project that the caller
/// sees.
pub fn agent_named(tx: &mut Tx<'_>, ctx: &Ctx, project: &str, name: &str) -> Result<AgentRef> {
    let found = match ctx.caller.sees_project(project) {
        true => store::find_by_name(tx, &ctx.caller.tenant, project, name)?,
        false => None,
    };
    let agent = found.ok_or_else(|| {
        not_found("agent", &format!("{name} in the project {project:?}")).hint(
            match ctx.caller.project {
                Some(_) => "list those of the project: coro-cli instances list",
                None => "name its project with --project; coro-cli instances list has all agents",
            },
        )
    })?;
    if agent.has_ended() {
        return Err(conflict(format!("the agent {name:?} has ended"))
            .hint("it comes back by registering again"));
    }
    Ok(agent.into())
}

/// Whether an agent has this name; one that has ended keeps it, and may come
/// back at any time.
pub fn is_registered(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: &str,
    name: &str,
) -> Result<bool> {
    Ok(store::find_by_name(tx, tenant, project, name)?.is_some())
}

/// An agent that takes work has shown that its surroundings work, whether it
/// said so before or not.
pub fn has_begun_work(tx: &mut Tx<'_>, ctx: &Ctx, agent: &AgentRef) -> Result<()> {
    if agent.status == AgentStatus::Active {
        return Ok(());
    }
    match store::find(tx, &ctx.caller.tenant, &agent.id)? {
        // A stale one that was activated comes back as it was.
        Some(mut row) if !row.activated && row.generation == agent.generation => {
            activate(tx, ctx, &mut row)
        }
        _ => Ok(()),
    }
}

/// The agent of an id, whatever became of it; `None` for one that is forgotten.
pub fn find_agent(tx: &mut Tx<'_>, tenant: &TenantId, id: &AgentId) -> Result<Option<AgentRef>> {
    let found = store::find(tx, tenant, id)?;
    Ok(found.map(AgentRef::from))
}

/// The agent of an id, where it has not ended.
pub fn living_agent(tx: &mut Tx<'_>, tenant: &TenantId, id: &AgentId) -> Result<Option<AgentRef>> {
    let found = store::find(tx, tenant, id)?;
    Ok(found.filter(|agent| !agent.has_ended()).map(AgentRef::from))
}

/// The agents of a project that have not ended.
pub fn living_agents(tx: &mut Tx<'_>, tenant: &TenantId, project: &str) -> Result<Vec<AgentRef>> {
    let all = store::list(tx, tenant, Some(project))?;
    let living = all.into_iter().filter(|agent| !agent.has_ended());
    Ok(living.map(AgentRef::from).collect())
}

/// An agent as whoever looks at a project sees it.
#[derive(Clone, Debug)]
pub struct SeenAgent {
    pub id: AgentId,
    pub name: String,
    pub project: String,
    pub status: AgentStatus,
    pub intent: String,
    pub last_seen: Time,
}

/// The agents of a project, or of all, that have not ended: the one heard of
/// last first.
pub fn seen_agents(tx: &mut Tx<'_>, ctx: &Ctx, project: Option<&str>) -> Result<Vec<SeenAgent>> {
    let all = store::list(tx, &ctx.caller.tenant, project)?.into_iter();
    let mut living: Vec<AgentRow> = all
        .filter(|agent| !agent.has_ended())
        .map(|agent| agent.with_life(ctx))
        .collect();
    sort_by_life(&mut living);
    let seen = living.into_iter().map(|agent| SeenAgent {
        id: agent.id,
        name: agent.name,
        project: agent.project,
        status: agent.status,
        intent: agent.intent,
        last_seen: agent.last_seen,
    });
    Ok(seen.collect())
}

/// The project that a call is about: the one that it names, else that of the
/// token, else that of the agent that calls, else `default`.
pub fn project_for(tx: &mut Tx<'_>, ctx: &Ctx, named: Option<&str>) -> Result<String> {
    if named.is_none_or(str::is_empty)
        && ctx.caller.project.is_none()
        && let Some(agent) = caller_agent(tx, ctx)?
    {
        return Ok(agent.project);
    }
    ctx.caller.project_for(named.map(str::to_owned))
}

/// Takes from an agent that has ended what it held, and returns what it did
/// not read. A domain that gives agents something has a line here.
pub(super) fn release_all(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentId) -> Result<()> {
    // First: what its tasks give back is nothing for its own places in line.
    leases::agent_ended(tx, tenant, agent)?;
    tasks::agent_ended(tx, tenant, agent)?;
    messages::agent_ended(tx, tenant, agent)
}
