//! What tasks wait for: other tasks of their project, never in a circle.
//!
//! `TaskRow::blockers` counts the dependencies of a task that are not done,
//! whatever becomes of the task itself. So it changes with each dependency that
//! is done, reopened, added or taken away, and nothing else needs to look.

mod store;

use std::collections::{BTreeMap, BTreeSet};

use coro_api::limits::{TASK_DEPENDENCIES_MAX, TASK_DEPENDENTS_MAX};
use coro_api::numbers::TaskNumber;
use coro_api::tasks::{TaskDependency, TaskStatus};

use super::{TaskRow, find_number};
use crate::app::Ctx;
use crate::db::Tx;
use crate::error::{Error, Result, conflict, invalid};
use crate::ids::TenantId;
use crate::said::cut;

/// How much of a result is shown with the task that depends on it and in a
/// graph, in characters of its JSON.
pub(super) const RESULT_CHARS: i64 = 500;

/// How many pairs are followed to find a circle, or to draw them. A project with
/// more is beyond what anybody could read.
const PAIRS_MAX: i64 = 20_000;

/// A task, and one that it depends on.
pub(super) type Pair = (i64, i64);

/// A task that another one depends on.
pub(super) struct Dependency {
    pub(super) number: i64,
    title: String,
    pub(super) status: TaskStatus,
    pub(super) claimed_by: Option<String>,
    /// The beginning of its JSON.
    result: Option<String>,
}

impl Dependency {
    pub(super) fn shown(self) -> TaskDependency {
        TaskDependency {
            id: TaskNumber(self.number),
            title: self.title,
            status: self.status,
            result: self.result.map(|json| in_a_line(&json)),
        }
    }
}

/// A text without its quotes where the whole of it is there, else what is
/// there of the JSON.
pub(super) fn in_a_line(json: &str) -> String {
    match serde_json::from_str::<String>(json) {
        Ok(text) => text.replace('\n', " "),
        Err(_) => cut(json, RESULT_CHARS as usize - 1),
    }
}

/// What a task depends on.
pub(super) fn list(tx: &mut Tx<'_>, tenant: &TenantId, task: i64) -> Result<Vec<Dependency>> {
    store::list(tx, tenant, task)
}

/// The tasks of these numbers, each once, which a task of the project may
/// depend on.
pub(super) fn find(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    project: &str,
    numbers: &BTreeSet<i64>,
) -> Result<Vec<TaskRow>> {
    check_count(numbers.len())?;
    let mut found = Vec::with_capacity(numbers.len());
    for number in numbers {
        let task = find_number(tx, ctx, TaskNumber(*number))?;
        if task.project != project {
            return Err(invalid(format!(
                "{} is of the project {:?}: a task depends on tasks of its own project, {project:?}",
                task.id(),
                task.project
            ))
            .hint("make a task of this project that stands for what is awaited"));
        }
        found.push(task);
    }
    Ok(found)
}

pub(super) fn check_count(count: usize) -> Result<()> {
    if count <= TASK_DEPENDENCIES_MAX {
        return Ok(());
    }
    Err(invalid(format!(
        "{count} dependencies are more than {TASK_DEPENDENCIES_MAX}"
    ))
    .hint("put a task between that stands for some of them"))
}

/// Lets a task wait for another one. Blockers are the caller's business.
pub(super) fn add(tx: &mut Tx<'_>, tenant: &TenantId, task: i64, dependency: i64) -> Result<()> {
    store::insert(tx, tenant, task, dependency)
}

/// Ends what a task waits for. Blockers are the caller's business.
pub(super) fn clear(tx: &mut Tx<'_>, tenant: &TenantId, task: i64) -> Result<()> {
    store::delete_of(tx, tenant, task)
}

/// Forgets a task that no open one waits for.
pub(super) fn forget(tx: &mut Tx<'_>, tenant: &TenantId, task: i64) -> Result<()> {
    store::delete_of(tx, tenant, task)?;
    store::delete_on(tx, tenant, task)
}

/// Through which tasks one depends on others, near or far.
pub(super) fn pairs_below(tx: &mut Tx<'_>, tenant: &TenantId, task: i64) -> Result<Vec<Pair>> {
    store::pairs_below(tx, tenant, task, PAIRS_MAX)
}

/// Through which tasks others depend on one, near or far.
pub(super) fn pairs_above(tx: &mut Tx<'_>, tenant: &TenantId, task: i64) -> Result<Vec<Pair>> {
    store::pairs_above(tx, tenant, task, PAIRS_MAX)
}

/// What the tasks that are not closed depend on.
pub(super) fn open_pairs(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: Option<&str>,
) -> Result<Vec<Pair>> {
    store::open_pairs(tx, tenant, project, PAIRS_MAX)
}

