//! Taking a lease, and waiting for one.

use coro_api::leases::{Lease, LeaseKind, LeaseMode, LeaseStatus, NewLease};
use coro_api::limits::{LEASE_SECONDS, WAIT_SECONDS_MAX};
use coro_api::names::{check_prose, check_text};
use coro_api::numbers::{LeaseNumber, TaskNumber};

use super::pattern::Pattern;
use super::queue::{Obstacle, Queue, end_expired, grant, grant_waiter};
use super::room::{Room, check_line, check_project};
use super::{LeaseRow, PLACE_SECONDS, Thing, check_ttl, find, find_living, gone, refused, store};
use crate::agents::{AgentRef, has_begun_work, living_agents, project_for, require_agent};
use crate::app::Ctx;
use crate::auth::{Permission, require};
use crate::db::Tx;
use crate::error::{Error, Result, conflict, invalid, not_found};
use crate::ids::AgentId;
use crate::log::wait::wait_in;
use crate::numbers::next_number;
use crate::slots::Slot;

/// The longest reason, in bytes.
const REASON_BYTES_MAX: usize = 500;

/// How long a human's word lets an agent edit under another's lease.
const OVERRIDE_SECONDS: i64 = 3600;

/// What is said of a lease that is to be edited under and is over.
const NOT_IN_THE_WAY: &str = "it was released, or its time is over, so it is in nobody's way: \
     whoever wants to edit takes a lease with coro-cli leases take PATTERN";

/// What was asked for, checked.
struct Asked {
    project: Option<String>,
    thing: Thing,
    mode: LeaseMode,
    reason: String,
    ttl_seconds: i64,
    waits: bool,
}

/// Takes a lease, or a protected path. Where others are in the way it is
/// refused, or waits: then the answer may be a lease that still waits.
pub async fn take_lease(ctx: &Ctx, new: NewLease) -> Result<Lease> {
    let (is_protected, wait_seconds) = (new.protected, new.wait_seconds);
    if is_protected {
        require(&ctx.caller, Permission::Lead)?;
        check_protected(&new)?;
    }
    let asked = check(new)?;
    let slot = asked.waits.then(|| ctx.stream_slot()).transpose();
    let (job_ctx, full) = (ctx.clone(), slot.as_ref().err().map(Error::again));
    let lease = ctx
        .write(move |tx| match (is_protected, &full) {
            (true, _) => protect(tx, &job_ctx, &asked),
            (false, None) => take(tx, &job_ctx, &asked),
            (false, Some(full)) => take_at_once(tx, &job_ctx, &asked, full),
        })
        .await?;
    // Who waits without a slot repeats a request that was answered so before.
    match (lease.status, slot) {
        (LeaseStatus::Waiting, Ok(Some(slot))) => {
            wait_until_held(ctx, slot, lease, wait_seconds).await
        }
        _ => Ok(lease),
    }
}

fn check(new: NewLease) -> Result<Asked> {
    let thing = match (new.pattern, new.name) {
        (Some(pattern), None) => Thing::Files(Pattern::parse(&pattern).map_err(refused)?),
        (None, Some(name)) => {
            check_text("name", &name)?;
            Thing::Name(name)
        }
        _ => {
            return Err(
                invalid("a lease is on a pattern or on a name, and on one of them")
                    .hint("give pattern for files, name for anything else"),
            );
        }
    };
    check_prose("reason", &new.reason, REASON_BYTES_MAX)?;
    check_ttl(new.ttl_seconds)?;
    if new.wait_seconds > WAIT_SECONDS_MAX {
        return Err(invalid(format!(
            "wait_seconds is {}; it takes 0 to {WAIT_SECONDS_MAX}",
            new.wait_seconds
        ))
        .hint("ask again with the same fields: that keeps the place in the queue"));
    }
    Ok(Asked {
        project: new.project,
        thing,
        mode: new.mode,
        reason: new.reason,
        ttl_seconds: new.ttl_seconds.unwrap_or(LEASE_SECONDS),
        waits: new.wait_seconds > 0,
    })
}

