//! Putting tasks into the queue, one or many together.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use coro_api::limits::{
    TASK_ATTEMPTS_MAX, TASK_CAPABILITIES_BYTES_MAX, TASK_CAPABILITIES_MAX, TASK_LABELS_BYTES_MAX,
    TASK_LABELS_MAX, TASK_TEXT_BYTES_MAX, TASK_TITLE_BYTES_MAX, TASKS_OF_CALL_MAX,
};
use coro_api::names::{check_name, check_prose, check_text};
use coro_api::numbers::TaskNumber;
use coro_api::tasks::{CreatedTask, CreatedTasks, NewTask, NewTasks, Task, TaskStatus};
use serde_json::json;

use super::{By, TaskRow, dependencies, lead, read, store};
use crate::agents;
use crate::app::Ctx;
use crate::db::Tx;
use crate::error::{Result, invalid};
use crate::said::cut;
use crate::{leases, numbers};

/// How urgent a task is where nothing is said.
const PRIORITY: i64 = 2;

/// The least urgent priority; 0 is the most urgent.
const PRIORITY_MAX: i64 = 4;

/// How often a task is begun where nothing is said.
const ATTEMPTS: i64 = 5;

/// How much of a name that is no ref is shown, in characters.
const NAME_CHARS_SHOWN: usize = 32;

/// The open tasks are counted once in so many new ones: that takes a while
/// where there are many, and the bound need not be kept to the task.
const COUNT_EVERY: i64 = 64;

/// Makes a task.
pub async fn create_task(ctx: &Ctx, new: NewTask) -> Result<Task> {
    if new.reference.is_some() {
        return Err(invalid("ref names a task among others of the same call")
            .hint("leave it out, or send the tasks together to /api/tasks/bulk"));
    }
    let new = [new];
    let plan = Plan::of(&new)?;
    let job_ctx = ctx.clone();
    ctx.write(move |tx| {
        let made = create(tx, &job_ctx, &new, &plan)?;
        read::whole(tx, &job_ctx.caller.tenant, &made[0])
    })
    .await
}

/// Makes tasks, which may depend on each other: all, or none.
pub async fn create_tasks(ctx: &Ctx, new: NewTasks) -> Result<CreatedTasks> {
    let new = new.tasks;
    let plan = Plan::of(&new)?;
    let job_ctx = ctx.clone();
    ctx.write(move |tx| {
        let made = create(tx, &job_ctx, &new, &plan)?;
        let tasks = made.iter().zip(&new).map(|(task, new)| CreatedTask {
            id: task.id(),
            reference: new.reference.clone(),
        });
        Ok(CreatedTasks {
            tasks: tasks.collect(),
        })
    })
    .await
}

/// What new tasks depend on: tasks that are there, and each other.
struct Plan {
    /// For each new task the numbers of tasks that are there.
    on_old: Vec<BTreeSet<i64>>,
    /// For each new task the places of others in the call.
    on_new: Vec<Vec<usize>>,
}

impl Plan {
    /// Checks all that can be checked without a look at what is there.
    fn of(new: &[NewTask]) -> Result<Plan> {
        if new.is_empty() || new.len() > TASKS_OF_CALL_MAX {
            let count = new.len();
            return Err(invalid(format!(
                "{count} tasks; one call makes 1 to {TASKS_OF_CALL_MAX}"
            )));
        }
        let places = places_of(new)?;
        let mut plan = Plan {
            on_old: Vec::with_capacity(new.len()),
            on_new: Vec::with_capacity(new.len()),
        };
        for task in new {
            check(task)?;
            let (mut old, mut among) = (BTreeSet::new(), BTreeSet::new());
            for name in &task.depends_on {
                match places.get(name.as_str()) {
                    Some(place) => drop(among.insert(*place)),
                    None => drop(old.insert(number_of(name)?)),
                }
            }
            dependencies::check_count(old.len() + among.len())?;
            plan.on_old.push(old);
            plan.on_new.push(among.into_iter().collect());
        }
        match dependencies::circle_among(&plan.on_new) {
            Some(circle) => {
                let name = |place: usize| new[place].reference.clone().unwrap_or_default();
                let path: Vec<String> = circle.into_iter().map(name).collect();
                Err(dependencies::circle(&path))
            }
            None => Ok(plan),
        }
    }
}

