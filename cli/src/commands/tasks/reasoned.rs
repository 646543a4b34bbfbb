use clap::Args;
use coro_api::tasks::{TaskItem, TaskReason};

use super::{parse_id, post, standing};
use crate::commands::once::Once;
use crate::error::Result;
use crate::input::text_or_input;
use crate::session::Session;

/// What is done with a task for a reason: arguments of cancel and of reopen.
#[derive(Args)]
pub(crate) struct Reasoned {
    /// Its number
    #[arg(value_parser = parse_id)]
    id: String,
    /// Why; noted on the task; - reads it from standard input
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

impl Reasoned {
    /// Does what the end of the path says, and prints how the task stands.
    pub(crate) fn run(self, session: &mut Session<'_>, action: &str) -> Result<()> {
        let why = text_or_input(session, self.why)?;
        let request = post(&self.id, action, &TaskReason { why })?;
        let response = session.call(self.once.put_on(request))?;
        session.show(&response, |item: TaskItem| standing(&item))
    }
}