fn check_protected(new: &NewLease) -> Result<()> {
    let fault = if new.name.is_some() {
        "a name can't be protected: it is about no file"
    } else if new.mode == LeaseMode::Warn {
        "a protected path asks or refuses: its mode is confirm or block"
    } else if new.ttl_seconds.is_some() {
        "a protected path has no end: leave ttl_seconds out"
    } else if new.wait_seconds > 0 {
        "a protected path waits for nobody: leave wait_seconds out"
    } else {
        return Ok(());
    };
    Err(invalid(fault))
}

fn take(tx: &mut Tx<'_>, ctx: &Ctx, asked: &Asked) -> Result<Lease> {
    let tenant = &ctx.caller.tenant;
    let agent = require_agent(tx, ctx)?;
    let project = project_for(tx, ctx, asked.project.as_deref())?;
    end_expired(tx, tenant, &project)?;
    let queue = Queue::load(tx, tenant, &project)?;
    let lease = take_beside(tx, ctx, asked, &agent, &queue, project)?;
    Ok(Lease {
        protected_by: queue.protection(&asked.thing, &agent.id),
        ..lease
    })
}

/// As [`take`], for a caller that can't wait now: then it gets no place in line
/// either, since it would not hear of it.
fn take_at_once(tx: &mut Tx<'_>, ctx: &Ctx, asked: &Asked, full: &Error) -> Result<Lease> {
    let lease = take(tx, ctx, asked)?;
    match lease.status {
        LeaseStatus::Held => Ok(lease),
        LeaseStatus::Waiting => Err(full.again()),
    }
}

/// Takes a lease beside those of its project, or a place among them.
fn take_beside(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    asked: &Asked,
    agent: &AgentRef,
    queue: &Queue,
    project: String,
) -> Result<Lease> {
    let tenant = &ctx.caller.tenant;
    let own = queue.own(&asked.thing, &agent.id);
    if let Some(held) = own.filter(|own| own.is_held()) {
        return take_again(tx, ctx, asked, agent, held.clone());
    }
    let place = own.map(|own| own.number);
    let obstacle = queue.obstacle(&asked.thing, &agent.id, place);
    if let Some(obstacle) = &obstacle
        && !asked.waits
    {
        return Err(overlaps(&asked.thing, obstacle));
    }
    if let Some(own) = own {
        let mut own = own.clone();
        if obstacle.is_none() {
            // Nobody told it so: see `queue`.
            grant_waiter(tx, tenant, &mut own)?;
        }
        return take_again(tx, ctx, asked, agent, own);
    }
    if obstacle.is_some() {
        queue.check_circle(&asked.thing, &agent.id)?;
    }
    Room::of(tx, tenant, queue, agent)?.check(1)?;
    has_begun_work(tx, ctx, agent)?;
    let lease = LeaseRow {
        project,
        ttl_seconds: Some(asked.ttl_seconds),
        ..new_row(tx, ctx, asked, Some(agent))?
    };
    match obstacle {
        Some(_) => stand_in_line(tx, ctx, queue, lease),
        None => begin(tx, ctx, lease, "coro.lease.granted"),
    }
}

/// Asks again for what is held or waited for: that keeps it, and its reason
/// where no other is given. Others hear of it where their edits meet something
/// else now.
fn take_again(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    asked: &Asked,
    agent: &AgentRef,
    mut lease: LeaseRow,
) -> Result<Lease> {
    let seconds = match lease.status {
        LeaseStatus::Held => asked.ttl_seconds,
        LeaseStatus::Waiting => PLACE_SECONDS,
    };
    let reason = reason_again(asked, &lease);
    let is_changed = (lease.mode, &lease.reason) != (asked.mode, &reason);
    lease.mode = asked.mode;
    lease.reason = reason;
    lease.generation = Some(agent.generation);
    lease.ttl_seconds = Some(asked.ttl_seconds);
    lease.expires_at = Some(tx.now().plus_seconds(seconds));
    let tenant = &ctx.caller.tenant;
    store::update(tx, tenant, &lease)?;
    if is_changed {
        tx.emit(tenant, lease.entry_of(ctx, "coro.lease.changed"))?;
    }
    Ok(lease.shown())
}

/// The reason of a lease that is asked for again.
fn reason_again(asked: &Asked, lease: &LeaseRow) -> String {
    match asked.reason.as_str() {
        "" => lease.reason.clone(),
        other => other.to_owned(),
    }
}

