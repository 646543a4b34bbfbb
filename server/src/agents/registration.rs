//! Registering an agent.
//!
//! A registration makes the agent or continues it, as the next generation.
//! The answer holds a token of that generation, except where the caller's
//! token is the agent's already. The token of the generation before works
//! until the new one is used for the first time: an answer that was lost has
//! locked nobody out.
//!
//! Who may register what:
//! - an agent's own token continues that agent, alive or not;
//! - a token of role `agent` that the owner made becomes the token of the
//!   agent of its name; so does one of role `controller` and kind `agent`;
//! - an `enrol` token registers names that were never registered;
//! - owner, controllers and runners register any name of their project.
//!
//! A name that is alive answers `409` to all but its own token, unless it is
//! taken over.
//!
//! A repetition of a request (same idempotency key, or tool-use id, of the
//! same principal) continues nothing: it answers again for the generation that
//! the first one made, with another token as long as that was not used.

use std::sync::atomic::Ordering;

use coro_api::agents::{AgentStatus, NewAgent, RegisteredAgent};
use coro_api::limits::{AGENTS_MAX, AGENTS_OF_PROJECT_MAX, INTENT_BYTES_MAX};
use coro_api::names::{check_name, check_prose, check_text};
use coro_api::tokens::{PrincipalKind, Role};
use serde_json::json;

use super::{AgentRow, RegisteredWith, check_capabilities, emit, heard_of, liveness, store};
use crate::app::Ctx;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result, conflict, forbidden, internal, invalid};
use crate::ids::{AgentId, Hash, Secret, TenantId, token_id};
use crate::tokens::{self, AgentToken};

pub async fn register_agent(ctx: &Ctx, mut new: NewAgent) -> Result<RegisteredAgent> {
    let project = ctx.caller.project_for(new.project.take())?;
    check(&new)?;
    let secret = Secret::generate().map_err(internal)?;
    let made = Made {
        agent: AgentId::generate(),
        token: token_id(),
        hash: secret.hash(),
        request: request_of(ctx),
    };
    let (job_ctx, tenant) = (ctx.clone(), ctx.caller.tenant.clone());
    let job = move |tx: &mut Tx<'_>| register(tx, &job_ctx, &project, &new, &made);
    let (agent, issued) = ctx.app.db.write(&tenant, job).await?;
    // Tokens have changed hands.
    ctx.app.tokens.clear();
    heard_of(ctx, &agent.id);
    Ok(RegisteredAgent {
        agent: agent.shown(),
        token: issued.then(|| secret.reveal().to_owned()),
    })
}

/// What is made outside of the transaction, which may run more than once.
struct Made {
    agent: AgentId,
    token: String,
    hash: Hash,
    request: Option<RegisteredWith>,
}

/// What a caller may do with a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Its token is the agent's, or becomes it.
    AsItself,
    /// It gets a token for the agent.
    ForAnother,
}

/// Registers, and tells whether a token was issued.
fn register(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    project: &str,
    new: &NewAgent,
    made: &Made,
) -> Result<(AgentRow, bool)> {
    let tenant = &ctx.caller.tenant;
    let found = store::find_by_name(tx, tenant, project, &new.name)?;
    let found = found.map(|agent| agent.with_life(ctx));
    // Not as the caller was remembered: another call may have bound its token.
    let own = tokens::agent_of_caller(tx, &ctx.caller)?;
    let way = way_of(ctx, own.as_ref(), project, new, found.as_ref())?;
    if let (Some(agent), Some(request)) = (&found, &made.request)
        && let Some(before) = &agent.registered_with
        && before.key == request.key
    {
        if before.content != request.content {
            return Err(Error::new(
                Reason::IdempotencyMismatch,
                format!(
                    "this idempotency key registered {:?} with other fields",
                    new.name
                ),
            )
            .hint("use a new key for a new request"));
        }
        ctx.request.replayed.store(true, Ordering::Relaxed);
        return match way {
            Way::AsItself => Ok((agent.clone(), false)),
            Way::ForAnother => answer_again(tx, ctx, agent, made),
        };
    }
    // A token that is the agent's continues it; any other waits its turn.
    if own.is_none() {
        check_free(tx, ctx, new, found.as_ref())?;
    }
    let agent = match found {
        Some(agent) => {
            let agent = continued(agent, new, made, tx.now());
            store::update(tx, tenant, &agent)?;
            agent
        }
        None => {
            make_room(tx, tenant, project)?;
            let agent = begun(project, new, made, tx.now());
            store::insert(tx, tenant, &agent)?;
            agent
        }
    };
    match way {
        Way::AsItself => {
            tokens::bind_to_agent(tx, ctx, &agent.id, agent.generation, &agent.project)?;
        }
        Way::ForAnother => issue(tx, ctx, &agent, made)?,
    }
    let more = json!({ "generation": agent.generation, "intent": agent.intent });
    emit(tx, ctx, "coro.agent.registered", &agent, more)?;
    Ok((agent, way == Way::ForAnother))
}

