//! What stands in the way of a claim or of an edit.

use std::cell::OnceCell;
use std::cmp::Reverse;

use coro_api::leases::{CheckPaths, CheckedPaths, HinderedPath, LeaseKind};
use coro_api::limits::{LIST_ROWS_MAX, PATHS_MAX};
use coro_api::numbers::LeaseNumber;

use super::pattern::{Pattern, check_path, may_match};
use super::queue::Queue;
use super::room::check_project;
use super::{LeaseRow, Room, Thing, refused, store};
use crate::agents::{AgentRef, caller_agent, project_for};
use crate::app::Ctx;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Result, invalid};
use crate::ids::{AgentId, TenantId};

/// The most states that are visited to compare the paths of one call with all
/// leases. Usual paths and patterns need a handful for each pair.
const VISITS_MAX: u64 = 50_000_000;

/// The most leases that are read where no project is named. Paths that were
/// compared with fewer would seem free.
const ROWS_MAX: i64 = LIST_ROWS_MAX;

/// What stands in the way of a claim.
#[derive(Clone, Debug)]
pub struct Hindrance {
    pub lease: LeaseNumber,
    /// The pattern or name that is leased.
    pub pattern: String,
    /// The name of the agent that holds it, or waits for it.
    pub holder: String,
    pub reason: String,
    /// A path that both take, where one is known.
    pub witness: Option<String>,
}

/// The leases of a project that are held now, and those that are waited for,
/// read once for many questions.
pub struct HeldLeases {
    queue: Queue,
}

impl HeldLeases {
    pub fn load(tx: &mut Tx<'_>, tenant: &TenantId, project: &str) -> Result<HeldLeases> {
        Ok(HeldLeases {
            queue: Queue::load(tx, tenant, project)?,
        })
    }

    /// Refuses more than there is room for in the project, whoever takes them.
    pub fn check_room(&self, more: usize) -> Result<()> {
        match more {
            0 => Ok(()),
            _ => check_project(&self.queue, more),
        }
    }

    /// How many more the agent may take here.
    pub fn room(&self, tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentRef) -> Result<Room> {
        Room::of(tx, tenant, &self.queue, agent)
    }

    /// What of others overlaps one of the patterns. Patterns that can't be
    /// parsed overlap nothing: they were checked when they came.
    pub fn hinders(&self, patterns: &[String], agent: &AgentId) -> Option<Hindrance> {
        let excludes = |lease: &LeaseRow| lease.excludes() && lease.agent.as_ref() != Some(agent);
        // Usually nothing is leased, and nothing need be compared.
        if !self.queue.rows.iter().any(excludes) {
            return None;
        }
        self.queue.ask_anew();
        patterns.iter().find_map(|text| {
            let thing = Thing::Files(Pattern::stored(text)?);
            let obstacle = self.queue.obstacle(&thing, agent, None)?;
            Some(Hindrance {
                lease: obstacle.lease.number,
                pattern: obstacle.lease.pattern.clone(),
                holder: obstacle.lease.holder.clone(),
                reason: obstacle.lease.reason.clone(),
                witness: obstacle.witness,
            })
        })
    }
}

/// Which of some paths the caller had better not edit.
pub async fn check_paths(ctx: &Ctx, check: CheckPaths) -> Result<CheckedPaths> {
    check_askable(&check.paths)?;
    let job_ctx = ctx.clone();
    let db = &ctx.app.db;
    db.scan(move |tx| {
        let project = project_to_check(tx, &job_ctx, check.project.as_deref())?;
        let agent = caller_agent(tx, &job_ctx)?.map(|agent| agent.id);
        let tenant = &job_ctx.caller.tenant;
        let leases = match &project {
            Some(project) => store::of_project(tx, tenant, project)?,
            None => of_all_projects(tx, tenant)?,
        };
        let hindered = hindered_by_some(leases, tx.now(), agent.as_ref(), &check.paths)?;
        Ok(CheckedPaths { project, hindered })
    })
    .await
}

