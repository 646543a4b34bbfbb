//! The queue of a project: who is in whose way, and who is next.
//!
//! The order is that of the numbers, which is the order in which leases were
//! asked for. A waiter is granted as soon as nothing held by others, and nobody
//! who waits since earlier, overlaps what it waits for.
//!
//! That a lease has ended concerns those only whose thing overlaps it: nobody
//! else is compared with what is left. What one end may cost is bounded; whom
//! that leaves waiting is granted at its next call, which comes at least as
//! often as places are kept.

mod circle;

use std::cell::{Cell, OnceCell};
use std::collections::{BTreeMap, BTreeSet};

use coro_api::leases::LeaseStatus;
use coro_api::numbers::LeaseNumber;

use super::pattern::{Overlap, overlap_within, texts_differ};
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
    /// What each row is on, in the same order; read where its text leaves a
    /// question.
    things: Vec<OnceCell<Option<Thing>>>,
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
        let rows = store::of_project(tx, tenant, project)?;
        Ok(Queue::of(rows, tx.now()))
    }

    fn of(rows: Vec<LeaseRow>, now: Time) -> Queue {
        Queue {
            things: vec![OnceCell::new(); rows.len()],
            rows,
            now,
            visits_left: Cell::new(VISITS_MAX),
            visits_of_all_left: Cell::new(VISITS_OF_ALL_MAX),
        }
    }

    /// What a row is on.
    fn thing(&self, at: usize) -> Option<&Thing> {
        let row = &self.rows[at];
        let read = || Thing::stored(row.kind, &row.pattern);
        self.things[at].get_or_init(read).as_ref()
    }

    /// How many are held or waited for now. What a human allowed is none.
    pub(super) fn count_living(&self) -> usize {
        let rows = self.rows.iter();
        let living = rows.filter(|row| row.overrides.is_none() && row.lives(self.now));
        living.count()
    }

    /// Allows as much as at first for another question, while all together are
    /// not too much.
    pub(super) fn ask_anew(&self) {
        self.visits_left
            .set(VISITS_MAX.min(self.visits_of_all_left.get()));
    }

    /// The first that is in the way, see [`Self::obstacles`].
    pub(super) fn obstacle(
        &self,
        thing: &Thing,
        agent: &AgentId,
        place: Option<LeaseNumber>,
    ) -> Option<Obstacle<'_>> {
        self.obstacles(thing, agent, place).next()
    }

    /// What of others overlaps a thing: what is held, and what was waited for
    /// before `place`; without a place everything that is waited for.
    fn obstacles(
        &self,
        thing: &Thing,
        agent: &AgentId,
        place: Option<LeaseNumber>,
    ) -> impl Iterator<Item = Obstacle<'_>> {
        let counts = move |lease: &LeaseRow| {
            lease.excludes()
                && lease.agent.as_ref() != Some(agent)
                && lease.lives(self.now)
                && (lease.is_held() || place.is_none_or(|place| lease.number < place))
        };
        let others = self.rows.iter().enumerate();
        others.filter_map(move |(at, lease)| {
            if !counts(lease) || told_apart(thing, lease) {
                return None;
            }
            let witness = self.meet(thing, self.thing(at)?)?;
            Some(Obstacle { lease, witness })
        })
    }

    /// A protected path that overlaps a thing, and that no human has let the
    /// agent edit. It keeps nobody from leasing the thing.
    pub(super) fn protection(&self, thing: &Thing, agent: &AgentId) -> Option<LeaseNumber> {
        self.ask_anew();
        let is_allowed = |number: LeaseNumber| {
            let mut rows = self.rows.iter();
            rows.any(|row| {
                row.overrides == Some(number)
                    && row.agent.as_ref() == Some(agent)
                    && row.lives(self.now)
            })
        };
        let mut others = self.rows.iter().enumerate();
        others.find_map(|(at, lease)| {
            if !lease.is_protected() || told_apart(thing, lease) {
                return None;
            }
            self.meet(thing, self.thing(at)?)?;
            (!is_allowed(lease.number)).then_some(lease.number)
        })
    }

    /// Whether a row is waited for, and nothing is in its way any more.
    fn is_due(&self, at: usize) -> bool {
        let waiter = &self.rows[at];
        if waiter.is_held() || !waiter.lives(self.now) {
            return false;
        }
        match (self.thing(at), &waiter.agent) {
            (Some(thing), Some(agent)) => {
                self.obstacle(thing, agent, Some(waiter.number)).is_none()
            }
            _ => false,
        }
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

    /// As [`meet()`], within what may still be visited.
    fn meet(&self, a: &Thing, b: &Thing) -> Option<Option<String>> {
        let before = self.visits_left.get();
        let mut left = before;
        let met = meet(a, b, &mut left);
        self.visits_left.set(left);
        let of_all = self.visits_of_all_left.get();
        self.visits_of_all_left
            .set(of_all.saturating_sub(before - left));
        met
    }
}

