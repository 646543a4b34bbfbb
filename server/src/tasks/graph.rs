//! How tasks wait for each other, as much of it as can be drawn.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use coro_api::numbers::TaskNumber;
use coro_api::tasks::{TaskEdge, TaskGraph};

use super::dependencies::{self, Pair};
use super::{find_number, store, unknown};
use crate::app::Ctx;
use crate::db::Tx;
use crate::error::Result;
use crate::ids::TenantId;

/// Of what a graph is drawn.
#[derive(Clone, Debug, Default)]
pub struct GraphFilter {
    pub project: Option<String>,
    /// Only what this task waits for and what waits for it, near or far.
    pub task: Option<TaskNumber>,
}

/// A graph, and the revision that it was read at.
///
/// Around a task the nearest are shown; else those that were made first.
pub async fn graph_tasks(
    ctx: &Ctx,
    mut filter: GraphFilter,
    limit: usize,
) -> Result<(TaskGraph, i64)> {
    if ctx.caller.project.is_some() {
        filter.project = Some(ctx.caller.project_for(filter.project.take())?);
    }
    let job_ctx = ctx.clone();
    let job = move |tx: &mut Tx<'_>| {
        let tenant = &job_ctx.caller.tenant;
        let revision = tx.head(tenant)?.revision;
        let (pairs, shown) = match filter.task {
            Some(task) => {
                let task = find_in(tx, &job_ctx, task, filter.project.as_deref())?;
                let below = dependencies::pairs_below(tx, tenant, task)?;
                let above = dependencies::pairs_above(tx, tenant, task)?;
                let shown = nearest(task, &below, &above, limit);
                ([below, above].concat(), shown)
            }
            None => {
                let pairs = dependencies::open_pairs(tx, tenant, filter.project.as_deref())?;
                let shown = first(&pairs, limit);
                (pairs, shown)
            }
        };
        Ok((draw(tx, tenant, &pairs, &shown)?, revision))
    };
    ctx.app.db.scan(job).await
}

/// A task of a project, where one is named.
fn find_in(tx: &mut Tx<'_>, ctx: &Ctx, task: TaskNumber, project: Option<&str>) -> Result<i64> {
    let found = find_number(tx, ctx, task)?;
    match project {
        Some(project) if project != found.project => Err(unknown(task)),
        _ => Ok(found.number),
    }
}

/// The tasks of the first pairs.
fn first(pairs: &[Pair], limit: usize) -> BTreeSet<i64> {
    let tasks = pairs.iter().flat_map(|(task, below)| [*below, *task]);
    let mut shown = BTreeSet::new();
    for task in tasks {
        if shown.len() == limit {
            break;
        }
        shown.insert(task);
    }
    shown
}

/// A task, and those from which the fewest steps lead to it.
fn nearest(task: i64, below: &[Pair], above: &[Pair], limit: usize) -> BTreeSet<i64> {
    let mut waits_for: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    let mut waiting: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for (from, to) in below {
        waits_for.entry(*from).or_default().push(*to);
    }
    for (from, to) in above {
        waiting.entry(*to).or_default().push(*from);
    }
    let mut shown = BTreeSet::from([task]);
    let mut look = VecDeque::from([(task, &waits_for), (task, &waiting)]);
    while let Some((at, way)) = look.pop_front() {
        for next in way.get(&at).into_iter().flatten() {
            if shown.len() < limit && shown.insert(*next) {
                look.push_back((*next, way));
            }
        }
    }
    shown
}

fn draw(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    pairs: &[Pair],
    shown: &BTreeSet<i64>,
) -> Result<TaskGraph> {
    let all: BTreeSet<i64> = pairs.iter().flat_map(|(a, b)| [*a, *b]).collect();
    let inside = |pair: &&Pair| shown.contains(&pair.0) && shown.contains(&pair.1);
    let edges = pairs.iter().filter(inside).map(|(task, below)| TaskEdge {
        task: TaskNumber(*task),
        depends_on: TaskNumber(*below),
    });
    let numbers: Vec<i64> = shown.iter().copied().collect();
    Ok(TaskGraph {
        tasks: store::nodes(tx, tenant, &numbers)?,
        edges: edges.collect(),
        left_out: i64::try_from(all.difference(shown).count()).unwrap_or(i64::MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A diamond below 4, and a chain 4, 5, 6 above it.
    const BELOW: [Pair; 4] = [(2, 1), (3, 1), (4, 2), (4, 3)];
    const ABOVE: [Pair; 2] = [(5, 4), (6, 5)];

    #[test]
    fn the_nearest_of_both_ways_come_first() {
        for (limit, shown) in [
            (1, vec![4]),
            (3, vec![2, 3, 4]),
            (4, vec![2, 3, 4, 5]),
            (5, vec![1, 2, 3, 4, 5]),
            (9, vec![1, 2, 3, 4, 5, 6]),
        ] {
            let found = nearest(4, &BELOW, &ABOVE, limit);
            assert_eq!(found.into_iter().collect::<Vec<_>>(), shown, "{limit}");
        }
    }

    #[test]
    fn of_a_queue_the_first_are_shown() {
        assert_eq!(first(&BELOW, 3), BTreeSet::from([1, 2, 3]));
        assert_eq!(first(&BELOW, 9), BTreeSet::from([1, 2, 3, 4]));
    }
}
