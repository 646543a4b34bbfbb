use std::path::PathBuf;

use clap::Args;
use coro_api::numbers::TaskNumber;
use coro_api::tasks::{Task, TaskChange};

use super::{parse_id, parse_priority, request, standing, with_json};
use crate::commands::Run;
use crate::commands::once::Once;
use crate::error::{Result, usage};
use crate::http::Method;
use crate::input::read_text;
use crate::session::Session;

/// Change what a task says; what is left out stays
///
/// Options that may be given more than once replace all that was there; an
/// empty one, such as --after '', leaves none.
#[derive(Args)]
pub(crate) struct Edit {
    /// Its number
    #[arg(value_parser = parse_id)]
    id: String,
    /// What is to be done, in a line
    #[arg(long)]
    title: Option<String>,
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
    /// 0, the most urgent, to 4
    #[arg(long, value_name = "N", value_parser = parse_priority)]
    priority: Option<i64>,
    /// The agent that it is for; '' for any
    #[arg(long, value_name = "AGENT")]
    assignee: Option<String>,
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
    /// How often it may be begun before it has failed
    #[arg(long, value_name = "N")]
    attempts: Option<i64>,
    #[command(flatten)]
    once: Once,
}

impl Run for Edit {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let body = match self.body_file {
            Some(path) => Some(read_text(session, &path)?),
            None => self.body,
        };
        let change = TaskChange {
            title: self.title,
            body,
            priority: self.priority,
            assignee: self.assignee,
            capabilities: given(self.needs),
            paths: given(self.paths),
            labels: given(self.labels),
            depends_on: given(self.after).map(numbers).transpose()?,
            attempts_max: self.attempts,
        };
        let request = with_json(request(Method::Patch, &self.id, ""), &change)?;
        let response = session.call(self.once.put_on(request))?;
        session.show(&response, |task: Task| standing(&task.item))
    }
}

/// A list that was given at all, without its empty parts.
fn given(list: Vec<String>) -> Option<Vec<String>> {
    let is_given = !list.is_empty();
    is_given.then(|| list.into_iter().filter(|one| !one.is_empty()).collect())
}

fn numbers(list: Vec<String>) -> Result<Vec<TaskNumber>> {
    let numbers = list.iter().map(|one| one.parse());
    numbers
        .collect::<std::result::Result<_, coro_api::numbers::NumberError>>()
        .map_err(|error| usage(error.to_string()).hint("usage: --after T-3"))
}
