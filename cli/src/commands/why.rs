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
    /// Its number; by default the task that the caller has claimed
    #[arg(default_value = OWN, value_parser = parse_id)]
    id: String,
}

impl Run for Why {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let response = session.call(request(Method::Get, &self.id, "/why"))?;
        session.show(&response, |answer: TaskWhy| escape(&answer.why))
    }
}
