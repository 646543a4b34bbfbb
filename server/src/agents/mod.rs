//! Agents: who is registered, what each is doing, and who is alive.
//!
//! An agent is identified by its project and name. Registering it again
//! continues it with the next generation ([`registration`]), so there is one
//! row for each name, however often its client starts. Every authenticated
//! call of an agent proves that it lives ([`liveness`]): that is kept in memory
//! and written in batches, and an agent that is silent becomes stale, later
//! ended, and is forgotten at last.
//!
//! An agent acts for itself; the owner and the controllers of its project may
//! act for it. One that has ended says nothing of itself until it registers
//! again; its token still reads and writes what it may.

pub mod liveness;
mod party;
mod registration;
pub mod routes;
mod store;
pub mod tools;

use coro_api::agents::{
    ActivatedAgent, Agent, AgentStatus, Capabilities, Deregistered, Intent, OWN,
};
use coro_api::limits::{CAPABILITIES_BYTES_MAX, CAPABILITIES_MAX, INTENT_BYTES_MAX};
use coro_api::names::{check_prose, check_text};
use coro_api::tokens::Role;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use party::{
    AgentRef, SeenAgent, agent_named, caller_agent, find_agent, has_begun_work, is_registered,
    living_agent, living_agents, project_for, require_agent, seen_agents,
};
pub use registration::register_agent;

use crate::app::Ctx;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Result, conflict, forbidden, invalid, not_found};
use crate::ids::{AgentId, Hash};
use crate::tokens;

/// An agent as it is stored.
#[derive(Clone, Debug)]
struct AgentRow {
    id: AgentId,
    project: String,
    name: String,
    workspace: String,
    intent: String,
    stack: String,
    capabilities: Vec<String>,
    client: String,
    client_version: String,
    status: AgentStatus,
    /// Whether this generation has been activated: what a stale agent comes
    /// back as.
    activated: bool,
    generation: i64,
    registered_at: Time,
    /// Which request made this generation, where it can be repeated.
    registered_with: Option<RegisteredWith>,
    last_seen: Time,
}

impl AgentRow {
    /// With what was heard of the agent and is not written yet.
    fn with_life(mut self, ctx: &Ctx) -> AgentRow {
        let tenant = &ctx.caller.tenant;
        if let Some(seen) = ctx.app.liveness.unwritten_sign(tenant, &self.id)
            && self.status != AgentStatus::Ended
        {
            self.last_seen = self.last_seen.max(seen);
            self.status = self.status_when_heard();
        }
        self
    }

    /// What the agent is when it has just called.
    fn status_when_heard(&self) -> AgentStatus {
        self.status.when_heard(self.activated)
    }

    fn shown(&self) -> Agent {
        Agent {
            id: self.id.to_string(),
            project: self.project.clone(),
            name: self.name.clone(),
            workspace: self.workspace.clone(),
            intent: self.intent.clone(),
            stack: self.stack.clone(),
            capabilities: self.capabilities.clone(),
            status: self.status,
            generation: self.generation,
            client: self.client.clone(),
            client_version: self.client_version.clone(),
            registered_at: self.registered_at.to_string(),
            last_seen: self.last_seen.to_string(),
        }
    }

    /// What an event tells of the agent, as Koor does.
    fn event_data(&self) -> Value {
        json!({
            "instance_id": self.id.as_str(),
            "name": self.name,
            "workspace": self.workspace,
            "stack": self.stack,
            "last_seen": self.last_seen.to_string(),
        })
    }

    fn has_ended(&self) -> bool {
        self.status == AgentStatus::Ended
    }
}

/// The request that registered a generation.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RegisteredWith {
    /// Hash of the idempotency key and of whose it is.
    key: Hash,
    /// Hash of what was asked for.
    content: Hash,
}

impl RegisteredWith {
    /// Both hashes, one after the other.
    fn stored(&self) -> Vec<u8> {
        [self.key.0, self.content.0].concat()
    }