/// Where in the call each `ref` is.
fn places_of(new: &[NewTask]) -> Result<HashMap<&str, usize>> {
    let mut places = HashMap::new();
    for (place, task) in new.iter().enumerate() {
        let Some(reference) = task.reference.as_deref() else {
            continue;
        };
        check_text("ref", reference)?;
        if reference.parse::<TaskNumber>().is_ok() {
            return Err(invalid(format!(
                "the ref {reference:?} looks like the number of a task"
            ))
            .hint("take a word"));
        }
        if places.insert(reference, place).is_some() {
            return Err(invalid(format!("the ref {reference:?} is there twice")));
        }
    }
    Ok(places)
}

fn number_of(name: &str) -> Result<i64> {
    match name.parse::<TaskNumber>() {
        Ok(number) => Ok(number.0),
        Err(_) => {
            let name = cut(name, NAME_CHARS_SHOWN);
            Err(invalid(format!(
                "depends_on has {name:?}, which is no ref of this call and no number such as T-12"
            ))
            .hint(format!(
                "give the task that is meant \"ref\": {name:?}, or name one of before by its number"
            )))
        }
    }
}

fn check(new: &NewTask) -> Result<()> {
    check_title(&new.title)?;
    check_body(&new.body)?;
    check_priority(new.priority.unwrap_or(PRIORITY))?;
    check_assignee(&new.assignee)?;
    check_capabilities(&new.capabilities)?;
    check_paths(&new.paths)?;
    check_labels(&new.labels)?;
    check_attempts(new.attempts_max.unwrap_or(ATTEMPTS))
}

pub(super) fn check_title(title: &str) -> Result<()> {
    if title.trim().is_empty() {
        return Err(invalid("the title is empty").hint("say in one line what is to be done"));
    }
    check_text("title", title)?;
    Ok(check_prose("title", title, TASK_TITLE_BYTES_MAX)?)
}

pub(super) fn check_body(body: &str) -> Result<()> {
    Ok(check_prose("body", body, TASK_TEXT_BYTES_MAX)?)
}

pub(super) fn check_priority(priority: i64) -> Result<()> {
    match (0..=PRIORITY_MAX).contains(&priority) {
        true => Ok(()),
        false => Err(invalid(format!(
            "priority is {priority}; it takes 0, the most urgent, to {PRIORITY_MAX}"
        ))),
    }
}

/// The name of an agent that may register later, or nothing.
pub(super) fn check_assignee(assignee: &str) -> Result<()> {
    match assignee {
        "" => Ok(()),
        name => Ok(check_name("assignee", name)?),
    }
}

pub(super) fn check_capabilities(capabilities: &[String]) -> Result<()> {
    let bounds = (TASK_CAPABILITIES_MAX, TASK_CAPABILITIES_BYTES_MAX);
    check_list("capability", "capabilities", capabilities, bounds)
}

pub(super) fn check_paths(paths: &[String]) -> Result<()> {
    check_list(
        "path",
        "paths",
        paths,
        (TASK_LABELS_MAX, TASK_LABELS_BYTES_MAX),
    )?;
    leases::check_patterns(paths)
}

pub(super) fn check_labels(labels: &[String]) -> Result<()> {
    check_list(
        "label",
        "labels",
        labels,
        (TASK_LABELS_MAX, TASK_LABELS_BYTES_MAX),
    )
}

pub(super) fn check_attempts(attempts: i64) -> Result<()> {
    match (1..=TASK_ATTEMPTS_MAX).contains(&attempts) {
        true => Ok(()),
        false => Err(invalid(format!(
            "attempts_max is {attempts}; it takes 1 to {TASK_ATTEMPTS_MAX}"
        ))),
    }
}

