use clap::Args;
use coro_api::names::DEFAULT_PROJECT;
use coro_api::tasks::{OWN, Task};

use super::{details, item_row, parse_id, request};
use crate::commands::Run;
use crate::error::Result;
use crate::http::Method;
use crate::print::escape;
use crate::session::Session;

/// Print a task: the fields that tasks list prints, then body, paths, what it
/// depends on, notes and result
#[derive(Args)]
pub(crate) struct Get {
    /// Its number; by default the task that you have claimed
    #[arg(value_name = "TASK", default_value = OWN, hide_default_value = true, value_parser = parse_id)]
    id: String,
}

impl Run for Get {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let response = session.call(request(Method::Get, &self.id, ""))?;
        session.show(&response, |task: Task| {
            let mut lines = vec![item_row(&task.item)];
            if task.item.project != DEFAULT_PROJECT {
                lines.push(format!("project: {}", escape(&task.item.project)));
            }
            lines.extend(details(&task));
            if let Some(result) = &task.result {
                let text = result
                    .as_str()
                    .map_or_else(|| result.to_string(), str::to_owned);
                lines.push(format!("result: {}", escape(&text)));
            }
            lines.join("\n")
        })
    }
}