    fn from_stored(bytes: &[u8]) -> Option<RegisteredWith> {
        let (key, content) = bytes.split_at_checked(32)?;
        Some(RegisteredWith {
            key: Hash::from_stored(key)?,
            content: Hash::from_stored(content)?,
        })
    }
}

/// What a list is narrowed to; each part that is given must hold. An empty text
/// is not given: Koor's clients and models send it for what they leave out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AgentFilter {
    pub project: String,
    pub name: String,
    pub workspace: String,
    pub stack: String,
    pub capability: String,
    /// The word of an [`AgentStatus`].
    pub status: String,
    /// Text that the intent contains, in any case.
    pub intent: String,
}

impl AgentFilter {
    fn wanted_status(&self) -> Result<Option<AgentStatus>> {
        let word = &self.status;
        if word.is_empty() {
            return Ok(None);
        }
        let status = AgentStatus::from_word(word).ok_or_else(|| {
            invalid(format!(
                "status is {word:?}; it takes pending, active, stale or ended"
            ))
        })?;
        Ok(Some(status))
    }

    /// Whether all but the status holds.
    fn takes(&self, agent: &AgentRow) -> bool {
        let is = |wanted: &str, value: &str| wanted.is_empty() || wanted == value;
        let can = |wanted: &String| wanted.is_empty() || agent.capabilities.contains(wanted);
        let contains = |text: &str, wanted: &str| {
            wanted.is_empty() || text.to_lowercase().contains(&wanted.to_lowercase())
        };
        is(&self.project, &agent.project)
            && is(&self.name, &agent.name)
            && is(&self.workspace, &agent.workspace)
            && is(&self.stack, &agent.stack)
            && can(&self.capability)
            && contains(&agent.intent, &self.intent)
    }
}

/// Agents, and the revision that they were read at.
pub struct AgentList {
    pub agents: Vec<Agent>,
    pub revision: i64,
}

/// The agents that the caller sees, the one heard of last first. Ended ones
/// only where they are asked for.
pub async fn list_agents(ctx: &Ctx, filter: AgentFilter) -> Result<AgentList> {
    let status = filter.wanted_status()?;
    let has_status = |agent: &AgentRow| match status {
        Some(wanted) => agent.status == wanted,
        None => !agent.has_ended(),
    };
    let (tenant, project) = (ctx.caller.tenant.clone(), ctx.caller.project.clone());
    let (all, revision) = ctx
        .app
        .db
        .scan(move |tx| {
            // The revision first: who goes on from it misses nothing.
            let revision = tx.head(&tenant)?.revision;
            let all = store::list(tx, &tenant, project.as_deref())?;
            Ok((all, revision))
        })
        .await?;
    let all = all.into_iter().map(|agent| agent.with_life(ctx));
    let mut agents: Vec<AgentRow> = all
        .filter(|agent| has_status(agent) && filter.takes(agent))
        .collect();
    sort_by_life(&mut agents);
    Ok(AgentList {
        agents: agents.iter().map(AgentRow::shown).collect(),
        revision,
    })
}

/// The one heard of last first.
fn sort_by_life(agents: &mut [AgentRow]) {
    agents.sort_by(|a, b| b.last_seen.cmp(&a.last_seen).then(a.id.cmp(&b.id)));
}

pub async fn get_agent(ctx: &Ctx, id: &str) -> Result<Agent> {
    let (job_ctx, job_id) = (ctx.clone(), id.to_owned());
    let db = &ctx.app.db;
    let found = db.read(move |tx| find(tx, &job_ctx, &job_id)).await?;
    Ok(found.shown())
}

/// How many agents have not ended.
pub async fn count_agents(ctx: &Ctx) -> Result<i64> {
    let tenant = ctx.caller.tenant.clone();
    ctx.app
        .db
        .read(move |tx| store::count_living(tx, &tenant))
        .await
}

/// Says that the agent's surroundings work. Doing it again changes nothing.
pub async fn activate_agent(ctx: &Ctx, id: &str) -> Result<ActivatedAgent> {
    change(ctx, id, |tx, ctx, agent| {
        if !(agent.activated && agent.status == AgentStatus::Active) {
            activate(tx, ctx, agent)?;
        }
        Ok(ActivatedAgent {
            id: agent.id.to_string(),
            status: agent.status,
        })
    })
    .await
}

