//! Who is alive.
//!
//! Whatever an agent calls is a sign of life: the gate notes it in memory, at
//! the cost of one store to an atomic. A sweep writes what is new, one row for
//! each agent that was heard of, and then looks for those who were not:
//! `pending` and `active` ones become `stale`, stale ones `ended`, and ended
//! ones are forgotten with their tokens. A read never writes.
//!
//! On PostgreSQL each server writes what it heard itself. Its clock may differ
//! from the database's, so what is written is the time by the database's.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use coro_api::agents::{AgentStatus, LivenessCheck};
use serde::Deserialize;
use serde_json::json;

use super::party::release_all;
use super::{AgentRow, store};
use crate::app::{App, Ctx};
use crate::clock::{Clock, Time};
use crate::db::{NewEntry, SYSTEM, Tx};
use crate::error::Result;
use crate::ids::{AgentId, TenantId};
use crate::{consumers, hooks, tenants, tokens};

/// How many agents one transaction writes.
const STEP: usize = 500;

/// The settings, `[liveness]` in the configuration file.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LivenessSettings {
    /// Seconds between two looks at who was heard of.
    pub sweep_seconds: u64,
    /// Seconds of silence after which an agent is stale.
    pub stale_after_seconds: u64,
    /// Seconds of silence after which an agent has ended.
    pub ended_after_seconds: u64,
    /// Days of silence after which an agent that has ended is forgotten.
    pub forgotten_after_days: u64,
}

impl Default for LivenessSettings {
    fn default() -> Self {
        LivenessSettings {
            sweep_seconds: 10,
            stale_after_seconds: 300,
            ended_after_seconds: 24 * 3600,
            forgotten_after_days: 30,
        }
    }
}

impl LivenessSettings {
    /// Refuses periods that contradict each other.
    pub fn check(&self) -> Result<(), String> {
        /// Ten years: more is a slip of the pen.
        const SECONDS_MAX: u64 = 10 * 366 * 24 * 3600;
        let named = [
            ("sweep_seconds", self.sweep_seconds, 1),
            (
                "stale_after_seconds",
                self.stale_after_seconds,
                // Each server may be a sweep behind, and one may be missed.
                self.sweep_seconds.saturating_mul(3),
            ),
            (
                "ended_after_seconds",
                self.ended_after_seconds,
                self.stale_after_seconds,
            ),
            (
                "forgotten_after_days",
                self.forgotten_after_days.saturating_mul(24 * 3600),
                self.ended_after_seconds,
            ),
        ];
        for (name, value, least) in named {
            if value < least || value > SECONDS_MAX {
                return Err(format!(
                    "liveness.{name} is out of range: sweep_seconds is at least 1, \
                     stale_after_seconds at least three times that, ended_after_seconds at least \
                     stale_after_seconds, forgotten_after_days at least as long as \
                     ended_after_seconds, and nothing more than ten years"
                ));
            }
        }
        Ok(())
    }

    pub fn sweep_interval(&self) -> Duration {
        Duration::from_secs(self.sweep_seconds)
    }
}

/// When agents were last heard of, by this server.
#[derive(Default)]
pub struct Liveness {
    /// When the machine was last found to have slept, in microseconds.
    woke_at: AtomicI64,
    /// Held while what was heard is written, so that it is written once.
    writing: tokio::sync::Mutex<()>,
    heard: Mutex<HashMap<(TenantId, AgentId), Arc<SignOfLife>>>,
}

/// When one agent was last heard of. A token that is remembered holds it, so
/// that a request needs no look-up.
#[derive(Debug, Default)]
pub struct SignOfLife {
    at: AtomicI64,
    written: AtomicI64,
}

impl SignOfLife {
    pub fn heard(&self, now: Time) {
        self.at.fetch_max(now.0, Ordering::Relaxed);
    }

    fn is_written(&self) -> bool {
        self.written.load(Ordering::Relaxed) >= self.at.load(Ordering::Relaxed)
    }
}

impl Liveness {
    /// Where the agent's signs of life are noted.
    pub fn of(&self, tenant: &TenantId, id: &AgentId) -> Arc<SignOfLife> {
        let mut heard = self.heard.lock().expect("no panic while held");
        let key = (tenant.clone(), id.clone());
        heard.entry(key).or_default().clone()
    }

    pub fn heard_of(&self, tenant: &TenantId, id: &AgentId, now: Time) {
        self.of(tenant, id).heard(now);
    }

    /// The machine has slept: nobody could call meanwhile.
    pub fn woke(&self, now: Time) {
        self.woke_at.fetch_max(now.0, Ordering::Relaxed);
    }

    /// Since when agents could call without a pause.
    fn awake_since(&self, started: Time) -> Time {
        started.max(Time(self.woke_at.load(Ordering::Relaxed)))
    }

