use std::path::PathBuf;

use clap::Args;
use coro_api::tasks::{NewTask, Task};

use super::{parse_priority, with_json};
use crate::commands::Run;
use crate::commands::once::Once;
use crate::error::Result;
use crate::http::{Method, Request};
use crate::input::read_text;
use crate::session::Session;

/// Put a task into the queue and print its number, such as T-9
#[derive(Args)]
pub(crate) struct Add {
    /// What is to be done, in a line
    title: String,
    /// All that whoever does it must know
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        conflicts_with = "body_file"
    )]
    body: Option<String>,
    /// A file with the body; - reads it from standard input
    #[arg(long, value_name = "FILE")]
    body_file: Option<PathBuf>,
    /// Its project; by default `CORO_PROJECT`, else the token's or the agent's, else "default"
    #[arg(long)]
    project: Option<String>,
    /// 0, the most urgent, to 4; by default 2
    #[arg(long, value_name = "N", value_parser = parse_priority)]
    priority: Option<i64>,
    /// The agent that it is for; by default any
    #[arg(
        long,
        value_name = "AGENT",
        default_value = "",
        hide_default_value = true
    )]
    assignee: String,
    /// What an agent must be able to do; may be given more than once
    #[arg(long = "needs", value_name = "CAPABILITY")]
    needs: Vec<String>,
    /// A pattern of paths that it changes; may be given more than once
    #[arg(long = "path", value_name = "PATTERN")]
    paths: Vec<String>,
    /// A task that must be done before; may be given more than once
    #[arg(long = "after", value_name = "TASK")]
    after: Vec<String>,
    /// A word to find it by; may be given more than once
    #[arg(long = "label", value_name = "LABEL")]
    labels: Vec<String>,
    /// How often it may be begun before it has failed; by default 5
    #[arg(long, value_name = "N")]
    attempts: Option<i64>,
    #[command(flatten)]
    once: Once,
}

impl Run for Add {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let body = match self.body_file {
            Some(path) => read_text(session, &path)?,
            None => self.body.unwrap_or_default(),
        };
        let new = NewTask {
            title: self.title,
            body,
            project: self.project.or_else(|| session.environment_project()),
            priority: self.priority,
            assignee: self.assignee,
            capabilities: self.needs,
            paths: self.paths,
            labels: self.labels,
            depends_on: self.after,
            attempts_max: self.attempts,
            reference: None,
        };
        let request = with_json(Request::new(Method::Post, "/api/tasks"), &new)?;
        let response = session.call(self.once.put_on(request))?;
        session.show(&response, |task: Task| task.item.id.to_string())
    }
}
