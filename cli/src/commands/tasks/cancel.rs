use clap::Args;
use coro_api::tasks::{TaskItem, TaskReason};

use super::{parse_id, post, standing};
use crate::commands::Run;
use crate::commands::once::Once;
use crate::error::Result;
use crate::session::Session;

/// Take a task out of the queue, or from whoever works on it
#[derive(Args)]
pub(crate) struct Cancel {
    /// Its number
    #[arg(value_parser = parse_id)]
    id: String,
    /// Why; noted on the task
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    why: String,
    #[command(flatten)]
    once: Once,
}

impl Run for Cancel {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let body = TaskReason { why: self.why };
        let request = post(&self.id, "/cancel", &body)?;
        let response = session.call(self.once.put_on(request))?;
        session.show(&response, |item: TaskItem| standing(&item))
    }
}
