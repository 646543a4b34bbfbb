//! How a claim ends without a result.
//!
//! The agent gives the task back, ends, or is silent. The task keeps its notes,
//! and one more says what happened. A sweep looks for silence; it runs after
//! that of liveness, and not before everyone could have called.

use std::collections::BTreeSet;

use coro_api::numbers::TaskNumber;
use coro_api::tasks::TaskStatus;
use serde_json::{Value, json};

use super::{By, TaskRow, dependencies, notes, store};
use crate::agents::{self, liveness};
use crate::app::App;
use crate::db::{NewEntry, SYSTEM, Tx};
use crate::error::Result;
use crate::ids::{AgentId, TenantId};
use crate::{leases, pauses, tenants};

/// How many closed tasks one transaction forgets.
const FORGET_STEP: i64 = 200;

/// How long a closed task is kept, in days.
const CLOSED_DAYS: i64 = 30;

/// What becomes of a task whose claim ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was given back: nothing happened to it.
    SameAttempt,
    /// It was begun, and is tried again while attempts last.
    NextAttempt,
    Failed,
}

/// Ends a claim.
pub(super) fn put_back(
    tx: &mut Tx<'_>,
    by: By<'_>,
    tenant: &TenantId,
    mut task: TaskRow,
    fate: Fate,
    why: &str,
) -> Result<TaskRow> {
    let now = tx.now();
    let is_last = task.attempt >= task.attempts_max;
    let topic = match fate {
        Fate::SameAttempt => "coro.task.released",
        Fate::NextAttempt if !is_last => "coro.task.returned",
        Fate::NextAttempt | Fate::Failed => "coro.task.failed",
    };
    let mut noted = task.clone();
    if topic == "coro.task.failed" {
        task.status = TaskStatus::Failed;
        task.closed_at = Some(now);
        let reason = match fate {
            Fate::Failed => why.to_owned(),
            _ => format!("the last of {} attempts ended: {why}", task.attempts_max),
        };
        let result = Value::from(reason).to_string();
        store::set_result(tx, tenant, task.number, Some(&result))?;
    } else {
        task.status = TaskStatus::Open;
        task.claim = None;
        task.attempt += i64::from(fate == Fate::NextAttempt);
    }
    task.updated_at = now;
    store::update(tx, tenant, &task)?;
    // The event still names who had it, and the note belongs to its attempt.
    noted.status = task.status;
    let revision = by.emit(tx, tenant, topic, &noted, json!({ "why": why }))?;
    notes::add(tx, tenant, &noted, revision, by.actor(), why)?;
    leases::release_of_task(tx, tenant, task.id())?;
    Ok(task)
}

/// Puts the tasks of an agent that has ended back into the queue.
pub fn agent_ended(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentId) -> Result<()> {
    for task in store::claims_of(tx, tenant, agent)? {
        let why = format!("{} has ended", holder(&task));
        put_back(tx, By::Server, tenant, task, Fate::NextAttempt, &why)?;
    }
    Ok(())
}

fn holder(task: &TaskRow) -> &str {
    task.claim.as_ref().map_or("the agent", |claim| &claim.name)
}

/// Takes tasks from who is silent, and forgets those that were closed long
/// ago, of every tenant.
pub async fn sweep(app: &App) -> Result<()> {
    for tenant in tenants::list_tenants(&app.db).await? {
        // One tenant that can't be written stops no other.
        if let Err(error) = look_at(app, &tenant).await {
            tracing::error!(%error, %tenant, "its tasks could not be looked at; it is tried again");
        }
    }
    Ok(())
}

async fn look_at(app: &App, tenant: &TenantId) -> Result<()> {
    if liveness::awake_seconds(app) >= app.config.tasks.silent_after_seconds {
        take_from_silent(app, tenant).await?;
    }
    forget(app, tenant).await
}

