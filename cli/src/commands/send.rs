use std::time::Duration;

use clap::Args;
use coro_api::messages::{NewMessage, Sent};
use coro_api::numbers::MessageNumber;
use coro_api::tokens::Role;

use crate::commands::Run;
use crate::commands::messages::{text_of, with_json};
use crate::commands::once::Once;
use crate::commands::tokens::create::roles;
use crate::durations::parse_duration;
use crate::error::{Result, failed};
use crate::http::{Method, Request, Response};
use crate::input::Input;
use crate::session::{Session, whole_seconds};

/// Send a message to an agent, a role or all, and print its number, such as M-40
#[derive(Args)]
pub(crate) struct Send {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    to: Target,
    /// The project; by default `CORO_PROJECT`, else the token's or the agent's, else "default"
    #[arg(long)]
    project: Option<String>,
    /// The message of whose thread it is; it is acknowledged by this
    #[arg(long, value_name = "NUMBER")]
    reply_to: Option<MessageNumber>,
    #[command(flatten)]
    wish: Wish,
    #[command(flatten)]
    once: Once,
}

#[derive(Args)]
#[group(id = "target", required = true, multiple = false)]
struct Target {
    /// To the agent of this name
    #[arg(long, value_name = "AGENT")]
    to: Option<String>,
    /// To the agents whose token has this role, such as controller
    #[arg(long, value_parser = roles())]
    role: Option<Role>,
    /// To all agents of the project
    #[arg(long)]
    all: bool,
}

/// What the sender wants of the recipients.
#[derive(Args)]
pub(crate) struct Wish {
    /// Ask each recipient to acknowledge it
    #[arg(long)]
    pub(crate) ack: bool,
    /// Let no recipient stop before it has dealt with it
    #[arg(long)]
    pub(crate) blocking: bool,
    /// Tell you where it is not dealt with after this time, such as 30m
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) by: Option<Duration>,
}

impl Wish {
    /// The time as the API takes it.
    pub(crate) fn expires_in_seconds(&self) -> Option<i64> {
        let seconds = self.by.map(whole_seconds)?;
        Some(i64::try_from(seconds).unwrap_or(i64::MAX))
    }
}

impl Run for Send {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let new = NewMessage {
            text: text_of(self.input.read(session)?)?,
            to: self.to.to,
            role: self.to.role,
            all: self.to.all,
            project: self.project.or_else(|| session.environment_project()),
            reply_to: self.reply_to,
            needs_ack: self.wish.ack,
            blocking: self.wish.blocking,
            expires_in_seconds: self.wish.expires_in_seconds(),
        };
        let request = self
            .once
            .put_on(Request::new(Method::Post, "/api/messages"));
        let response = session.call(with_json(request, &new)?)?;
        show_sent(session, &response)
    }
}

/// Prints the number of what was sent, and says who was left out.
pub(crate) fn show_sent(session: &mut Session<'_>, response: &Response) -> Result<()> {
    session.show(response, |sent: Sent| sent.number.to_string())?;
    let sent: Sent =
        serde_json::from_slice(&response.body).map_err(|error| failed(error.to_string()))?;
    if !sent.left_out.is_empty() {
        let names = sent.left_out.join(", ");
        session.talk(&format!("too much waits already for {names}: left out"));
    }
    Ok(())
}
