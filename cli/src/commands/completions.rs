use clap::Args;
use clap_complete::Shell;

use crate::arguments;
use crate::commands::Run;
use crate::error::Result;
use crate::session::Session;

/// Print the completions for a shell
#[derive(Args)]
pub(crate) struct Completions {
    /// The shell to print them for
    shell: Shell,
}

impl Run for Completions {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(
            self.shell,
            &mut arguments::command(),
            "coro-cli",
            &mut script,
        );
        session.bytes(&script)
    }
}
