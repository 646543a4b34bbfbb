//! Leases: claims on path patterns and on free names of a project.
//!
//! A lease belongs to an agent, ends by itself where it is not renewed, and
//! excludes every other agent from what overlaps it, whatever its mode: the mode
//! says what another's *edit* meets ([`checking`]). Whether two patterns overlap
//! is decided from their texts ([`pattern`]); the server knows no repository.
//!
//! Who comes too late is refused, or waits in the queue of its project
//! ([`taking`], [`queue`]). Nobody overtakes: a lease that overlaps an earlier
//! waiter's waits behind it. Whatever ends a lease grants what it held back, in
//! the same transaction.
//!
//! - A project takes so many leases and places in line, and an agent ([`room`]).
//! - The fencing token of a lease is the revision of the log row that granted
//!   it, so a later lease has a larger one.
//! - A lease whose time is over counts as ended at once, in every decision; the
//!   sweep then says so.
//! - A task's leases last as long as its claim, a protected path for good. A
//!   protected path is nobody's and is in the way of edits only.
//! - The table has what is held or waited for; what was is told by the log.
//!   Renewing is bookkeeping and has no row there.

mod checking;
mod listing;
pub mod pattern;
mod queue;
mod room;
pub mod routes;
mod store;
mod taking;

use coro_api::leases::{Lease, LeaseKind, LeaseMode, LeaseStatus, ReleasedLease, RenewLease};
use coro_api::limits::LEASE_SECONDS_MAX;
use coro_api::numbers::{LeaseNumber, TaskNumber};
use coro_api::tokens::Role;
use serde_json::{Value, json};

pub use checking::{HeldLeases, Hindrance, check_askable, check_paths, hindered_paths};
pub use listing::{LeaseFilter, list_leases};
pub use queue::sweep;
pub use room::Room;
pub use taking::{check_patterns, overridable_pattern, override_lease, take_for_task, take_lease};

use crate::app::Ctx;
use crate::auth::{Permission, require};
use crate::clock::Time;
use crate::db::{NewEntry, SYSTEM, Tx};
use crate::error::{Error, Result, conflict, forbidden, invalid, not_found};
use crate::ids::{AgentId, TenantId};
use crate::numbers::was_taken;
use pattern::{Pattern, PatternError};

/// How long a place in the queue is kept after the last call for it.
const PLACE_SECONDS: i64 = 120;

/// What somebody is told whose lease is no longer there.
const LOST: &str = "it was released, or its time is over: take it again before you go on";

/// A lease as it is stored.
#[derive(Clone, Debug)]
struct LeaseRow {
    number: LeaseNumber,
    project: String,
    kind: LeaseKind,
    /// The pattern, or the name.
    pattern: String,
    mode: LeaseMode,
    status: LeaseStatus,
    reason: String,
    /// `None` for a protected path.
    agent: Option<AgentId>,
    /// The agent's name; empty for a protected path.
    holder: String,
    generation: Option<i64>,
    /// Who asked for it.
    actor: String,
    task: Option<TaskNumber>,
    /// The lease under which this row lets its agent edit. Such a row excludes
    /// nobody.
    overrides: Option<LeaseNumber>,
    /// `None` while it waits, as `granted_at`.
    fence: Option<i64>,
    ttl_seconds: Option<i64>,
    requested_at: Time,
    granted_at: Option<Time>,
    expires_at: Option<Time>,
}

impl LeaseRow {
    fn lives(&self, now: Time) -> bool {
        self.expires_at.is_none_or(|end| end > now)
    }

    /// Whether it keeps others from leasing the same.
    fn excludes(&self) -> bool {
        self.agent.is_some() && self.overrides.is_none()
    }

    fn is_protected(&self) -> bool {
        self.agent.is_none()
    }

    fn is_held(&self) -> bool {
        self.status == LeaseStatus::Held
    }

    fn shown(&self) -> Lease {
        Lease {
            id: self.number,
            project: self.project.clone(),
            kind: self.kind,
            pattern: self.pattern.clone(),
            mode: self.mode,
            status: self.status,
            protected: self.is_protected(),
            holder: self.holder.clone(),
            holder_id: self.agent.as_ref().map(AgentId::to_string),
            generation: self.generation,
            task: self.task,
            overrides: self.overrides,
            protected_by: None,
            reason: self.reason.clone(),
            fence: self.fence,
            ttl_seconds: self.ttl_seconds,
            requested_at: self.requested_at.to_string(),
            granted_at: self.granted_at.map(|at| at.to_string()),
            expires_at: self.expires_at.map(|at| at.to_string()),
        }
    }

