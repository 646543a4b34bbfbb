use clap::Args;
use coro_api::tasks::{OWN, TaskItem, TaskReleased};

use super::{parse_id, post, standing};
use crate::commands::Run;
use crate::commands::once::Once;
use crate::error::Result;
use crate::input::text_or_input;
use crate::session::Session;

/// Give a task back; no attempt is counted
#[derive(Args)]
pub(crate) struct Release {
    /// Its number; by default the task that you have claimed
    #[arg(value_name = "TASK", default_value = OWN, hide_default_value = true, value_parser = parse_id)]
    id: String,
    /// Why, for whoever takes it next; - reads it from standard input
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        default_value = "",
        hide_default_value = true
    )]
    why: String,
    /// Refuse where the claim is not this one: the fence that next --json prints
    #[arg(long, value_name = "REV")]
    fence: Option<i64>,
    #[command(flatten)]
    once: Once,
}

impl Run for Release {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let body = TaskReleased {
            why: text_or_input(session, self.why)?,
            fence: self.fence,
        };
        let request = post(&self.id, "/release", &body)?;
        let response = session.call(self.once.put_on(request))?;
        session.show(&response, |item: TaskItem| standing(&item))
    }
}