/// Refuses one agent too many. Those that have ended give way first, the one
/// that ended longest ago before the others.
fn make_room(tx: &mut Tx<'_>, tenant: &TenantId, project: &str) -> Result<()> {
    let of_project = store::count(tx, tenant, Some(project))?;
    let of_tenant = store::count(tx, tenant, None)?;
    let (what, bound, count, within) = if of_project >= AGENTS_OF_PROJECT_MAX {
        ("project", AGENTS_OF_PROJECT_MAX, of_project, Some(project))
    } else {
        ("tenant", AGENTS_MAX, of_tenant, None)
    };
    if count < bound {
        return Ok(());
    }
    match store::longest_ended(tx, tenant, within)? {
        Some(ended) => liveness::forget(tx, tenant, &ended),
        None => Err(conflict(format!("the {what} has {bound} agents already"))
            .hint("deregister those that are not needed, and register again")),
    }
}

/// Answers a repeated request: the agent as it is, with a token in place of
/// the one that was lost.
fn answer_again(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    agent: &AgentRow,
    made: &Made,
) -> Result<(AgentRow, bool)> {
    if agent.has_ended() {
        return Err(conflict(format!(
            "this request registered {:?} before, and the agent has ended since",
            agent.name
        ))
        .hint("register again with a new idempotency key"));
    }
    if tokens::is_generation_used(tx, &ctx.caller.tenant, &agent.id, agent.generation)? {
        return Err(conflict(format!(
            "this request registered {:?} before, and its token is in use",
            agent.name
        ))
        .hint("use that token, or register again with \"takeover\": true"));
    }
    issue(tx, ctx, agent, made)?;
    Ok((agent.clone(), true))
}

fn issue(tx: &mut Tx<'_>, ctx: &Ctx, agent: &AgentRow, made: &Made) -> Result<()> {
    tokens::issue_to_agent(
        tx,
        ctx,
        AgentToken {
            agent: &agent.id,
            generation: agent.generation,
            name: &agent.name,
            project: &agent.project,
            token: &made.token,
            hash: &made.hash,
        },
    )
}

fn way_of(
    ctx: &Ctx,
    own: Option<&AgentId>,
    project: &str,
    new: &NewAgent,
    found: Option<&AgentRow>,
) -> Result<Way> {
    let caller = &ctx.caller;
    if let Some(own) = own {
        return match found {
            Some(agent) if agent.id == *own => Ok(Way::AsItself),
            _ => Err(forbidden(format!(
                "this token is the agent {:?}'s, and registers no other",
                caller.name
            ))
            .hint("register another agent with a token of role enrol")),
        };
    }
    let is_agent = caller.role == Role::Agent && caller.kind == PrincipalKind::Agent;
    match caller.role {
        Role::Agent if !is_agent || caller.name != new.name => Err(forbidden(format!(
            "this token is {:?}'s, and registers no other name than that",
            caller.name
        ))
        .hint(format!("register with the name {:?}", caller.name))),
        // Without a project of its own it could become any project's agent.
        Role::Agent if found.is_some() && caller.project.as_deref() != Some(project) => {
            Err(taken(new, "register it with a token of its project"))
        }
        Role::Agent => Ok(Way::AsItself),
        // An agent that leads: whoever writes to the controllers reaches it.
        Role::Controller
            if caller.kind == PrincipalKind::Agent
                && caller.name == new.name
                && (found.is_none() || caller.project.as_deref() == Some(project)) =>
        {
            Ok(Way::AsItself)
        }
        Role::Enrol if found.is_some() && !is_repetition(ctx, found) => Err(taken(
            new,
            "take another name, call with the agent's own token, or ask the owner to register it; a \
             token of role enrol registers new names only",
        )),
        Role::Viewer => Err(forbidden(
            "a token of role viewer may not register an agent",
        )),
        _ => Ok(Way::ForAnother),
    }
}

