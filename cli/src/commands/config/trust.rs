use clap::Args;

use crate::commands::Run;
use crate::config::{ADDRESS_HINT, FileSettings, user_file, write_file};
use crate::error::{Result, usage};
use crate::http::Address;
use crate::session::Session;

/// Let a server that a repository names have your token and passphrase
///
/// A repository's .coro/cli.json says where its team's server is, and whoever
/// wrote it could name another. The servers that you trust stand in your own
/// file. The server of this machine needs none of this.
#[derive(Args)]
pub(crate) struct Trust {
    /// Its address, as the repository names it
    url: String,
}

impl Run for Trust {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let machine = session.machine()?;
        let address: Address = self
            .url
            .parse()
            .map_err(|fault: String| usage(fault).hint(ADDRESS_HINT))?;
        let path = user_file(&machine.environment)
            .ok_or_else(|| usage("there is no home folder").hint("set HOME"))?;
        let change = FileSettings {
            trusted: vec![address.to_string()],
            ..FileSettings::default()
        };
        write_file(&path, change)?;
        session.talk(&format!("{address} is trusted in {}", path.display()));
        Ok(())
    }
}