    /// When this server heard of the agent, where that is not written yet.
    pub fn unwritten_sign(&self, tenant: &TenantId, id: &AgentId) -> Option<Time> {
        let heard = self.heard.lock().expect("no panic while held");
        let sign = heard.get(&(tenant.clone(), id.clone()))?;
        let at = Time(sign.at.load(Ordering::Relaxed));
        (!sign.is_written()).then_some(at)
    }

    /// The agents that were heard of since they were written, and when. Those
    /// that nobody notes any more are dropped.
    fn unwritten(&self, tenant: &TenantId) -> Vec<(AgentId, Arc<SignOfLife>, Time)> {
        let mut heard = self.heard.lock().expect("no panic while held");
        heard.retain(|_, sign| Arc::strong_count(sign) > 1 || !sign.is_written());
        heard
            .iter()
            .filter(|((of, _), sign)| of == tenant && !sign.is_written())
            .map(|((_, id), sign)| {
                let at = Time(sign.at.load(Ordering::Relaxed));
                (id.clone(), sign.clone(), at)
            })
            .collect()
    }
}

/// What of an agent a sign of life may change.
pub(super) struct Life {
    pub(super) id: AgentId,
    pub(super) status: AgentStatus,
    pub(super) activated: bool,
    pub(super) last_seen: Time,
}

/// Writes who was heard of, and finds who was not, of every tenant.
pub async fn sweep(app: &App) -> Result<()> {
    for tenant in tenants::list_tenants(&app.db).await? {
        // One tenant that can't be written stops no other.
        if let Err(error) = look_at(app, &tenant).await {
            tracing::error!(%error, %tenant, "who is alive could not be looked at; it is tried again");
        }
    }
    Ok(())
}

async fn look_at(app: &App, tenant: &TenantId) -> Result<Vec<AgentRow>> {
    flush(app, tenant).await?;
    check(app, tenant).await
}

/// Writes what was heard, of every tenant: the last thing before the end.
pub async fn flush_all(app: &App) -> Result<()> {
    for tenant in tenants::list_tenants(&app.db).await? {
        flush(app, &tenant).await?;
    }
    Ok(())
}

/// Looks at the caller's tenant at once, as Koor's clients can ask for.
pub async fn check_now(ctx: &Ctx) -> Result<LivenessCheck> {
    let tenant = &ctx.caller.tenant;
    flush(&ctx.app, tenant).await?;
    let stale = check(&ctx.app, tenant).await?;
    let seen = stale
        .iter()
        .filter(|agent| ctx.caller.sees_project(&agent.project));
    let newly_stale: Vec<_> = seen.map(AgentRow::shown).collect();
    Ok(LivenessCheck {
        checked: true,
        count: newly_stale.len(),
        newly_stale,
    })
}

