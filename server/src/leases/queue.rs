//! The queue of a project: who is in whose way, and who is next.
//!
//! The order is that of the numbers, which is the order in which leases were
//! asked for. A waiter is granted as soon as nothing held by others, and nobody
//! who waits since earlier, overlaps what it waits for.

use std::cell::Cell;
use std::collections::BTreeSet;

use coro_api::leases::LeaseStatus;
use coro_api::numbers::LeaseNumber;

use super::pattern::{Overlap, overlap_within};
use super::{LeaseRow, Thing, store};
use crate::app::App;
use crate::clock::Time;
use crate::db::{Db, NewEntry, Tx};
use crate::error::Result;
use crate::ids::{AgentId, TenantId};
use crate::tenants;

/// The most projects whose expired leases one round ends.
const PROJECTS_OF_ROUND: i64 = 100;

/// The most states that are visited to decide one question, over all leases of
/// a project: others of the tenant wait meanwhile. Usual patterns need about a
/// hundred for each lease.
const VISITS_MAX: usize = 1_000_000;

/// The most of all questions together that are put to leases read once: a search
/// for a task asks about each. Beyond it what is not told apart by the first
/// letters overlaps.
const VISITS_OF_ALL_MAX: usize = 2 * VISITS_MAX;

/// All leases of a project.
pub(super) struct Queue {
    pub(super) rows: Vec<LeaseRow>,
    /// What each row is on, in the same order.
    things: Vec<Option<Thing>>,
    now: Time,
    /// How much may still be visited for the question, and for all.
    visits_left: Cell<usize>,
    visits_of_all_left: Cell<usize>,
}

/// Who is in the way.
pub(super) struct Obstacle<'a> {
    pub(super) lease: &'a LeaseRow,
    /// A path that both take, where one is known.
    pub(super) witness: Option<String>,
}

impl Queue {
    pub(super) fn load(tx: &mut Tx<'_>, tenant: &TenantId, project: &str) -> Result<Queue> {
        let rows = store::list(tx, tenant, Some(project))?;
        let things = rows.iter().map(|row| Thing::stored(row.kind, &row.pattern));
        Ok(Queue {
            things: things.collect(),
            rows,
            now: tx.now(),
            visits_left: Cell::new(VISITS_MAX),
            visits_of_all_left: Cell::new(VISITS_OF_ALL_MAX),
        })
    }

    /// Allows as much as at first for another question, while all together are
    /// not too much.
    pub(super) fn ask_anew(&self) {
        self.visits_left
            .set(VISITS_MAX.min(self.visits_of_all_left.get()));
    }

    /// What of others overlaps a thing: what is held, and what was waited for
    /// before `place`; without a place everything that is waited for.
    pub(super) fn obstacle(
        &self,
        thing: &Thing,
        agent: &AgentId,
        place: Option<LeaseNumber>,
    ) -> Option<Obstacle<'_>> {
        let counts = |lease: &LeaseRow| {
            lease.excludes()
                && lease.agent.as_ref() != Some(agent)
                && lease.lives(self.now)
                && (lease.is_held() || place.is_none_or(|place| lease.number < place))
        };
        let mut others = self.rows.iter().zip(&self.things);
        others.find_map(|(lease, other)| {
            let other = other.as_ref().filter(|_| counts(lease))?;
            let witness = self.meet(thing, other)?;
            Some(Obstacle { lease, witness })
        })
    }

    /// The agent's own lease on the same, which it asked for by itself.
    pub(super) fn own(&self, thing: &Thing, agent: &AgentId) -> Option<&LeaseRow> {
        self.rows.iter().find(|lease| {
            lease.agent.as_ref() == Some(agent)
                && lease.task.is_none()
                && lease.overrides.is_none()
                && lease.kind == thing.kind()
                && lease.pattern == thing.text()
        })
    }

    /// Whether two things overlap, with a path that both take where one is
    /// known.
    fn meet(&self, a: &Thing, b: &Thing) -> Option<Option<String>> {
        match (a, b) {
            (Thing::Files(a), Thing::Files(b)) => {
                let before = self.visits_left.get();
                let mut left = before;
                let found = overlap_within(a, b, &mut left);
                self.visits_left.set(left);
                let of_all = self.visits_of_all_left.get();
                self.visits_of_all_left
                    .set(of_all.saturating_sub(before - left));
                match found {
                    Overlap::Overlaps { witness } => Some(witness),
                    Overlap::Disjoint => None,
                }
            }
            (Thing::Name(a), Thing::Name(b)) => (a == b).then_some(None),
            _ => None,
        }
    }
}

