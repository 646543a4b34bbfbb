use std::io::{self, IsTerminal as _};

use clap::Args;

use crate::bridge::{self, Way};
use crate::commands::Run;
use crate::error::Result;
use crate::session::Session;

/// Connect an MCP client that starts programs: messages on standard input and output
///
/// A client starts this and speaks MCP with it, one message a line; each goes
/// to /mcp of the server. The owner's token in the data folder is not used, as
/// whoever speaks here is an agent: store a token with coro-cli config set
/// token -, or set `CORO_TOKEN`. --timeout is how long an answer may take, by
/// default ten minutes.
#[derive(Args)]
pub(crate) struct Mcp {
    /// Act with the owner's token where there is no other: the agent may then do anything
    #[arg(long)]
    as_owner: bool,

    /// Push messages to the agent into its session, where the client takes them: Claude Code
    #[arg(long)]
    channel: bool,
}

impl Run for Mcp {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let (url, token_file) = (
            session.options.url.clone(),
            session.options.token_file.clone(),
        );
        let machine = session.machine().map_err(|error| {
            error.hint("you are connected by MCP already; coro-cli --help lists commands")
        })?;
        let mut environment = machine.environment.clone();
        environment.is_agent |= !self.as_owner;
        let way = Way {
            url,
            token_file,
            environment,
        };
        if io::stdin().is_terminal() {
            session.talk("an MCP client starts this; it waits for messages, one a line");
        }
        // Its own handle: the reader is a thread, and no command before this
        // one has read anything.
        bridge::run(session, way, self.channel, io::stdin())
    }
}