fn stand_in_line(tx: &mut Tx<'_>, ctx: &Ctx, queue: &Queue, mut lease: LeaseRow) -> Result<Lease> {
    check_line(queue, &lease)?;
    lease.status = LeaseStatus::Waiting;
    lease.expires_at = Some(tx.now().plus_seconds(PLACE_SECONDS));
    let tenant = &ctx.caller.tenant;
    store::insert(tx, tenant, &lease)?;
    tx.emit(tenant, lease.entry_of(ctx, "coro.lease.waiting"))?;
    Ok(lease.shown())
}

/// Makes a path protected; says so again where it is.
fn protect(tx: &mut Tx<'_>, ctx: &Ctx, asked: &Asked) -> Result<Lease> {
    let tenant = &ctx.caller.tenant;
    let project = project_for(tx, ctx, asked.project.as_deref())?;
    end_expired(tx, tenant, &project)?;
    let queue = Queue::load(tx, tenant, &project)?;
    let same = |lease: &&LeaseRow| lease.is_protected() && lease.pattern == asked.thing.text();
    if let Some(lease) = queue.rows.iter().find(same) {
        let reason = reason_again(asked, lease);
        if (lease.mode, &lease.reason) == (asked.mode, &reason) {
            return Ok(lease.shown());
        }
        let changed = LeaseRow {
            mode: asked.mode,
            reason,
            ..lease.clone()
        };
        store::update(tx, tenant, &changed)?;
        tx.emit(tenant, changed.entry_of(ctx, "coro.lease.protected"))?;
        return Ok(changed.shown());
    }
    check_project(&queue, 1)?;
    let lease = LeaseRow {
        project,
        ..new_row(tx, ctx, asked, None)?
    };
    begin(tx, ctx, lease, "coro.lease.protected")
}

/// A row with a number of its own, of no project yet.
fn new_row(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    asked: &Asked,
    agent: Option<&AgentRef>,
) -> Result<LeaseRow> {
    let number = next_number(tx, &ctx.caller.tenant, "lease")?;
    Ok(LeaseRow {
        number: LeaseNumber(number),
        project: String::new(),
        kind: asked.thing.kind(),
        pattern: asked.thing.text().to_owned(),
        mode: asked.mode,
        status: LeaseStatus::Held,
        reason: asked.reason.clone(),
        agent: agent.map(|agent| agent.id.clone()),
        holder: agent.map_or_else(String::new, |agent| agent.name.clone()),
        generation: agent.map(|agent| agent.generation),
        actor: ctx.caller.actor.clone(),
        task: None,
        overrides: None,
        fence: None,
        ttl_seconds: None,
        requested_at: tx.now(),
        granted_at: None,
        expires_at: None,
    })
}

fn begin(tx: &mut Tx<'_>, ctx: &Ctx, mut lease: LeaseRow, topic: &'static str) -> Result<Lease> {
    let tenant = &ctx.caller.tenant;
    let entry = lease.entry_of(ctx, topic);
    grant(tx, tenant, &mut lease, entry)?;
    store::insert(tx, tenant, &lease)?;
    Ok(lease.shown())
}

/// Waits until a lease is held; gives it as it is when the time is over.
async fn wait_until_held(ctx: &Ctx, slot: Slot, lease: Lease, seconds: u64) -> Result<Lease> {
    let (number, protected_by) = (lease.id, lease.protected_by);
    let look = move |ctx: Ctx| async move {
        let db = ctx.app.db.clone();
        let found = db.read(move |tx| find(tx, &ctx, number)).await?;
        Ok(found.is_held().then(|| Lease {
            protected_by,
            ..found.shown()
        }))
    };
    let held = wait_in(ctx, slot, &["coro.lease.*"], seconds, look).await?;
    Ok(held.unwrap_or(lease))
}