/// Refuses more dependents of a task than one transaction shall tell.
pub(super) fn check_room(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    dependency: i64,
    more: i64,
) -> Result<()> {
    if store::count_dependents(tx, tenant, dependency)? + more <= TASK_DEPENDENTS_MAX {
        return Ok(());
    }
    Err(conflict(format!(
        "{} has {TASK_DEPENDENTS_MAX} tasks that depend on it already",
        TaskNumber(dependency)
    ))
    .hint("put a task between that stands for some of them"))
}

/// Refuses dependencies that would make a task wait for itself.
pub(super) fn check_no_circle(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    task: i64,
    dependencies: &BTreeSet<i64>,
) -> Result<()> {
    if dependencies.contains(&task) {
        let id = TaskNumber(task);
        return Err(circle(&[id.to_string(), id.to_string()]));
    }
    let pairs = store::pairs_above(tx, tenant, task, PAIRS_MAX + 1)?;
    if pairs.len() as i64 > PAIRS_MAX {
        return Err(conflict(format!(
            "more than {PAIRS_MAX} dependencies lead to {}",
            TaskNumber(task)
        ))
        .hint("make a new task in its place"));
    }
    let mut waits_for: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for (above, below) in pairs {
        waits_for.entry(above).or_default().push(below);
    }
    let Some(first) = dependencies.iter().find(|one| waits_for.contains_key(one)) else {
        return Ok(());
    };
    let mut path = vec![task];
    path.extend(way_down(&waits_for, *first, task));
    let path: Vec<String> = path
        .into_iter()
        .map(|n| TaskNumber(n).to_string())
        .collect();
    Err(circle(&path))
}

/// A way from one task to another through what each waits for.
fn way_down(waits_for: &BTreeMap<i64, Vec<i64>>, from: i64, to: i64) -> Vec<i64> {
    let mut came_from: BTreeMap<i64, i64> = BTreeMap::new();
    let mut look = std::collections::VecDeque::from([from]);
    while let Some(at) = look.pop_front() {
        if at == to {
            break;
        }
        for next in waits_for.get(&at).into_iter().flatten() {
            if *next != from && !came_from.contains_key(next) {
                came_from.insert(*next, at);
                look.push_back(*next);
            }
        }
    }
    let mut way = vec![to];
    while let Some(before) = came_from.get(way.last().unwrap_or(&from)) {
        way.push(*before);
    }
    way.reverse();
    way
}

/// The error that shows a circle, from a task to itself.
pub(super) fn circle(path: &[String]) -> Error {
    invalid(format!(
        "the dependencies go in a circle: {}",
        path.join(" → ")
    ))
    .hint("leave one of them out")
}

/// A circle among new tasks, by their places in the call, if there is one.
pub(super) fn circle_among(waits_for: &[Vec<usize>]) -> Option<Vec<usize>> {
    /// Where the search stands with a task.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Mark {
        New,
        OnTheWay,
        Clear,
    }
    let mut marks = vec![Mark::New; waits_for.len()];
    for start in 0..waits_for.len() {
        if marks[start] != Mark::New {
            continue;
        }
        // The way that is followed, each with the next dependency to look at.
        let mut way = vec![(start, 0)];
        marks[start] = Mark::OnTheWay;
        while let Some((at, next)) = way.last_mut() {
            let Some(below) = waits_for[*at].get(*next).copied() else {
                marks[*at] = Mark::Clear;
                way.pop();
                continue;
            };
            *next += 1;
            match marks[below] {
                Mark::Clear => {}
                Mark::New => {
                    marks[below] = Mark::OnTheWay;
                    way.push((below, 0));
                }
                Mark::OnTheWay => {
                    let on_way = way.iter().map(|(at, _)| *at);
                    let mut circle: Vec<usize> = on_way.skip_while(|at| *at != below).collect();
                    circle.push(below);
                    return Some(circle);
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_found_with_its_way() {
        for (waits_for, circle) in [
            (vec![vec![], vec![0], vec![0, 1]], None),
            (vec![vec![0]], Some(vec![0, 0])),
            (vec![vec![1], vec![2], vec![1]], Some(vec![1, 2, 1])),
            (vec![vec![2, 1], vec![], vec![0]], Some(vec![0, 2, 0])),
        ] {
            assert_eq!(circle_among(&waits_for), circle, "{waits_for:?}");
        }
    }

    #[test]
    fn the_way_down_is_a_shortest_one() {
        let waits_for = BTreeMap::from([(9, vec![7, 3]), (7, vec![3]), (5, vec![9])]);
        assert_eq!(way_down(&waits_for, 9, 3), [9, 3]);
        assert_eq!(way_down(&waits_for, 5, 3), [5, 9, 3]);
    }

    #[test]
    fn a_result_is_shown_in_a_line() {
        assert_eq!(in_a_line("\"two\\nlines\""), "two lines");
        assert_eq!(in_a_line("{\"a\":1}"), "{\"a\":1}");
        assert_eq!(in_a_line("\"cut off"), "\"cut off");
    }
}
