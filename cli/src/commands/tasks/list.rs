use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use coro_api::numbers::TaskNumber;
use coro_api::tasks::{TaskItem, TaskStatus};

use super::{item_row, item_row_with_project};
use crate::commands::Run;
use crate::error::Result;
use crate::http::Request;
use crate::paging::tell_what_follows;
use crate::session::{Session, unexpected};

/// Print tasks, a line each, in the order in which they were made
///
/// The fields are number, status, priority, the agent that has it or is to have
/// it, how many tasks it waits for, labels, and title; before the title the
/// project, where tasks of several are printed. Those that are done, failed or
/// cancelled are left out, unless --all, --status or --depends-on is given.
#[derive(Args)]
pub(crate) struct List {
    /// Only those of this project
    #[arg(long)]
    project: Option<String>,
    /// Those that are closed too
    #[arg(long, conflicts_with = "status")]
    all: bool,
    /// Only those of this status
    #[arg(long, value_parser = statuses())]
    status: Option<TaskStatus>,
    /// Only those that are for this agent; '' for those that are for any
    #[arg(long, value_name = "AGENT")]
    assignee: Option<String>,
    /// Only those with this label
    #[arg(long)]
    label: Option<String>,
    /// Only those that this agent works on
    #[arg(long, value_name = "AGENT")]
    claimed_by: Option<String>,
    /// Only open ones that wait for no other
    #[arg(long)]
    ready: bool,
    /// Only those that wait, or waited, for this task
    #[arg(long, value_name = "TASK")]
    depends_on: Option<TaskNumber>,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Go on after the page that ended here
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

impl Run for List {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        // No closed one is ready, or claimed by anybody.
        let has_none = self.ready || self.claimed_by.is_some();
        let all = self.all || self.status.is_some() || self.depends_on.is_some() || has_none;
        let is_first_page = self.cursor.is_none();
        let filtered = Request::get("/api/tasks")
            .query_if("project", self.project)
            .query_if("status", self.status.map(TaskStatus::word))
            .query_if("assignee", self.assignee)
            .query_if("label", self.label)
            .query_if("claimed_by", self.claimed_by)
            .query_if("ready", self.ready.then_some(true))
            .query_if("depends_on", self.depends_on);
        let request = filtered
            .clone()
            .query_if("closed", (!all).then_some(false))
            .query_if("limit", self.limit)
            .query_if("cursor", self.cursor);
        let response = session.call(request)?;
        session.show(&response, rows)?;
        tell_what_follows(session, &response, "cursor");
        if !all && is_first_page && !session.options.wants_json() {
            tell_closed(session, filtered)?;
        }
        Ok(())
    }
}

/// Says that closed tasks were left out, where there are any.
fn tell_closed(session: &mut Session<'_>, filtered: Request) -> Result<()> {
    let request = filtered
        .query_if("closed", Some(true))
        .query_if("limit", Some(1));
    let response = session.call(request)?;
    let closed: Vec<TaskItem> =
        serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))?;
    if !closed.is_empty() {
        session.talk("closed ones are left out; --all prints them too");
    }
    Ok(())
}

/// Who sees one project's tasks only need not read its name in each line.
fn rows(tasks: Vec<TaskItem>) -> String {
    let first = tasks.first().map(|task| task.project.as_str());
    let is_of_several = tasks
        .iter()
        .any(|task| Some(task.project.as_str()) != first);
    let row = match is_of_several {
        true => item_row_with_project,
        false => item_row,
    };
    tasks.iter().map(row).collect::<Vec<_>>().join("\n")
}

fn statuses() -> impl TypedValueParser<Value = TaskStatus> {
    let words = TaskStatus::ALL.map(TaskStatus::word);
    PossibleValuesParser::new(words)
        .try_map(|word| TaskStatus::from_word(&word).ok_or("is no status"))
}