fn is_repetition(ctx: &Ctx, found: Option<&AgentRow>) -> bool {
    let before = found.and_then(|agent| agent.registered_with.as_ref());
    match (request_of(ctx), before) {
        (Some(request), Some(before)) => request.key == before.key,
        _ => false,
    }
}

/// A name that is alive belongs to whoever is alive under it.
fn check_free(tx: &mut Tx<'_>, ctx: &Ctx, new: &NewAgent, found: Option<&AgentRow>) -> Result<()> {
    let Some(agent) = found.filter(|_| !new.takeover) else {
        return Ok(());
    };
    let is_heard_of = matches!(agent.status, AgentStatus::Pending | AgentStatus::Active);
    let silent_for = agent.last_seen.seconds_until(tx.now());
    if !is_heard_of || silent_for >= ctx.app.config.liveness.stale_after_seconds {
        return Ok(());
    }
    Err(conflict(format!(
        "the agent {:?} is alive: it called {silent_for} seconds ago",
        new.name
    ))
    .hint("take another name; or, where it is you after a restart, register with takeover true"))
}

fn taken(new: &NewAgent, hint: &str) -> crate::error::Error {
    conflict(format!("the agent {:?} is registered already", new.name)).hint(hint)
}

fn begun(project: &str, new: &NewAgent, made: &Made, now: Time) -> AgentRow {
    AgentRow {
        id: made.agent.clone(),
        project: project.to_owned(),
        name: new.name.clone(),
        workspace: new.workspace.clone(),
        intent: new.intent.clone(),
        stack: new.stack.clone(),
        capabilities: new.capabilities.clone(),
        client: new.client.clone(),
        client_version: new.client_version.clone(),
        status: AgentStatus::Pending,
        activated: false,
        generation: 1,
        registered_at: now,
        registered_with: made.request.clone(),
        last_seen: now,
    }
}

/// The agent as its next generation. What the call leaves empty stays.
fn continued(mut agent: AgentRow, new: &NewAgent, made: &Made, now: Time) -> AgentRow {
    for (old, new) in [
        (&mut agent.workspace, &new.workspace),
        (&mut agent.intent, &new.intent),
        (&mut agent.stack, &new.stack),
        (&mut agent.client, &new.client),
        (&mut agent.client_version, &new.client_version),
    ] {
        if !new.is_empty() {
            old.clone_from(new);
        }
    }
    if !new.capabilities.is_empty() {
        agent.capabilities.clone_from(&new.capabilities);
    }
    agent.status = AgentStatus::Pending;
    agent.activated = false;
    agent.generation += 1;
    agent.registered_at = now;
    agent.registered_with.clone_from(&made.request);
    agent.last_seen = now;
    agent
}

fn check(new: &NewAgent) -> Result<()> {
    check_name("name", &new.name)?;
    if new.name == "coro" || new.name == coro_api::agents::OWN {
        return Err(invalid(format!(
            "the name {:?} has a meaning of its own; take another",
            new.name
        )));
    }
    for (what, text) in [
        ("workspace", &new.workspace),
        ("stack", &new.stack),
        ("client", &new.client),
        ("client version", &new.client_version),
    ] {
        if !text.is_empty() {
            check_text(what, text)?;
        }
    }
    check_prose("intent", &new.intent, INTENT_BYTES_MAX)?;
    check_capabilities(&new.capabilities)
}

/// Which request this is, for whoever may repeat it.
fn request_of(ctx: &Ctx) -> Option<RegisteredWith> {
    let once = ctx.request.once.as_ref()?;
    let key = format!("{}\n{}", ctx.caller.token_id, once.key);
    Some(RegisteredWith {
        key: Hash::of(key.as_bytes()),
        content: once.fingerprint,
    })
}