fn activate(tx: &mut Tx<'_>, ctx: &Ctx, agent: &mut AgentRow) -> Result<()> {
    agent.activated = true;
    agent.status = AgentStatus::Active;
    store::update(tx, &ctx.caller.tenant, agent)?;
    emit(tx, ctx, "coro.agent.activated", agent, json!({}))
}

/// Takes a sign of life; the next flush writes it.
pub async fn keep_alive(ctx: &Ctx, id: &str) -> Result<AgentId> {
    let (job_ctx, job_id) = (ctx.clone(), id.to_owned());
    let db = &ctx.app.db;
    let agent = db
        .read(move |tx| {
            let agent = find(tx, &job_ctx, &job_id)?;
            check_acts_for(&job_ctx, &agent)?;
            Ok(agent)
        })
        .await?;
    heard_of(ctx, &agent.id);
    Ok(agent.id)
}

pub async fn set_intent(ctx: &Ctx, id: &str, intent: String) -> Result<Intent> {
    check_prose("intent", &intent, INTENT_BYTES_MAX)?;
    change(ctx, id, move |tx, ctx, agent| {
        if agent.intent != intent {
            agent.intent.clone_from(&intent);
            store::update(tx, &ctx.caller.tenant, agent)?;
            let note = json!({ "intent": intent });
            emit(tx, ctx, "coro.agent.intent", agent, note)?;
        }
        Ok(Intent {
            id: agent.id.to_string(),
            intent: intent.clone(),
        })
    })
    .await
}

pub async fn set_capabilities(
    ctx: &Ctx,
    id: &str,
    capabilities: Vec<String>,
) -> Result<Capabilities> {
    check_capabilities(&capabilities)?;
    change(ctx, id, move |tx, ctx, agent| {
        if agent.capabilities != capabilities {
            agent.capabilities.clone_from(&capabilities);
            store::update(tx, &ctx.caller.tenant, agent)?;
            let note = json!({ "capabilities": capabilities });
            emit(tx, ctx, "coro.agent.capabilities", agent, note)?;
        }
        Ok(Capabilities {
            id: agent.id.to_string(),
            capabilities: capabilities.clone(),
        })
    })
    .await
}

/// Ends an agent. Where it ends itself, its token can still register it again;
/// where another ends it, its tokens are revoked.
pub async fn deregister_agent(ctx: &Ctx, id: &str) -> Result<Deregistered> {
    let (job_ctx, job_id) = (ctx.clone(), id.to_owned());
    let deleted = ctx
        .write(move |tx| {
            let mut agent = find_row(tx, &job_ctx, &job_id)?;
            check_may_act_for(&job_ctx, &agent)?;
            let tenant = &job_ctx.caller.tenant;
            if !is_own(&job_ctx, &agent) {
                let by = &job_ctx.caller.actor;
                tokens::revoke_tokens_of_agent(tx, tenant, by, &agent.id, &agent.project)?;
            }
            if !agent.has_ended() {
                agent.status = AgentStatus::Ended;
                agent.last_seen = tx.now();
                store::update(tx, tenant, &agent)?;
                let note = json!({ "why": "deregistered" });
                emit(tx, &job_ctx, "coro.agent.ended", &agent, note)?;
                party::release_all(tx, tenant, &agent.id)?;
            }
            Ok(Deregistered {
                deleted: agent.id.to_string(),
            })
        })
        .await?;
    ctx.app.tokens.clear();
    Ok(deleted)
}