async fn flush(app: &App, tenant: &TenantId) -> Result<()> {
    let _alone = app.liveness.writing.lock().await;
    let heard = app.liveness.unwritten(tenant);
    for some in heard.chunks(STEP) {
        let signs: Vec<(AgentId, Time)> =
            some.iter().map(|(id, _, at)| (id.clone(), *at)).collect();
        let (of, clock) = (tenant.clone(), app.clock.clone());
        let written = app
            .db
            .write(tenant, move |tx| write(tx, &of, &clock, &signs))
            .await?;
        app.metrics.liveness_rows(written);
        for (_, sign, at) in some {
            sign.written.fetch_max(at.0, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// Writes signs of life, which this server's clock has timed, and tells how
/// many rows that took.
fn write(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    clock: &Clock,
    signs: &[(AgentId, Time)],
) -> Result<u64> {
    let mut written = 0;
    let ahead = clock.now().0 - tx.now().0;
    // One query, and one statement without an answer for each agent.
    let known = store::lives(tx, tenant)?;
    let known: HashMap<&AgentId, &Life> = known.iter().map(|life| (&life.id, life)).collect();
    for (id, heard_at) in signs {
        let at = Time((heard_at.0 - ahead).min(tx.now().0));
        let Some(life) = known.get(id).filter(|life| life.last_seen < at) else {
            continue;
        };
        let status = life.status.when_heard(life.activated);
        store::set_last_seen(tx, tenant, id, at, status)?;
        written += 1;
        if status != life.status
            && let Some(agent) = store::find(tx, tenant, id)?
        {
            emit(tx, tenant, "coro.agent.returned", &agent, None)?;
        }
    }
    Ok(written)
}

/// Since how many seconds every agent could call: before that its silence says
/// nothing.
pub fn awake_seconds(app: &App) -> u64 {
    let since = app.liveness.awake_since(app.started);
    since.seconds_until(app.clock.now())
}

/// The last sign of life of an agent's newest generation.
#[derive(Clone, Debug)]
pub struct LastSign {
    pub generation: i64,
    pub status: AgentStatus,
    /// When this generation began.
    pub registered_at: Time,
    /// When it was last heard of; a registration is a sign of life.
    pub at: Time,
}

/// When an agent was last heard of, also where that is not written yet. `None`
/// for one that is forgotten.
pub fn last_sign(
    tx: &mut Tx<'_>,
    app: &App,
    tenant: &TenantId,
    id: &AgentId,
) -> Result<Option<LastSign>> {
    let Some(agent) = store::find(tx, tenant, id)? else {
        return Ok(None);
    };
    // Of this server's clock; the database's may be behind it.
    let unwritten = app.liveness.unwritten_sign(tenant, id);
    let at = unwritten.map_or(agent.last_seen, |at| agent.last_seen.max(at.min(tx.now())));
    Ok(Some(LastSign {
        generation: agent.generation,
        status: agent.status,
        registered_at: agent.registered_at,
        at,
    }))
}

/// Finds agents that are silent for too long, and tells the newly stale ones.
async fn check(app: &App, tenant: &TenantId) -> Result<Vec<AgentRow>> {
    // Nobody could call before the server was there, or while the machine
    // slept.
    if awake_seconds(app) < app.config.liveness.stale_after_seconds {
        return Ok(Vec::new());
    }
    let mut stale = Vec::new();
    loop {
        let (of, job_app) = (tenant.clone(), app.clone());
        let due = app.db.scan(move |tx| Due::find(tx, &job_app, &of)).await?;
        if due.is_empty() {
            return Ok(stale);
        }
        let (of, job_app) = (tenant.clone(), app.clone());
        let settled = app
            .db
            .write(tenant, move |tx| {
                // Again, now that nobody else writes.
                let due = Due::find(tx, &job_app, &of)?;
                due.settle(tx, &of)?;
                Ok(due)
            })
            .await?;
        if settled.is_empty() {
            return Ok(stale);
        }
        stale.extend(settled.stale.into_iter().map(|agent| AgentRow {
            status: AgentStatus::Stale,
            ..agent
        }));
    }
}

/// Agents that are to change, some at a time.
struct Due {
    stale: Vec<AgentRow>,
    ended: Vec<AgentRow>,
    forgotten: Vec<AgentRow>,
}

impl Due {
    fn find(tx: &mut Tx<'_>, app: &App, tenant: &TenantId) -> Result<Due> {
        let (now, settings) = (tx.now(), &app.config.liveness);
        let ago = |seconds: u64| now.plus_seconds(-i64::try_from(seconds).unwrap_or(i64::MAX));
        let mut silent = |status: AgentStatus, seconds: u64| -> Result<Vec<AgentRow>> {
            let mut found = store::silent_since(tx, tenant, status, ago(seconds), STEP)?;
            // Who has just called is not silent, though it is not written yet.
            found.retain(|agent| app.liveness.unwritten_sign(tenant, &agent.id).is_none());
            Ok(found)
        };
        let mut stale = silent(AgentStatus::Active, settings.stale_after_seconds)?;
        stale.extend(silent(AgentStatus::Pending, settings.stale_after_seconds)?);
        Ok(Due {
            stale,
            ended: silent(AgentStatus::Stale, settings.ended_after_seconds)?,
            forgotten: silent(
                AgentStatus::Ended,
                settings.forgotten_after_days * 24 * 3600,
            )?,
        })
    }

    fn is_empty(&self) -> bool {
        self.stale.is_empty() && self.ended.is_empty() && self.forgotten.is_empty()
    }

    fn settle(&self, tx: &mut Tx<'_>, tenant: &TenantId) -> Result<()> {
        for agent in &self.stale {
            store::set_last_seen(tx, tenant, &agent.id, agent.last_seen, AgentStatus::Stale)?;
            emit(tx, tenant, "coro.agent.stale", agent, None)?;
        }
        for agent in &self.ended {
            store::set_last_seen(tx, tenant, &agent.id, agent.last_seen, AgentStatus::Ended)?;
            emit(tx, tenant, "coro.agent.ended", agent, Some("silent"))?;
            release_all(tx, tenant, &agent.id)?;
        }
        for agent in &self.forgotten {
            forget(tx, tenant, agent)?;
        }
        Ok(())
    }
}

/// Removes an agent and its tokens.
pub(super) fn forget(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentRow) -> Result<()> {
    let (id, project) = (&agent.id, &agent.project);
    tokens::revoke_tokens_of_agent(tx, tenant, SYSTEM, id, project)?;
    tokens::delete_tokens_of_agent(tx, tenant, id)?;
    hooks::agent_forgotten(tx, tenant, id)?;
    consumers::agent_forgotten(tx, tenant, id)?;
    store::delete(tx, tenant, id)?;
    emit(tx, tenant, "coro.agent.forgotten", agent, None)
}

fn emit(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    topic: &'static str,
    agent: &AgentRow,
    why: Option<&str>,
) -> Result<()> {
    let mut note = agent.event_data();
    if let Some(why) = why {
        note["why"] = json!(why);
    }
    let entry = NewEntry::new(topic, SYSTEM, &agent.name, &agent.project);
    tx.emit(tenant, entry.note(note))?;
    Ok(())
}
