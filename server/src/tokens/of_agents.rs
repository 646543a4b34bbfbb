//! Tokens of registered agents. Each belongs to a generation of its agent, and
//! its first use ends those of earlier generations.

use std::collections::HashMap;

use coro_api::tokens::{NewToken, PrincipalKind, Role};

use super::{check, insert, store};
use crate::app::{App, Ctx};
use crate::auth::{Caller, revoked};
use crate::db::{NewEntry, Tx};
use crate::error::Result;
use crate::ids::{AgentId, Hash, TenantId};

/// A token that an agent is about to get.
pub struct AgentToken<'a> {
    pub agent: &'a AgentId,
    pub generation: i64,
    pub name: &'a str,
    pub project: &'a str,
    pub token: &'a str,
    pub hash: &'a Hash,
}

/// Issues a token of an agent's newest generation. It may touch what the
/// caller's may, within the project. One that was never used goes, so that an
/// agent has two at most: the one in use, and this.
pub fn issue_to_agent(tx: &mut Tx<'_>, ctx: &Ctx, new: AgentToken<'_>) -> Result<()> {
    let (caller, agent) = (&ctx.caller, new.agent);
    let token = NewToken {
        name: new.name.to_owned(),
        role: Role::Agent,
        kind: Some(PrincipalKind::Agent),
        project: Some(new.project.to_owned()),
        key_prefixes: caller.key_prefixes.clone(),
        expires_in: None,
    };
    check(&token)?;
    let unused = store::unused_of_agent(tx, &caller.tenant, agent)?;
    let why = "it was never used, and another is issued";
    Ending::by(caller, agent, new.project).end(tx, unused, why)?;
    store::delete_ended_of_agent(tx, &caller.tenant, agent)?;
    let by = caller.actor.clone();
    let info = insert(tx, &caller.tenant, &token, new.token, new.hash, by)?;
    store::bind(tx, &caller.tenant, &info.id, agent, new.generation)?;
    let note = serde_json::json!({
        "name": info.name, "role": info.role, "project": info.project,
        "instance_id": agent.as_str(),
    });
    let entry = ctx.entry("coro.token.created", &info.id, new.project);
    tx.emit(&caller.tenant, entry.audit_only().note(note))?;
    Ok(())
}

/// Makes the caller's own token that of an agent's newest generation, in use.
pub fn bind_to_agent(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    agent: &AgentId,
    generation: i64,
    project: &str,
) -> Result<()> {
    let (tenant, id) = (&ctx.caller.tenant, &ctx.caller.token_id);
    store::bind(tx, tenant, id, agent, generation)?;
    store::begin_use(tx, tenant, id, agent, generation)?;
    Ending::by(&ctx.caller, agent, project).end_earlier(tx, id, generation)
}

/// The agent that the caller's token belongs to now, if it belongs to one. What
/// was remembered of the token may be old: one that was revoked meanwhile is
/// refused.
pub fn agent_of_caller(tx: &mut Tx<'_>, caller: &Caller) -> Result<Option<AgentId>> {
    let found = store::agent_of_valid(tx, &caller.tenant, &caller.token_id)?;
    found.ok_or_else(|| revoked(caller))
}

/// The role of each agent: that of the token of its newest generation.
pub fn roles_of_agents(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<HashMap<AgentId, Role>> {
    // In the order of generations, so that the newest is the last word.
    Ok(store::roles_of_agents(tx, tenant)?.into_iter().collect())
}

/// Whether the agent has called with a token of this generation.
pub fn is_generation_used(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
    generation: i64,
) -> Result<bool> {
    store::is_generation_used(tx, tenant, agent, generation)
}

/// Revokes all tokens of an agent.
pub fn revoke_tokens_of_agent(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    actor: &str,
    agent: &AgentId,
    project: &str,
) -> Result<()> {
    let all = store::valid_of_agent(tx, tenant, agent, i64::MAX)?;
    let ending = Ending {
        tenant,
        actor,
        agent,
        project,
    };
    ending.end(tx, all, "the agent was ended")
}

pub fn delete_tokens_of_agent(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentId) -> Result<()> {
    store::delete_of_agent(tx, tenant, agent)
}

/// The first use of an agent's token: the sessions before it are over.
pub async fn begin_generation(app: &App, caller: &Caller) -> Result<()> {
    let Some(agent) = caller.agent.clone() else {
        return Ok(());
    };
    let (of, caller_of) = (caller.tenant.clone(), caller.clone());
    app.db
        .write(&caller.tenant, move |tx| {
            let id = &caller_of.token_id;
            // Another call may have begun it, or another token replaced this.
            if !store::begin_use(tx, &of, id, &agent.id, agent.generation)? {
                return Ok(());
            }
            let project = caller_of.project.as_deref().unwrap_or_default();
            Ending::by(&caller_of, &agent.id, project).end_earlier(tx, id, agent.generation)
        })
        .await?;
    app.tokens.clear();
    Ok(())
}

/// Whose tokens end, and who ends them.
struct Ending<'a> {
    tenant: &'a TenantId,
    actor: &'a str,
    agent: &'a AgentId,
    project: &'a str,
}

impl<'a> Ending<'a> {
    fn by(caller: &'a Caller, agent: &'a AgentId, project: &'a str) -> Self {
        Ending {
            tenant: &caller.tenant,
            actor: &caller.actor,
            agent,
            project,
        }
    }

    /// Revokes the agent's tokens up to a generation, but for the one with this
    /// id.
    fn end_earlier(&self, tx: &mut Tx<'_>, id: &str, generation: i64) -> Result<()> {
        let mut earlier = store::valid_of_agent(tx, self.tenant, self.agent, generation)?;
        earlier.retain(|other| other != id);
        self.end(tx, earlier, "a later registration is in use")
    }

    fn end(&self, tx: &mut Tx<'_>, ids: Vec<String>, why: &str) -> Result<()> {
        for id in ids {
            store::revoke(tx, self.tenant, &id)?;
            let note = serde_json::json!({ "instance_id": self.agent.as_str(), "why": why });
            let entry = NewEntry::new("coro.token.revoked", self.actor, &id, self.project);
            tx.emit(self.tenant, entry.audit_only().note(note))?;
        }
        Ok(())
    }
}
