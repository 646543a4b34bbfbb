use clap::Args;

use super::reasoned::Reasoned;
use crate::commands::Run;
use crate::error::Result;
use crate::session::Session;

/// Bring a closed task back into the queue, or take one from whoever works on it
#[derive(Args)]
pub(crate) struct Reopen {
    #[command(flatten)]
    reasoned: Reasoned,
}

impl Run for Reopen {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        self.reasoned.run(session, "/reopen")
    }
}
