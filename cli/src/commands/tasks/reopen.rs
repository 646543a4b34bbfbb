use clap::Args;
use coro_api::tasks::{TaskItem, TaskReason};

use super::{parse_id, post, standing};
use crate::commands::Run;
use crate::commands::once::Once;
use crate::error::Result;
use crate::session::Session;

/// Bring a closed task back into the queue, or take one from whoever works on it
#[derive(Args)]
pub(crate) struct Reopen {
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

impl Run for Reopen {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let body = TaskReason { why: self.why };
        let request = post(&self.id, "/reopen", &body)?;
        let response = session.call(self.once.put_on(request))?;
        session.show(&response, |item: TaskItem| standing(&item))
    }
}
