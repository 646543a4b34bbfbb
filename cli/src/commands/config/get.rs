use clap::Args;

use super::{Name, show};
use crate::commands::Run;
use crate::error::{Result, not_found};
use crate::print::escape;
use crate::session::Session;

/// Print one setting in effect; of a token only that it is set
#[derive(Args)]
pub(crate) struct Get {
    /// Which setting
    name: Name,
}

impl Run for Get {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let target = session.target()?;
        let shown = match self.name {
            Name::Url => escape(&show::shown_places(target)),
            Name::Token if target.token()?.is_some() => "set".to_owned(),
            Name::Token => {
                return Err(
                    not_found("no token is set").hint("set one with coro-cli config set token -")
                );
            }
        };
        session.line(&shown)
    }
}
