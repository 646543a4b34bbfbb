use clap::Args;
use coro_api::numbers::TaskNumber;
use coro_api::tasks::{CloseTasks, ClosedTasks, TaskStatus};

use super::with_json;
use crate::commands::Run;
use crate::commands::once::Once;
use crate::error::Result;
use crate::http::{Method, Request};
use crate::input::text_or_input;
use crate::session::Session;

/// Close tasks, all or none, and print those that were not closed before
#[derive(Args)]
pub(crate) struct Close {
    /// Their numbers
    #[arg(value_name = "TASK", required = true, value_parser = parse_number)]
    tasks: Vec<TaskNumber>,
    /// They are done; by default they are cancelled
    #[arg(long)]
    done: bool,
    /// Why; noted on each; - reads it from standard input
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        default_value = "",
        hide_default_value = true
    )]
    why: String,
    #[command(flatten)]
    once: Once,
}

impl Run for Close {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let close = CloseTasks {
            tasks: self.tasks,
            status: self.done.then_some(TaskStatus::Done),
            why: text_or_input(session, self.why)?,
        };
        let request = with_json(Request::new(Method::Post, "/api/tasks/close"), &close)?;
        let response = session.call(self.once.put_on(request))?;
        session.show(&response, |answer: ClosedTasks| {
            let closed = answer.closed.iter().map(TaskNumber::to_string);
            closed.collect::<Vec<_>>().join("\n")
        })
    }
}

fn parse_number(text: &str) -> std::result::Result<TaskNumber, String> {
    text.parse()
        .map_err(|_| "is no task such as T-12".to_owned())
}
