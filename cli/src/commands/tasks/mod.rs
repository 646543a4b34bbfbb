//! The queue of work that agents take from.

mod add;
mod cancel;
mod claim;
mod close;
mod edit;
mod fields;
mod get;
mod graph;
mod import;
mod list;
mod note;
mod reasoned;
mod release;
mod reopen;

use coro_api::numbers::TaskNumber;
use coro_api::tasks::{OWN, Task, TaskItem, TaskStatus};
use serde::Serialize;

use crate::commands::{Node, leaf};
use crate::error::{Result, failed};
use crate::http::{Method, Request};
use crate::print::{escape, row};

pub(crate) static COMMANDS: &[Node] = &[
    leaf::<add::Add>("add"),
    leaf::<import::Import>("import"),
    leaf::<list::List>("list"),
    leaf::<get::Get>("get"),
    leaf::<graph::Graph>("graph"),
    leaf::<edit::Edit>("edit"),
    leaf::<claim::Claim>("claim"),
    leaf::<release::Release>("release"),
    leaf::<note::Note>("note"),
    leaf::<cancel::Cancel>("cancel"),
    leaf::<reopen::Reopen>("reopen"),
    leaf::<close::Close>("close"),
];

/// Takes the number of a task, or the word for the caller's own.
pub(crate) fn parse_id(text: &str) -> std::result::Result<String, String> {
    if text == OWN {
        return Ok(text.to_owned());
    }
    let number: TaskNumber = text
        .parse()
        .map_err(|_| "is no task such as T-12".to_owned())?;
    Ok(number.to_string())
}

/// How urgent a task is; the server knows the bounds.
fn parse_priority(text: &str) -> std::result::Result<i64, String> {
    text.parse()
        .map_err(|_| "is no number from 0, the most urgent, to 4".to_owned())
}

/// A request about one task; `action` is what follows its number in the path.
pub(crate) fn request(method: Method, id: &str, action: &str) -> Request {
    let mut request = Request::new(method, "/api/tasks").name(id);
    request.path_and_query.push_str(action);
    request
}

/// What somebody does with a task.
pub(crate) fn post(id: &str, action: &str, body: &impl Serialize) -> Result<Request> {
    with_json(request(Method::Post, id, action), body)
}

pub(crate) fn with_json(request: Request, body: &impl Serialize) -> Result<Request> {
    let body = serde_json::to_vec(body).map_err(|error| failed(error.to_string()))?;
    Ok(request.body("application/json", body))
}

/// How a task stands after a change, such as `T-9 done`.
pub(crate) fn standing(item: &TaskItem) -> String {
    let (id, status) = (item.id, item.status.word());
    match item.status {
        TaskStatus::Open if item.attempt > 1 => format!("{id} {status}, attempt {}", item.attempt),
        _ => format!("{id} {status}"),
    }
}

/// Number, status, priority, who has it or is to have it, how many tasks it
/// waits for, its labels, and its title, which is last since it may be long.
fn item_row(item: &TaskItem) -> String {
    format!("{}\t{}", columns(item), row(&[&item.title]))
}

/// As [`item_row`], with the project before the title.
fn item_row_with_project(item: &TaskItem) -> String {
    let last = row(&[&item.project, &item.title]);
    format!("{}\t{last}", columns(item))
}

fn columns(item: &TaskItem) -> String {
    let claim = item.claim.as_ref();
    let who = claim.map_or(item.assignee.as_str(), |claim| claim.agent.as_str());
    row(&[
        &item.id.to_string(),
        item.status.word(),
        &item.priority.to_string(),
        who,
        &item.blockers.to_string(),
        &item.labels.join(","),
    ])
}

/// What whoever does a task must know, in as few words as that takes: number
/// and title, the body with a mark at each line, paths, what it builds on, and
/// what was tried.
pub(crate) fn brief(task: &Task, resumed: bool) -> String {
    let item = &task.item;
    let again = if resumed { " (yours already)" } else { "" };
    let mut lines = vec![format!("{} {}{again}", item.id, escape(&item.title))];
    lines.extend(details(task));
    lines.join("\n")
}

fn details(task: &Task) -> Vec<String> {
    let item = &task.item;
    let mut lines: Vec<String> = task.body.lines().map(quoted).collect();
    // What an agent wrote is no word of the user's.
    if item.created_by.starts_with("agent:") {
        lines.push(format!("by {}", escape(&item.created_by)));
    }
    if !item.paths.is_empty() {
        lines.push(format!("paths: {}", escape(&item.paths.join(" "))));
    }
    for one in &task.depends_on {
        let result = one.result.as_deref().unwrap_or(one.status.word());
        lines.push(format!(
            "{} {}: {}",
            one.id,
            escape(&one.title),
            escape(result)
        ));
    }
    if item.attempt > 1 {
        lines.push(format!("attempt {} of {}", item.attempt, item.attempts_max));
    }
    for note in &task.notes {
        let text = escape_line(&note.text.replace('\n', " "));
        lines.push(format!(
            "note {}, {}: {text}",
            note.attempt,
            escape(&note.actor)
        ));
    }
    lines
}

/// A line of a body, which may say anything: the mark tells it from the lines
/// that Coro itself says.
fn quoted(line: &str) -> String {
    match line {
        "" => ">".to_owned(),
        line => format!("> {}", escape_line(line)),
    }
}

/// A line of a text, in which tabs stay: code has them.
fn escape_line(line: &str) -> String {
    escape(line).replace("\\t", "\t")
}