fn overlaps(thing: &Thing, obstacle: &Obstacle<'_>) -> Error {
    let lease = obstacle.lease;
    let verb = match lease.status {
        LeaseStatus::Held => "held by",
        LeaseStatus::Waiting => "waited for by",
    };
    let reason = match lease.reason.is_empty() {
        true => String::new(),
        false => format!(" ({:?})", lease.reason),
    };
    let witness = match &obstacle.witness {
        Some(path) => format!("; both match {path:?}"),
        None => String::new(),
    };
    let (number, holder) = (lease.number, &lease.holder);
    let message = match lease.kind {
        LeaseKind::Path => format!(
            "{:?} overlaps {number}, {:?}, {verb} {holder:?}{reason}{witness}",
            thing.text(),
            lease.pattern
        ),
        LeaseKind::Name => format!(
            "the name {:?} is leased: {number}, {verb} {holder:?}{reason}",
            thing.text()
        ),
    };
    conflict(message).hint("wait for it, take something narrower, or ask its holder")
}

/// Refuses patterns that can't be leased.
pub fn check_patterns(patterns: &[String]) -> Result<()> {
    for pattern in patterns {
        Pattern::parse(pattern).map_err(refused)?;
    }
    Ok(())
}

/// Leases the paths of a task to the agent that claims it, for as long as the
/// claim holds. Refused with a conflict where others hold some of them.
pub fn take_for_task(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    agent: &AgentRef,
    task: TaskNumber,
    patterns: &[String],
) -> Result<()> {
    if patterns.is_empty() {
        return Ok(());
    }
    end_expired(tx, &ctx.caller.tenant, &agent.project)?;
    let queue = Queue::load(tx, &ctx.caller.tenant, &agent.project)?;
    Room::of(tx, &ctx.caller.tenant, &queue, agent)?.check(patterns.len())?;
    for pattern in patterns {
        let asked = Asked {
            project: None,
            thing: Thing::Files(Pattern::parse(pattern).map_err(refused)?),
            mode: LeaseMode::Block,
            reason: format!("works on {task}"),
            ttl_seconds: LEASE_SECONDS,
            waits: false,
        };
        if let Some(obstacle) = queue.obstacle(&asked.thing, &agent.id, None) {
            return Err(overlaps(&asked.thing, &obstacle));
        }
        let lease = LeaseRow {
            project: agent.project.clone(),
            task: Some(task),
            ..new_row(tx, ctx, &asked, Some(agent))?
        };
        begin(tx, ctx, lease, "coro.lease.granted")?;
    }
    Ok(())
}

/// What a lease of a project is on, under which a human may let another edit.
pub fn overridable_pattern(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    lease: LeaseNumber,
    project: &str,
) -> Result<String> {
    Ok(find_overridable(tx, ctx, lease, project)?.pattern)
}

/// Each project says who decides for it, so its word holds for its own leases
/// only.
fn find_overridable(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    lease: LeaseNumber,
    project: &str,
) -> Result<LeaseRow> {
    let found = find_living(tx, ctx, lease)?;
    let held = found.filter(|base| base.is_held() && base.overrides.is_none());
    let Some(base) = held else {
        return Err(gone(tx, ctx, lease, NOT_IN_THE_WAY)?);
    };
    if base.project == project {
        return Ok(base);
    }
    Err(conflict(format!(
        "{lease} is of the project {:?}, and the request of {project:?}",
        base.project
    ))
    .hint("ask in the project of the lease"))
}

/// Lets an agent edit under another's lease for a while: a human decided so, by
/// a request of the project. The lease stays.
pub fn override_lease(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    lease: LeaseNumber,
    project: &str,
    agent: &AgentId,
) -> Result<()> {
    let tenant = &ctx.caller.tenant;
    let base = find_overridable(tx, ctx, lease, project)?;
    let living = living_agents(tx, tenant, &base.project)?;
    let agent = living
        .iter()
        .find(|one| one.id == *agent)
        .ok_or_else(|| not_found("agent", agent.as_str()))?;
    let Some(thing) = Thing::stored(base.kind, &base.pattern) else {
        return Err(gone(tx, ctx, lease, NOT_IN_THE_WAY)?);
    };
    let asked = Asked {
        project: None,
        thing,
        mode: base.mode,
        reason: format!("a human let it edit under {lease}"),
        ttl_seconds: OVERRIDE_SECONDS,
        waits: false,
    };
    let allowed = LeaseRow {
        project: base.project,
        overrides: Some(lease),
        ttl_seconds: Some(OVERRIDE_SECONDS),
        ..new_row(tx, ctx, &asked, Some(agent))?
    };
    begin(tx, ctx, allowed, "coro.lease.overridden")?;
    Ok(())
}