async fn take_from_silent(app: &App, tenant: &TenantId) -> Result<()> {
    let (of, job_app) = (tenant.clone(), app.clone());
    let silent = app.db.scan(move |tx| {
        let mut silent = BTreeSet::new();
        for agent in store::claimants(tx, &of)? {
            if !silent_claims(tx, &job_app, &of, &agent)?.is_empty() {
                silent.insert(agent);
            }
        }
        Ok(silent)
    });
    for agent in silent.await? {
        let (of, job_app) = (tenant.clone(), app.clone());
        app.db
            .write(tenant, move |tx| end_silent(tx, &job_app, &of, &agent))
            .await?;
    }
    Ok(())
}

/// Ends what a silent agent has claimed. Who is paused keeps it, and is given
/// as long again.
fn end_silent(tx: &mut Tx<'_>, app: &App, tenant: &TenantId, id: &AgentId) -> Result<()> {
    // Again, now that nobody else writes.
    let claims = silent_claims(tx, app, tenant, id)?;
    if claims.is_empty() {
        return Ok(());
    }
    if let Some(agent) = agents::find_agent(tx, tenant, id)?
        && pauses::pause_of(tx, tenant, &agent)?.is_some()
    {
        let now = tx.now();
        return store::renew_claims(tx, tenant, id, now);
    }
    let minutes = app.config.tasks.silent_after_seconds.div_ceil(60);
    for task in claims {
        let why = format!("nothing was heard of {} for {minutes} min", holder(&task));
        put_back(tx, By::Server, tenant, task, Fate::NextAttempt, &why)?;
    }
    Ok(())
}

/// The claims of an agent whose generation was silent for too long. Where a
/// newer generation has registered, which did not ask for its tasks yet, they
/// count from that moment.
fn silent_claims(
    tx: &mut Tx<'_>,
    app: &App,
    tenant: &TenantId,
    id: &AgentId,
) -> Result<Vec<TaskRow>> {
    let sign = liveness::last_sign(tx, app, tenant, id)?;
    let seconds = i64::try_from(app.config.tasks.silent_after_seconds).unwrap_or(i64::MAX);
    let before = tx.now().plus_seconds(-seconds);
    let mut claims = store::claims_of(tx, tenant, id)?;
    claims.retain(|task| {
        let Some(claim) = &task.claim else {
            return false;
        };
        let heard = match &sign {
            Some(sign) if sign.generation > claim.generation => sign.registered_at,
            Some(sign) => sign.at,
            None => claim.renewed_at,
        };
        heard.max(claim.renewed_at) < before
    });
    Ok(claims)
}

async fn forget(app: &App, tenant: &TenantId) -> Result<()> {
    loop {
        let (of, before) = (
            tenant.clone(),
            app.clock.now().plus_seconds(-CLOSED_DAYS * 24 * 3600),
        );
        let old = app
            .db
            .read(move |tx| store::closed_before(tx, &of, before, FORGET_STEP))
            .await?;
        if old.is_empty() {
            return Ok(());
        }
        let of = tenant.clone();
        let forgotten = app.db.write(tenant, move |tx| {
            // Again: one may have been reopened, or be waited for.
            let old = store::closed_before(tx, &of, before, FORGET_STEP)?;
            for (number, status) in &old {
                if *status != TaskStatus::Done {
                    // Those that waited for it are closed, and may be reopened.
                    store::add_blockers(tx, &of, *number, -1)?;
                }
                dependencies::forget(tx, &of, *number)?;
                notes::forget(tx, &of, *number)?;
                store::delete(tx, &of, *number)?;
            }
            tell_forgotten(tx, &of, &old)?;
            Ok(old.len())
        });
        if forgotten.await? == 0 {
            return Ok(());
        }
    }
}

fn tell_forgotten(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    forgotten: &[(i64, TaskStatus)],
) -> Result<()> {
    if forgotten.is_empty() {
        return Ok(());
    }
    let numbers = forgotten.iter().map(|(number, _)| TaskNumber(*number));
    let note = json!({ "tasks": numbers.collect::<Vec<_>>() });
    let entry = NewEntry::new("coro.task.forgotten", SYSTEM, "", "");
    tx.emit(tenant, entry.note(note))?;
    Ok(())
}