    /// What an event tells of it.
    fn event_data(&self) -> Value {
        json!({
            "lease": self.number,
            "kind": self.kind,
            "pattern": self.pattern,
            "mode": self.mode,
            "holder": self.holder,
            "holder_id": self.agent.as_ref().map(AgentId::as_str),
            "task": self.task,
            "overrides": self.overrides,
            "reason": self.reason,
        })
    }

    /// An entry about it, by the server itself.
    fn entry(&self, topic: &'static str) -> NewEntry {
        NewEntry::new(topic, SYSTEM, &self.number.to_string(), &self.project)
            .note(self.event_data())
    }

    /// An entry about it, by who calls.
    fn entry_of(&self, ctx: &Ctx, topic: &'static str) -> NewEntry {
        ctx.entry(topic, &self.number.to_string(), &self.project)
            .note(self.event_data())
    }
}

/// What a lease is on, ready to be compared.
#[derive(Clone, Debug)]
enum Thing {
    Files(Pattern),
    Name(String),
}

impl Thing {
    fn stored(kind: LeaseKind, text: &str) -> Option<Thing> {
        match kind {
            LeaseKind::Path => Pattern::stored(text).map(Thing::Files),
            LeaseKind::Name => Some(Thing::Name(text.to_owned())),
        }
    }

    fn kind(&self) -> LeaseKind {
        match self {
            Thing::Files(_) => LeaseKind::Path,
            Thing::Name(_) => LeaseKind::Name,
        }
    }

    fn text(&self) -> &str {
        match self {
            Thing::Files(pattern) => pattern.as_str(),
            Thing::Name(name) => name,
        }
    }
}

/// How many leases the agents of a project, or of all, hold now. Protected
/// paths are nobody's.
pub fn count_held(tx: &mut Tx<'_>, tenant: &TenantId, project: Option<&str>) -> Result<i64> {
    let now = tx.now();
    store::count_held(tx, tenant, project, now)
}

pub async fn get_lease(ctx: &Ctx, number: LeaseNumber) -> Result<Lease> {
    let job_ctx = ctx.clone();
    let db = &ctx.app.db;
    let found = db.read(move |tx| find(tx, &job_ctx, number)).await?;
    Ok(found.shown())
}

/// Moves the end of a lease, or keeps a place in the queue. One that has ended
/// is not revived: somebody else may have had it meanwhile.
pub async fn renew_lease(ctx: &Ctx, number: LeaseNumber, renew: RenewLease) -> Result<Lease> {
    check_ttl(renew.ttl_seconds)?;
    let job_ctx = ctx.clone();
    ctx.write(move |tx| {
        let mut lease = find(tx, &job_ctx, number)?;
        check_may_end(&job_ctx, &lease)?;
        check_fence(&lease, renew.fence)?;
        if lease.task.is_some() {
            return Ok(lease.shown());
        }
        let tenant = &job_ctx.caller.tenant;
        if !lease.is_held() {
            // What is in its way may be over: the log tells that first.
            queue::end_expired(tx, tenant, &lease.project)?;
            lease = find(tx, &job_ctx, number)?;
        }
        let Some(usual) = lease.ttl_seconds.filter(|_| lease.overrides.is_none()) else {
            return Err(not_renewed(&lease));
        };
        let ttl = renew.ttl_seconds.unwrap_or(usual);
        let seconds = if lease.is_held() { ttl } else { PLACE_SECONDS };
        lease.ttl_seconds = Some(ttl);
        lease.expires_at = Some(tx.now().plus_seconds(seconds));
        if let Some(own) = &job_ctx.caller.agent
            && Some(&own.id) == lease.agent.as_ref()
        {
            lease.generation = Some(own.generation);
        }
        store::update(tx, tenant, &lease)?;
        queue::grant_if_due(tx, tenant, &mut lease)?;
        Ok(lease.shown())
    })
    .await
}

fn not_renewed(lease: &LeaseRow) -> Error {
    let what = match lease.is_protected() {
        true => "is a protected path and has no end",
        false => "is what a human allowed, and is not renewed",
    };
    conflict(format!("{} {what}", lease.number))
}

