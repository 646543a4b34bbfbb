use clap::Args;
use coro_api::tasks::{NewTaskNote, OWN, TaskItem};

use super::{parse_id, post, standing};
use crate::commands::Run;
use crate::commands::once::Once;
use crate::error::Result;
use crate::input::text_or_input;
use crate::session::Session;

/// Note something on a task, for whoever takes it next
#[derive(Args)]
pub(crate) struct Note {
    /// What is to be known, at most 4 KiB; - reads it from standard input
    text: String,
    /// The task's number; by default the task that you have claimed
    #[arg(long = "task", value_name = "TASK", default_value = OWN, hide_default_value = true, value_parser = parse_id)]
    id: String,
    /// Refuse where the claim is not this one: the fence that next --json prints
    #[arg(long, value_name = "REV")]
    fence: Option<i64>,
    #[command(flatten)]
    once: Once,
}

impl Run for Note {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let body = NewTaskNote {
            text: text_or_input(session, self.text)?,
            fence: self.fence,
        };
        let request = post(&self.id, "/note", &body)?;
        let response = session.call(self.once.put_on(request))?;
        session.show(&response, |item: TaskItem| standing(&item))
    }
}