/// The project whose leases a call asks about; `None` means all. Where nobody
/// names one, the default would call files free that another project leased.
fn project_to_check(tx: &mut Tx<'_>, ctx: &Ctx, named: Option<&str>) -> Result<Option<String>> {
    let is_named = named.is_some_and(|named| !named.is_empty()) || ctx.caller.project.is_some();
    if !is_named && caller_agent(tx, ctx)?.is_none() {
        return Ok(None);
    }
    project_for(tx, ctx, named).map(Some)
}

fn of_all_projects(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Vec<LeaseRow>> {
    let leases = store::list(tx, tenant, None, LeaseNumber(0), ROWS_MAX + 1)?;
    if leases.len() as i64 > ROWS_MAX {
        return Err(invalid(format!(
            "all projects together have more than {ROWS_MAX} leases to look at"
        ))
        .hint("name the project of the paths"));
    }
    Ok(leases)
}

/// Refuses more paths than one call may ask about, and what is no path.
pub fn check_askable(paths: &[String]) -> Result<()> {
    if paths.len() > PATHS_MAX {
        let count = paths.len();
        return Err(invalid(format!("{count} paths are more than {PATHS_MAX}"))
            .hint("check them in several calls"));
    }
    for path in paths {
        check_path(path).map_err(refused)?;
    }
    Ok(())
}

/// The paths that leases of others cover, or protected paths of the project;
/// the worst mode first.
pub fn hindered_paths(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: &str,
    agent: Option<&AgentId>,
    paths: &[String],
) -> Result<Vec<HinderedPath>> {
    let leases = store::of_project(tx, tenant, project)?;
    hindered_by_some(leases, tx.now(), agent, paths)
}

/// The paths that some of the leases cover.
fn hindered_by_some(
    mut leases: Vec<LeaseRow>,
    now: Time,
    agent: Option<&AgentId>,
    paths: &[String],
) -> Result<Vec<HinderedPath>> {
    leases.retain(|lease| lease.is_held() && lease.lives(now));
    let is_own = |lease: &LeaseRow| agent.is_some() && lease.agent.as_ref() == agent;
    let allowed: Vec<LeaseNumber> = leases
        .iter()
        .filter(|lease| is_own(lease))
        .filter_map(|lease| lease.overrides)
        .collect();
    leases.retain(|lease| {
        lease.overrides.is_none() && !is_own(lease) && !allowed.contains(&lease.number)
    });
    // The first that matches is the one to tell.
    leases.sort_by_key(|lease| (Reverse(lease.mode), lease.number));
    let files = leases.iter().filter(|lease| lease.kind == LeaseKind::Path);
    let files: Vec<Files<'_>> = files.map(Files::of).collect();
    let mut left = VISITS_MAX;
    let mut hindered = Vec::new();
    for path in paths {
        let mut all = files.iter();
        if let Some(one) = all.find(|one| one.matches(path, &mut left)) {
            hindered.push(hindered_by(path, one.lease));
        }
        if left == 0 {
            return Err(
                invalid("the paths take too long to be compared with the leases")
                    .hint("check fewer in one call"),
            );
        }
    }
    hindered.sort_by_key(|one| Reverse(one.mode));
    Ok(hindered)
}

/// What a lease is on, read where its text does not tell it from a path.
struct Files<'a> {
    lease: &'a LeaseRow,
    pattern: OnceCell<Option<Pattern>>,
}

impl<'a> Files<'a> {
    fn of(lease: &'a LeaseRow) -> Self {
        Files {
            lease,
            pattern: OnceCell::new(),
        }
    }

    /// Takes what it cost from `left`, without which nothing matches.
    fn matches(&self, path: &str, left: &mut u64) -> bool {
        *left = left.saturating_sub(1);
        if *left == 0 || !may_match(&self.lease.pattern, path) {
            return false;
        }
        let read = || Pattern::stored(&self.lease.pattern);
        let pattern = self.pattern.get_or_init(read);
        pattern
            .as_ref()
            .is_some_and(|pattern| pattern.matches_within(path, left))
    }
}

fn hindered_by(path: &str, lease: &LeaseRow) -> HinderedPath {
    HinderedPath {
        path: path.to_owned(),
        lease: lease.number,
        project: lease.project.clone(),
        pattern: lease.pattern.clone(),
        holder: lease.holder.clone(),
        mode: lease.mode,
        reason: lease.reason.clone(),
    }
}
