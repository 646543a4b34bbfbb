//! Tokens of registered agents. Each belongs to a generation of its agent, and
//! its first use ends those of earlier generations.

use std::collections::HashMap;

use coro_api::tokens::{NewToken, PrincipalKind, Role};

use super::{check, insert, store};
use crate::app::{App, Ctx};
use crate::auth::{Caller, revoked};
use crate::db::{NewEntry, Outcome, Scope, Tx};
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
    end(
        tx,
        &caller.tenant,
        &caller.actor,
        agent,
        new.project,
        unused,
        why,
    )?;
    store::delete_ended_of_agent(tx, &caller.tenant, agent)?;
    let by = caller.actor.clone();
    let info = insert(tx, &caller.tenant, &token, new.token, new.hash, by)?;
    store::bind(tx, &caller.tenant, &info.id, agent, new.generation)?;
    let note = serde_json::json!({
        "name": info.name, "role": info.role, "project": info.project,
        "instance_id": agent.as_str(),
    });
    let entry = NewEntry {
        project: new.project.to_owned(),
        ..ctx.audit_entry("coro.token.created", &info.id).note(note)
    };
    tx.emit(&caller.tenant, entry)?;
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
    end_earlier(
        tx,
        tenant,
        &ctx.caller.actor,
        id,
        agent,
        generation,
        project,
    )
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
    end(
        tx,
        tenant,
        actor,
        agent,
        project,
        all,
        "the agent was ended",
    )
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
            let actor = &caller_of.actor;
            end_earlier(tx, &of, actor, id, &agent.id, agent.generation, project)
        })
        .await?;
    app.tokens.clear();
    Ok(())
}

/// Revokes the other tokens of an agent up to a generation.
fn end_earlier(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    actor: &str,
    id: &str,
    agent: &AgentId,
    generation: i64,
    project: &str,
) -> Result<()> {
    let mut earlier = store::valid_of_agent(tx, tenant, agent, generation)?;
    earlier.retain(|other| other != id);
    let why = "a later registration is in use";
    end(tx, tenant, actor, agent, project, earlier, why)
}

fn end(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    actor: &str,
    agent: &AgentId,
    project: &str,
    ids: Vec<String>,
    why: &str,
) -> Result<()> {
    for id in ids {
        store::revoke(tx, tenant, &id)?;
        let note = serde_json::json!({ "instance_id": agent.as_str(), "why": why });
        let entry = NewEntry {
            topic: "coro.token.revoked".into(),
            actor: actor.to_owned(),
            subject: id,
            project: project.to_owned(),
            scope: Scope::Audit,
            outcome: Outcome::Success,
            payload: None,
            note: Some(note.to_string()),
            traceparent: None,
        };
        tx.emit(tenant, entry)?;
    }
    Ok(())
}