/// Runs a change of an agent that the caller may act for, which is a sign of
/// life as well: a stale one is back with it.
async fn change<T, F>(ctx: &Ctx, id: &str, mut apply: F) -> Result<T>
where
    T: Serialize + DeserializeOwned + Send + 'static,
    F: FnMut(&mut Tx<'_>, &Ctx, &mut AgentRow) -> Result<T> + Send + 'static,
{
    let (job_ctx, job_id) = (ctx.clone(), id.to_owned());
    let (answer, agent) = ctx
        .write(move |tx| {
            let mut agent = find_row(tx, &job_ctx, &job_id)?;
            check_acts_for(&job_ctx, &agent)?;
            if agent.status == AgentStatus::Stale {
                agent.status = agent.status_when_heard();
                agent.last_seen = tx.now();
                store::update(tx, &job_ctx.caller.tenant, &agent)?;
                emit(tx, &job_ctx, "coro.agent.returned", &agent, json!({}))?;
            }
            let answer = apply(tx, &job_ctx, &mut agent)?;
            Ok((answer, agent.id.to_string()))
        })
        .await?;
    heard_of(ctx, &AgentId::from_text(&agent));
    Ok(answer)
}

/// As [`find_row`], with what was heard of the agent meanwhile.
fn find(tx: &mut Tx<'_>, ctx: &Ctx, id: &str) -> Result<AgentRow> {
    Ok(find_row(tx, ctx, id)?.with_life(ctx))
}

/// The agent of an id, or the caller's own, that the caller may see, as it is
/// stored.
fn find_row(tx: &mut Tx<'_>, ctx: &Ctx, id: &str) -> Result<AgentRow> {
    let id = match (id, &ctx.caller.agent) {
        (OWN, Some(own)) => own.id.clone(),
        (OWN, None) => {
            return Err(conflict("this token belongs to no registered agent")
                .hint("register first, and call with the token that the answer holds"));
        }
        (id, _) => AgentId::from_text(id),
    };
    let found = store::find(tx, &ctx.caller.tenant, &id)?;
    found
        .filter(|agent| ctx.caller.sees_project(&agent.project))
        .ok_or_else(|| not_found("instance", id.as_str()).hint("list them with GET /api/instances"))
}

fn check_acts_for(ctx: &Ctx, agent: &AgentRow) -> Result<()> {
    check_may_act_for(ctx, agent)?;
    if agent.has_ended() {
        return Err(conflict(format!("the agent {:?} has ended", agent.name))
            .hint("register it again; that continues it"));
    }
    Ok(())
}

fn check_may_act_for(ctx: &Ctx, agent: &AgentRow) -> Result<()> {
    if is_own(ctx, agent) || matches!(ctx.caller.role, Role::Owner | Role::Controller) {
        return Ok(());
    }
    Err(forbidden(format!(
        "only the agent {:?} itself, its controller or the owner may do that",
        agent.name
    ))
    .hint("call with the token that its registration returned"))
}

fn is_own(ctx: &Ctx, agent: &AgentRow) -> bool {
    let own = ctx.caller.agent.as_ref();
    own.is_some_and(|own| own.id == agent.id)
}

fn heard_of(ctx: &Ctx, id: &AgentId) {
    let now = ctx.app.clock.now();
    ctx.app.liveness.heard_of(&ctx.caller.tenant, id, now);
}

fn emit(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    topic: &'static str,
    agent: &AgentRow,
    more: Value,
) -> Result<()> {
    let mut note = agent.event_data();
    if let (Value::Object(note), Value::Object(more)) = (&mut note, more) {
        note.extend(more);
    }
    let entry = ctx.entry(topic, &agent.name, &agent.project).note(note);
    tx.emit(&ctx.caller.tenant, entry)?;
    Ok(())
}

fn check_capabilities(capabilities: &[String]) -> Result<()> {
    if capabilities.len() > CAPABILITIES_MAX {
        let count = capabilities.len();
        return Err(invalid(format!(
            "{count} capabilities are more than {CAPABILITIES_MAX}"
        )));
    }
    for capability in capabilities {
        check_text("capability", capability)?;
    }
    let bytes: usize = capabilities.iter().map(String::len).sum();
    if bytes > CAPABILITIES_BYTES_MAX {
        return Err(invalid(format!(
            "the capabilities have {bytes} bytes together, more than {CAPABILITIES_BYTES_MAX}"
        )));
    }
    Ok(())
}