/// Whether a lease is on something else by its text alone.
fn told_apart(thing: &Thing, lease: &LeaseRow) -> bool {
    match thing {
        _ if thing.kind() != lease.kind => true,
        Thing::Files(pattern) => texts_differ(pattern.as_str(), &lease.pattern),
        Thing::Name(name) => *name != lease.pattern,
    }
}

/// Whether two things overlap, with a path that both take where one is known.
/// What it cost is taken from `left`; without any left they do.
fn meet(a: &Thing, b: &Thing, left: &mut usize) -> Option<Option<String>> {
    match (a, b) {
        (Thing::Files(a), Thing::Files(b)) => match overlap_within(a, b, left) {
            Overlap::Overlaps { witness } => Some(witness),
            Overlap::Disjoint => None,
        },
        (Thing::Name(a), Thing::Name(b)) => (a == b).then_some(None),
        _ => None,
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
    let mut of_projects: BTreeMap<&str, Vec<LeaseRow>> = BTreeMap::new();
    for lease in leases {
        let ended = of_projects.entry(&lease.project).or_default();
        ended.push(lease.clone());
    }
    for (project, ended) in of_projects {
        grant_waiters(tx, tenant, project, ended)?;
    }
    Ok(revision)
}

/// Ends the leases of a project whose time is over, and grants what they held
/// back.
pub(super) fn end_expired(tx: &mut Tx<'_>, tenant: &TenantId, project: &str) -> Result<()> {
    grant_waiters(tx, tenant, project, Vec::new())
}

/// Removes the leases of a project whose time is over, and says so in the log.
fn tell_expired(tx: &mut Tx<'_>, tenant: &TenantId, project: &str) -> Result<Vec<LeaseRow>> {
    let now = tx.now();
    let expired = store::expired(tx, tenant, project, now)?;
    for lease in &expired {
        store::delete(tx, tenant, lease.number)?;
        tx.emit(tenant, lease.entry("coro.lease.expired"))?;
    }
    Ok(expired)
}

/// Grants what the leases of a project that have ended held back.
fn grant_waiters(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: &str,
    mut ended: Vec<LeaseRow>,
) -> Result<()> {
    // First: else the log would tell that two agents have the same.
    ended.extend(tell_expired(tx, tenant, project)?);
    ended.retain(LeaseRow::excludes);
    if ended.is_empty() {
        return Ok(());
    }
    let waiting = store::waiting(tx, tenant, project)?;
    let concerned = concerned_by(&ended, &waiting);
    if concerned.is_empty() {
        return Ok(());
    }
    let mut queue = Queue::load(tx, tenant, project)?;
    for at in 0..queue.rows.len() {
        let is_concerned = concerned.contains(&queue.rows[at].number);
        if is_concerned && queue.is_due(at) {
            let lease = &mut queue.rows[at];
            grant_waiter(tx, tenant, lease)?;
        }
    }
    Ok(())
}

/// Which waiters may have waited for what has ended. One too many is compared
/// for nothing; so who is beyond the bound is among them.
fn concerned_by(ended: &[LeaseRow], waiting: &[LeaseRow]) -> BTreeSet<LeaseNumber> {
    let mut left = VISITS_MAX;
    let things = ended
        .iter()
        .map(|lease| (lease, Thing::stored(lease.kind, &lease.pattern)));
    let things: Vec<_> = things.collect();
    let mut is_concerned = |waiter: &LeaseRow| {
        let Some(thing) = Thing::stored(waiter.kind, &waiter.pattern) else {
            return false;
        };
        things.iter().any(|(lease, ended)| {
            lease.agent != waiter.agent
                && !told_apart(&thing, lease)
                && ended
                    .as_ref()
                    .is_some_and(|ended| meet(&thing, ended, &mut left).is_some())
        })
    };
    let concerned = waiting.iter().filter(|waiter| is_concerned(waiter));
    concerned.map(|waiter| waiter.number).collect()
}

/// Grants a lease that is waited for where nobody told it that it is due. What
/// has expired was told before, see [`end_expired`].
pub(super) fn grant_if_due(tx: &mut Tx<'_>, tenant: &TenantId, lease: &mut LeaseRow) -> Result<()> {
    if lease.is_held() {
        return Ok(());
    }
    let queue = Queue::load(tx, tenant, &lease.project)?;
    let place = queue.rows.iter().position(|row| row.number == lease.number);
    if place.is_some_and(|at| queue.is_due(at)) {
        grant_waiter(tx, tenant, lease)?;
    }
    Ok(())
}

/// Grants a waiter of whom the queue says that it is due.
pub(super) fn grant_waiter(tx: &mut Tx<'_>, tenant: &TenantId, lease: &mut LeaseRow) -> Result<()> {
    let entry = lease.entry("coro.lease.granted");
    grant(tx, tenant, lease, entry)?;
    store::update(tx, tenant, lease)
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
    use coro_api::leases::{LeaseKind, LeaseMode};

    use super::*;
    use crate::leases::pattern::Pattern;

    fn files(pattern: &str) -> Thing {
        Thing::Files(Pattern::stored(pattern).expect("a pattern"))
    }

    #[test]
    fn what_all_questions_cost_together_is_bounded() {
        let queue = Queue {
            visits_left: Cell::new(1_000),
            visits_of_all_left: Cell::new(1_000),
            ..Queue::of(Vec::new(), Time(0))
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

    fn lease(number: i64, pattern: &str, status: LeaseStatus) -> LeaseRow {
        LeaseRow {
            number: LeaseNumber(number),
            project: String::new(),
            kind: LeaseKind::Path,
            pattern: pattern.to_owned(),
            mode: LeaseMode::Block,
            status,
            reason: String::new(),
            agent: Some(AgentId::from_text(&format!("agent-{number}"))),
            holder: String::new(),
            generation: None,
            actor: String::new(),
            task: None,
            overrides: None,
            fence: None,
            ttl_seconds: None,
            requested_at: Time(0),
            granted_at: None,
            expires_at: None,
        }
    }

    #[test]
    fn only_what_its_text_leaves_open_is_read() {
        let mut rows: Vec<LeaseRow> = (0..1_000)
            .map(|n| lease(n, &format!("/module-{n}/"), LeaseStatus::Held))
            .collect();
        rows.push(lease(1_000, "/module-7/src/", LeaseStatus::Waiting));
        let queue = Queue::of(rows, Time(0));
        assert!(!queue.is_due(1_000));
        let read = queue.things.iter().filter(|thing| thing.get().is_some());
        assert_eq!(
            read.count(),
            2,
            "the waiter's, and that of who is in its way"
        );
    }

    #[test]
    fn an_end_concerns_those_only_whom_it_held_back() {
        use LeaseStatus::{Held, Waiting};
        let ended = [lease(1, "/src/api/", Held), lease(2, "/web/", Waiting)];
        let waiting = [
            lease(3, "/src/**", Waiting),
            lease(4, "/docs/", Waiting),
            lease(5, "/web/*.css", Waiting),
            lease(6, "*.md", Waiting),
            LeaseRow {
                agent: ended[1].agent.clone(),
                ..lease(7, "/web/x", Waiting)
            },
            LeaseRow {
                kind: LeaseKind::Name,
                ..lease(8, "/web/", Waiting)
            },
        ];
        let concerned = concerned_by(&ended, &waiting);
        assert_eq!(concerned, BTreeSet::from([3, 5, 6].map(LeaseNumber)));
    }
}
