//! Lists of leases.

use coro_api::leases::{Lease, LeaseKind};
use coro_api::limits::LIST_ROWS_MAX;
use coro_api::numbers::{LeaseNumber, TaskNumber};

use super::pattern::{Pattern, check_path, may_match};
use super::{LeaseRow, refused, store};
use crate::app::Ctx;
use crate::db::Tx;
use crate::error::Result;
use crate::listed::Listed;

/// How many rows are read at a time.
const STEP: i64 = 500;

/// The most rows that one call looks at: a path may match few of them.
const ROWS_MAX: i64 = LIST_ROWS_MAX;

/// The most states that one call visits to compare its path with patterns.
/// Usual ones need a handful for each.
const VISITS_MAX: u64 = 20_000_000;

/// What a list is narrowed to; each part that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct LeaseFilter {
    pub project: Option<String>,
    /// The name of an agent.
    pub holder: Option<String>,
    pub task: Option<TaskNumber>,
    /// A path that the pattern matches.
    pub path: Option<String>,
}

impl LeaseFilter {
    /// Whether the list has a lease. What it cost is taken from `left`.
    fn takes(&self, lease: &LeaseRow, left: &mut u64) -> bool {
        let mut matches = |path: &String| {
            lease.kind == LeaseKind::Path
                && may_match(&lease.pattern, path)
                && Pattern::stored(&lease.pattern)
                    .is_some_and(|pattern| pattern.matches_within(path, left))
        };
        self.holder.as_ref().is_none_or(|of| *of == lease.holder)
            && self.task.is_none_or(|of| Some(of) == lease.task)
            && self.path.as_ref().is_none_or(&mut matches)
    }
}

/// The leases that the caller sees after a number, in the order in which they
/// were asked for. A page may be short, or empty, and have a next one all the
/// same.
pub async fn list_leases(
    ctx: &Ctx,
    filter: LeaseFilter,
    after: LeaseNumber,
    rows: usize,
) -> Result<Listed<Lease>> {
    if let Some(path) = &filter.path {
        check_path(path).map_err(refused)?;
    }
    let job_ctx = ctx.clone();
    let db = &ctx.app.db;
    db.scan(move |tx| {
        let revision = tx.head(&job_ctx.caller.tenant)?.revision;
        let (items, next) = collect(tx, &job_ctx, &filter, after, rows)?;
        Ok(Listed {
            items,
            revision,
            next: next.map(|next| next.to_string()),
        })
    })
    .await
}

/// The leases, and the last that was looked at, where there may be more behind
/// it.
fn collect(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    filter: &LeaseFilter,
    mut after: LeaseNumber,
    rows: usize,
) -> Result<(Vec<Lease>, Option<LeaseNumber>)> {
    let tenant = &ctx.caller.tenant;
    let now = tx.now();
    let project = match (&ctx.caller.project, &filter.project) {
        // A token of a project sees nothing of another.
        (Some(own), Some(asked)) if own != asked => return Ok((Vec::new(), None)),
        (own, asked) => own.as_deref().or(asked.as_deref()),
    };
    let (mut leases, mut seen, mut left) = (Vec::new(), 0, VISITS_MAX);
    loop {
        let some = store::list(tx, tenant, project, after, STEP)?;
        let is_last = (some.len() as i64) < STEP;
        for lease in some {
            if leases.len() == rows || seen == ROWS_MAX || left == 0 {
                return Ok((leases, Some(after)));
            }
            (after, seen) = (lease.number, seen + 1);
            if lease.lives(now) && filter.takes(&lease, &mut left) {
                leases.push(lease.shown());
            }
        }
        if is_last {
            return Ok((leases, None));
        }
    }
}
