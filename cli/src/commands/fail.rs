use clap::Args;
use coro_api::tasks::{OWN, TaskFailed, TaskItem};

use crate::commands::Run;
use crate::commands::once::Once;
use crate::commands::tasks::{parse_id, post, standing};
use crate::error::Result;
use crate::input::text_or_input;
use crate::session::Session;

/// Say that the task that you have claimed could not be done
#[derive(Args)]
pub(crate) struct Fail {
    /// Its number; by default the task that you have claimed
    #[arg(value_name = "TASK", default_value = OWN, hide_default_value = true, value_parser = parse_id)]
    id: String,
    /// The reason, for whoever tries it next; - reads it from standard input
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    why: String,
    /// Put it back into the queue, while attempts last
    #[arg(long)]
    retry: bool,
    /// Refuse where the claim is not this one: the fence that next --json prints
    #[arg(long, value_name = "REV")]
    fence: Option<i64>,
    #[command(flatten)]
    once: Once,
}

impl Run for Fail {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let body = TaskFailed {
            why: text_or_input(session, self.why)?,
            retry: self.retry,
            fence: self.fence,
        };
        let request = post(&self.id, "/fail", &body)?;
        let response = session.call(self.once.put_on(request))?;
        session.show(&response, |item: TaskItem| standing(&item))
    }
}
