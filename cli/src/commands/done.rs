use std::path::PathBuf;

use clap::Args;
use coro_api::tasks::{OWN, TaskDone, TaskItem};
use serde_json::Value;

use crate::commands::Run;
use crate::commands::once::Once;
use crate::commands::tasks::{parse_id, post, standing};
use crate::error::Result;
use crate::input::{read_text, text_or_input};
use crate::session::Session;

/// Hand in the task that you have claimed
#[derive(Args)]
pub(crate) struct Done {
    /// Its number; by default the task that you have claimed
    #[arg(value_name = "TASK", default_value = OWN, hide_default_value = true, value_parser = parse_id)]
    id: String,
    /// What it came to, for those that depend on it: text, or JSON; - reads it
    /// from standard input
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        conflicts_with = "result_file"
    )]
    result: Option<String>,
    /// A file with the result; - reads it from standard input
    #[arg(long, value_name = "FILE")]
    result_file: Option<PathBuf>,
    /// Refuse where the claim is not this one: the fence that next --json prints
    #[arg(long, value_name = "REV")]
    fence: Option<i64>,
    #[command(flatten)]
    once: Once,
}

impl Run for Done {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let text = match (self.result_file, self.result) {
            (Some(path), _) => Some(read_text(session, &path)?),
            (None, Some(text)) => Some(text_or_input(session, text)?),
            (None, None) => None,
        };
        let body = TaskDone {
            result: text.map(json_or_text),
            fence: self.fence,
        };
        let request = post(&self.id, "/done", &body)?;
        let response = session.call(self.once.put_on(request))?;
        session.show(&response, |item: TaskItem| standing(&item))
    }
}

/// An object or a list is JSON; a word that happens to be a number is text.
fn json_or_text(text: String) -> Value {
    match serde_json::from_str(&text) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => value,
        _ => Value::String(text),
    }
}