fn check_list(
    one: &str,
    many: &str,
    list: &[String],
    (count_max, bytes_max): (usize, usize),
) -> Result<()> {
    if list.len() > count_max {
        let count = list.len();
        return Err(invalid(format!("{count} {many} are more than {count_max}")));
    }
    for text in list {
        check_text(one, text)?;
    }
    let bytes: usize = list.iter().map(String::len).sum();
    if bytes > bytes_max {
        return Err(invalid(format!(
            "the {many} have {bytes} bytes together, more than {bytes_max}"
        )));
    }
    Ok(())
}

/// Sorted, each once, so that equal needs are equal texts.
pub(super) fn normal(capabilities: &[String]) -> Vec<String> {
    let set: BTreeSet<&String> = capabilities.iter().collect();
    set.into_iter().cloned().collect()
}

/// Makes the tasks in the order in which they were given.
fn create(tx: &mut Tx<'_>, ctx: &Ctx, new: &[NewTask], plan: &Plan) -> Result<Vec<TaskRow>> {
    let tenant = &ctx.caller.tenant;
    let rows = rows_of(tx, ctx, new, plan)?;
    let first = numbers::take_numbers(tx, tenant, "task", rows.len() as i64)?;
    if rows.len() as i64 >= COUNT_EVERY || first % COUNT_EVERY == 0 {
        lead::check_open_room(tx, tenant, rows.len() as i64)?;
    }
    let mut made = Vec::with_capacity(rows.len());
    for (place, mut task) in rows.into_iter().enumerate() {
        task.number = first + place as i64;
        store::insert(tx, tenant, &task, &new[place].body)?;
        for number in &plan.on_old[place] {
            dependencies::add(tx, tenant, task.number, *number)?;
        }
        for other in &plan.on_new[place] {
            dependencies::add(tx, tenant, task.number, first + *other as i64)?;
        }
        By::Caller(ctx).emit(tx, tenant, "coro.task.created", &task, json!({}))?;
        made.push(task);
    }
    Ok(made)
}

/// The new tasks, still without numbers. Refuses before anything is written.
fn rows_of(tx: &mut Tx<'_>, ctx: &Ctx, new: &[NewTask], plan: &Plan) -> Result<Vec<TaskRow>> {
    let now = tx.now();
    let mut rows: Vec<TaskRow> = Vec::with_capacity(new.len());
    let mut more_dependents: BTreeMap<i64, i64> = BTreeMap::new();
    for (place, new) in new.iter().enumerate() {
        let project = agents::project_for(tx, ctx, new.project.as_deref())?;
        let old = dependencies::find(tx, ctx, &project, &plan.on_old[place])?;
        for task in &old {
            *more_dependents.entry(task.number).or_default() += 1;
        }
        let undone = old.iter().filter(|task| task.status != TaskStatus::Done);
        let blockers = undone.count() + plan.on_new[place].len();
        rows.push(TaskRow {
            number: 0,
            project,
            title: new.title.clone(),
            priority: new.priority.unwrap_or(PRIORITY),
            assignee: new.assignee.clone(),
            capabilities: normal(&new.capabilities),
            paths: new.paths.clone(),
            labels: new.labels.clone(),
            status: TaskStatus::Open,
            blockers: blockers as i64,
            attempt: 1,
            attempts_max: new.attempts_max.unwrap_or(ATTEMPTS),
            created_by: ctx.caller.actor.clone(),
            created_at: now,
            updated_at: now,
            closed_at: None,
            claim: None,
        });
    }
    for (number, more) in more_dependents {
        dependencies::check_room(tx, &ctx.caller.tenant, number, more)?;
    }
    check_one_project(&rows, plan)?;
    Ok(rows)
}

/// New tasks depend on new tasks of their own project.
fn check_one_project(rows: &[TaskRow], plan: &Plan) -> Result<()> {
    for (task, others) in rows.iter().zip(&plan.on_new) {
        if let Some(other) = others
            .iter()
            .find(|other| rows[**other].project != task.project)
        {
            return Err(invalid(format!(
                "{:?} of the project {:?} depends on {:?} of {:?}",
                task.title, task.project, rows[*other].title, rows[*other].project
            ))
            .hint("a task depends on tasks of its own project"));
        }
    }
    Ok(())
}
