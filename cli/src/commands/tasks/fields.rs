use std::path::PathBuf;

use clap::Args;
use coro_api::numbers::{NumberError, TaskNumber};
use coro_api::tasks::TaskChange;

use super::parse_priority;
use crate::error::{Result, usage};
use crate::input::{read_text, text_or_input};
use crate::repository::check_patterns;
use crate::session::Session;

/// What a task says beside its title: options of add and of edit.
#[derive(Args)]
pub(crate) struct Fields {
    /// All that whoever does it must know; - reads it from standard input
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
    /// 0, the most urgent, to 4; 2 in a new task
    #[arg(long, value_name = "N", value_parser = parse_priority)]
    priority: Option<i64>,
    /// The agent that it is for; '' for any, as in a new task
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
    /// How often it may be begun before it has failed; 5 in a new task
    #[arg(long, value_name = "N")]
    attempts: Option<i64>,
}

impl Fields {
    /// What was given, as a change of a task or as a new one's.
    pub(crate) fn read(
        self,
        session: &mut Session<'_>,
        title: Option<String>,
    ) -> Result<TaskChange> {
        check_patterns(session, &self.paths)?;
        let body = match (self.body_file, self.body) {
            (Some(path), _) => Some(read_text(session, &path)?),
            (None, Some(text)) => Some(text_or_input(session, text)?),
            (None, None) => None,
        };
        Ok(TaskChange {
            title,
            body,
            priority: self.priority,
            assignee: self.assignee,
            capabilities: given(self.needs),
            paths: given(self.paths),
            labels: given(self.labels),
            depends_on: given(self.after).map(numbers).transpose()?,
            attempts_max: self.attempts,
        })
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
        .collect::<std::result::Result<_, NumberError>>()
        .map_err(|error| usage(error.to_string()).hint("usage: --after T-3"))
}
