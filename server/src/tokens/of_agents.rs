//! Tokens of registered agents. Each belongs to a generation of its agent, and
//! its first use ends those of earlier generations.

use super::{check, insert, store};
use crate::app::{App, Ctx};
use crate::auth::Caller;
use crate::db::{NewEntry, Outcome, Scope, Tx};
use crate::error::Result;
use crate::ids::{AgentId, Hash, TenantId};
use coro_api::tokens::{NewToken, PrincipalKind, Role};

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
    let caller = &ctx.caller;
    let token = NewToken {
        name: new.name.to_owned(),
        role: Role::Agent,
        kind: Some(PrincipalKind::Agent),
        project: Some(new.project.to_owned()),
        key_prefixes: caller.key_prefixes.clone(),
        expires_in: None,
    };
    check(&token)?;
    store::delete_leftovers(tx, &caller.tenant, new.agent)?;
    let by = caller.actor.clone();
    let info = insert(tx, &caller.tenant, &token, new.token, new.hash, by)?;
    store::set_agent(
        tx,
        &caller.tenant,
        &info.id,
        new.agent,
        new.generation,
        None,
    )?;
    let entry = ctx.audit_entry("coro.token.created", &info.id).note(serde_json::json!({
        "name": info.name, "role": info.role, "project": info.project, "instance_id": new.agent.as_str(),
    }));
    tx.emit(&caller.tenant, entry)?;
    Ok(())
}

/// Makes the caller's own token that of an agent's newest generation.
pub fn bind_to_agent(tx: &mut Tx<'_>, ctx: &Ctx, agent: &AgentId, generation: i64) -> Result<()> {
    let (tenant, id) = (&ctx.caller.tenant, &ctx.caller.token_id);
    let now = tx.now();
    store::set_agent(tx, tenant, id, agent, generation, Some(now))?;
    end_earlier(tx, tenant, &ctx.caller.actor, id, agent, generation)
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

pub fn revoke_tokens_of_agent(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentId) -> Result<()> {
    store::revoke_of_agent(tx, tenant, agent)
}

pub fn delete_tokens_of_agent(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentId) -> Result<()> {
    store::delete_of_agent(tx, tenant, agent)
}

/// The first use of an agent's token: the sessions before it are over.
pub async fn begin_generation(app: &App, caller: &Caller) -> Result<()> {
    let Some(agent) = caller.agent.clone() else {
        return Ok(());
    };
    let (of, id, actor) = (
        caller.tenant.clone(),
        caller.token_id.clone(),
        caller.actor.clone(),
    );
    app.db
        .write(&caller.tenant, move |tx| {
            let now = tx.now();
            store::set_agent(tx, &of, &id, &agent.id, agent.generation, Some(now))?;
            end_earlier(tx, &of, &actor, &id, &agent.id, agent.generation)
        })
        .await?;
    app.tokens.clear();
    Ok(())
}

fn end_earlier(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    actor: &str,
    id: &str,
    agent: &AgentId,
    generation: i64,
) -> Result<()> {
    for old in store::revoke_earlier(tx, tenant, id, agent, generation)? {
        let note = serde_json::json!({ "instance_id": agent.as_str(), "why": "a later generation is in use" });
        let entry = NewEntry {
            topic: "coro.token.revoked".into(),
            actor: actor.to_owned(),
            subject: old,
            project: String::new(),
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
