use clap::Args;
use coro_api::numbers::TaskNumber;
use coro_api::tasks::{TaskEdge, TaskGraph, TaskNode};

use crate::commands::Run;
use crate::error::Result;
use crate::http::Request;
use crate::print::row;
use crate::session::Session;

/// Print how tasks wait for each other, a line for each task
///
/// Open tasks that depend on others, with those; or, of one task, what it waits
/// for and what waits for it, near or far. The fields are number, status, the
/// tasks that it depends on, and title.
#[derive(Args)]
pub(crate) struct Graph {
    /// Only what leads to this task and away from it
    #[arg(value_name = "TASK")]
    task: Option<TaskNumber>,
    /// Only those of this project
    #[arg(long)]
    project: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
}

impl Run for Graph {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let request = Request::get("/api/tasks/graph")
            .query_if("task", self.task)
            .query_if("project", self.project)
            .query_if("limit", self.limit);
        let response = session.call(request)?;
        let mut left_out = 0;
        session.show(&response, |graph: TaskGraph| {
            left_out = graph.left_out;
            let lines = graph.tasks.iter().map(|task| node_row(task, &graph.edges));
            lines.collect::<Vec<_>>().join("\n")
        })?;
        if left_out > 0 {
            session.talk(&format!("{left_out} more are left out"));
        }
        Ok(())
    }
}

fn node_row(task: &TaskNode, edges: &[TaskEdge]) -> String {
    let own = edges.iter().filter(|edge| edge.task == task.id);
    let depends_on: Vec<String> = own.map(|edge| edge.depends_on.to_string()).collect();
    row(&[
        &task.id.to_string(),
        task.status.word(),
        &depends_on.join(","),
        &task.title,
    ])
}