/// Makes a lease held, from the present on. Its fencing token is the revision
/// of the row that says so.
pub(super) fn grant(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    lease: &mut LeaseRow,
    entry: NewEntry,
) -> Result<()> {
    let now = tx.now();
    lease.status = LeaseStatus::Held;
    lease.granted_at = Some(now);
    lease.expires_at = lease.ttl_seconds.map(|seconds| now.plus_seconds(seconds));
    lease.fence = Some(tx.emit(tenant, entry)?);
    Ok(())
}

/// Ends leases, and grants what they held back. Tells the revision at which the
/// last of them ended.
pub(super) fn end(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    leases: &[LeaseRow],
    entry: impl Fn(&LeaseRow) -> NewEntry,
) -> Result<i64> {
    let mut revision = 0;
    for lease in leases {
        store::delete(tx, tenant, lease.number)?;
        revision = tx.emit(tenant, entry(lease))?;
    }
    let excluding = leases.iter().filter(|lease| lease.excludes());
    let projects: BTreeSet<&str> = excluding.map(|lease| lease.project.as_str()).collect();
    for project in projects {
        grant_waiters(tx, tenant, project)?;
    }
    Ok(revision)
}

/// Ends the leases of a project whose time is over, and grants what they held
/// back.
pub(super) fn end_expired(tx: &mut Tx<'_>, tenant: &TenantId, project: &str) -> Result<()> {
    match tell_expired(tx, tenant, project)? {
        true => grant_waiters(tx, tenant, project),
        false => Ok(()),
    }
}

/// Removes the leases of a project whose time is over, and says so in the log.
/// Tells whether there were any.
fn tell_expired(tx: &mut Tx<'_>, tenant: &TenantId, project: &str) -> Result<bool> {
    let now = tx.now();
    let mut expired = store::list(tx, tenant, Some(project))?;
    expired.retain(|lease| !lease.lives(now));
    for lease in &expired {
        store::delete(tx, tenant, lease.number)?;
        tx.emit(tenant, lease.entry("coro.lease.expired"))?;
    }
    Ok(!expired.is_empty())
}

fn grant_waiters(tx: &mut Tx<'_>, tenant: &TenantId, project: &str) -> Result<()> {
    // First: else the log would tell that two agents have the same.
    tell_expired(tx, tenant, project)?;
    let mut queue = Queue::load(tx, tenant, project)?;
    for at in 0..queue.rows.len() {
        let waiter = &queue.rows[at];
        if waiter.is_held() || !waiter.lives(queue.now) {
            continue;
        }
        let (Some(thing), Some(agent)) = (&queue.things[at], &waiter.agent) else {
            continue;
        };
        if queue.obstacle(thing, agent, Some(waiter.number)).is_some() {
            continue;
        }
        let lease = &mut queue.rows[at];
        let entry = lease.entry("coro.lease.granted");
        grant(tx, tenant, lease, entry)?;
        store::update(tx, tenant, lease)?;
    }
    Ok(())
}

/// Ends what has expired, of every tenant, and grants what it held back.
pub async fn sweep(app: &App) -> Result<()> {
    for tenant in tenants::list_tenants(&app.db).await? {
        // One tenant that can't be written stops no other.
        if let Err(error) = sweep_tenant(&app.db, &tenant).await {
            tracing::error!(%error, %tenant, "expired leases could not be ended; it is tried again");
        }
    }
    Ok(())
}

async fn sweep_tenant(db: &Db, tenant: &TenantId) -> Result<()> {
    let of = tenant.clone();
    let projects = db
        .read(move |tx| {
            let now = tx.now();
            store::expired_projects(tx, &of, now, PROJECTS_OF_ROUND)
        })
        .await?;
    for project in projects {
        let of = tenant.clone();
        let job = move |tx: &mut Tx<'_>| end_expired(tx, &of, &project);
        db.write(tenant, job).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leases::pattern::Pattern;

    fn files(pattern: &str) -> Thing {
        Thing::Files(Pattern::stored(pattern).expect("a pattern"))
    }

    #[test]
    fn what_all_questions_cost_together_is_bounded() {
        let queue = Queue {
            rows: Vec::new(),
            things: Vec::new(),
            now: Time(0),
            visits_left: Cell::new(1_000),
            visits_of_all_left: Cell::new(1_000),
        };
        let (one, other) = (files("*a*b*c*d*e*"), files("*e*d*c*b*a*"));
        let mut witnesses = 0;
        for _ in 0..100 {
            queue.ask_anew();
            let met = queue.meet(&one, &other).expect("they overlap");
            witnesses += usize::from(met.is_some());
        }
        assert!(witnesses < 50, "{witnesses} were decided");
        assert_eq!(queue.visits_of_all_left.get(), 0);
        let met = queue.meet(&files("/a/*"), &files("/b/*"));
        assert_eq!(met, None, "the first letters tell them apart for nothing");
    }
}