/// Ends a lease, or gives a place in the queue up.
pub async fn release_lease(
    ctx: &Ctx,
    number: LeaseNumber,
    fence: Option<i64>,
) -> Result<ReleasedLease> {
    let job_ctx = ctx.clone();
    ctx.write(move |tx| {
        let lease = find(tx, &job_ctx, number)?;
        check_may_end(&job_ctx, &lease)?;
        check_fence(&lease, fence)?;
        let tenant = &job_ctx.caller.tenant;
        let entry = |lease: &LeaseRow| lease.entry_of(&job_ctx, "coro.lease.released");
        let revision = queue::end(tx, tenant, &[lease], entry)?;
        Ok(ReleasedLease {
            released: number,
            revision,
        })
    })
    .await
}

/// Ends the leases of a task's claim.
pub fn release_of_task(tx: &mut Tx<'_>, tenant: &TenantId, task: TaskNumber) -> Result<()> {
    let leases = store::of_task(tx, tenant, task)?;
    queue::end(tx, tenant, &leases, |lease| {
        lease.entry("coro.lease.released")
    })?;
    Ok(())
}

/// Ends what an agent held or waited for that has ended.
pub fn agent_ended(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentId) -> Result<()> {
    let leases = store::of_agent(tx, tenant, agent)?;
    queue::end(tx, tenant, &leases, |lease| {
        lease.entry("coro.lease.released")
    })?;
    Ok(())
}

/// The lease of a number that the caller sees and that has not ended.
fn find(tx: &mut Tx<'_>, ctx: &Ctx, number: LeaseNumber) -> Result<LeaseRow> {
    match find_living(tx, ctx, number)? {
        Some(lease) => Ok(lease),
        None => Err(gone(tx, ctx, number, LOST)?),
    }
}

/// As [`find`], for who says better than that what a missing one means.
fn find_living(tx: &mut Tx<'_>, ctx: &Ctx, number: LeaseNumber) -> Result<Option<LeaseRow>> {
    let found = store::find(tx, &ctx.caller.tenant, number)?;
    let now = tx.now();
    Ok(found.filter(|lease| ctx.caller.sees_project(&lease.project) && lease.lives(now)))
}

/// That a lease is not there: it never was, or it is over, with its own hint.
fn gone(tx: &mut Tx<'_>, ctx: &Ctx, number: LeaseNumber, over: &str) -> Result<Error> {
    let hint = match was_taken(tx, &ctx.caller.tenant, "lease", number.0)? {
        true => over,
        false => "no lease had this number yet: see which there are with coro-cli leases list",
    };
    Ok(not_found("lease", &number.to_string()).hint(hint))
}

fn check_may_end(ctx: &Ctx, lease: &LeaseRow) -> Result<()> {
    let Some(holder) = &lease.agent else {
        return require(&ctx.caller, Permission::Lead);
    };
    let own = ctx.caller.agent.as_ref();
    let is_own = own.is_some_and(|own| own.id == *holder);
    if is_own || matches!(ctx.caller.role, Role::Owner | Role::Controller) {
        return Ok(());
    }
    Err(forbidden(format!(
        "{} belongs to {:?}: only that agent, its controller or the owner may do that",
        lease.number, lease.holder
    ))
    .hint("wait for it, or ask its holder"))
}

fn check_fence(lease: &LeaseRow, fence: Option<i64>) -> Result<()> {
    match (fence, lease.fence) {
        (Some(fence), Some(present)) if fence != present => Err(conflict(format!(
            "the fencing token {fence} of {} is stale; it is {present} now",
            lease.number
        ))
        .hint("read the lease again, and see whether it is still yours")),
        (Some(fence), None) => Err(conflict(format!(
            "{} is waited for, and has no fencing token yet: {fence} is another lease's",
            lease.number
        ))
        .hint("read the lease again, and see whether it is the one that is meant")),
        _ => Ok(()),
    }
}

fn check_ttl(ttl_seconds: Option<i64>) -> Result<()> {
    match ttl_seconds {
        Some(ttl) if !(1..=LEASE_SECONDS_MAX).contains(&ttl) => Err(invalid(format!(
            "ttl_seconds is {ttl}; it takes 1 to {LEASE_SECONDS_MAX}"
        ))
        .hint("take it for less, and renew it while you work")),
        _ => Ok(()),
    }
}

fn refused(error: PatternError) -> Error {
    invalid(error.message).hint(error.hint)
}
