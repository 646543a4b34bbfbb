use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use coro_api::numbers::TaskNumber;
use coro_api::tasks::{TaskItem, TaskStatus};

use super::item_row;
use crate::commands::Run;
use crate::error::Result;
use crate::http::Request;
use crate::paging::tell_what_follows;
use crate::session::Session;

/// Print tasks, a line each, in the order in which they were made
///
/// The fields are number, status, priority, the agent that has it or is to have
/// it, how many tasks it waits for, labels, and title.
#[derive(Args)]
pub(crate) struct List {
    /// Only those of this project
    #[arg(long)]
    project: Option<String>,
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
        let request = Request::get("/api/tasks")
            .query_if("project", self.project)
            .query_if("status", self.status.map(TaskStatus::word))
            .query_if("assignee", self.assignee)
            .query_if("label", self.label)
            .query_if("claimed_by", self.claimed_by)
            .query_if("ready", self.ready.then_some(true))
            .query_if("depends_on", self.depends_on)
            .query_if("limit", self.limit)
            .query_if("cursor", self.cursor);
        let response = session.call(request)?;
        session.show(&response, |tasks: Vec<TaskItem>| {
            tasks.iter().map(item_row).collect::<Vec<_>>().join("\n")
        })?;
        tell_what_follows(session, &response, "cursor");
        Ok(())
    }
}

fn statuses() -> impl TypedValueParser<Value = TaskStatus> {
    let words = TaskStatus::ALL.map(TaskStatus::word);
    PossibleValuesParser::new(words)
        .try_map(|word| TaskStatus::from_word(&word).ok_or("is no status"))
}
