use clap::Args;
use coro_api::tasks::Task;

use super::{brief, parse_id, request};
use crate::commands::Run;
use crate::commands::once::Once;
use crate::error::Result;
use crate::http::Method;
use crate::session::Session;

/// Claim a task that is ready, and print it as next does
#[derive(Args)]
pub(crate) struct Claim {
    /// Its number
    #[arg(value_parser = parse_id)]
    id: String,
    #[command(flatten)]
    once: Once,
}

impl Run for Claim {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let request = request(Method::Post, &self.id, "/claim");
        let response = session.call(self.once.put_on(request))?;
        session.show(&response, |task: Task| brief(&task, false))
    }
}
