use clap::Args;

use crate::commands::Run;
use crate::error::Result;
use crate::session::Session;

/// Print the version of this program
#[derive(Args)]
pub(crate) struct Version {}

impl Run for Version {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        session.line(concat!("coro-cli ", env!("CARGO_PKG_VERSION")))
    }
}
