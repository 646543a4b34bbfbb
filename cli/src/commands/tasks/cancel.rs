use clap::Args;

use super::reasoned::Reasoned;
use crate::commands::Run;
use crate::error::Result;
use crate::session::Session;

/// Take a task out of the queue, or from whoever works on it
#[derive(Args)]
pub(crate) struct Cancel {
    #[command(flatten)]
    reasoned: Reasoned,
}

impl Run for Cancel {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        self.reasoned.run(session, "/cancel")
    }
}
