use clap::Args;
use coro_api::tasks::{OWN, TaskWhy};

use crate::commands::Run;
use crate::commands::tasks::{parse_id, request};
use crate::error::Result;
use crate::http::Method;
use crate::print::escape;
use crate::session::Session;

/// Say in one sentence why a task is not ready, or who has it
#[derive(Args)]
pub(crate) struct Why {
    /// Its number; by default the task that you have claimed
    #[arg(value_name = "TASK", default_value = OWN, hide_default_value = true, value_parser = parse_id)]
    id: String,
}

impl Run for Why {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let response = session.call(request(Method::Get, &self.id, "/why"))?;
        session.show(&response, |answer: TaskWhy| escape(&answer.why))
    }
}
