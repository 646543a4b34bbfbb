use clap::Args;
use coro_api::agents::{Agent, OWN};
use coro_api::messages::{AnswerState, Ask, Message, Receipt, ReceiptState};
use coro_api::numbers::MessageNumber;

use super::request;
use crate::commands::Run;
use crate::error::Result;
use crate::http::{Method, Request};
use crate::print::row;
use crate::session::{Session, unexpected};

/// Print a message whole, and how far it is with each recipient
///
/// A line for each recipient: name, state, how it was delivered. A recipient
/// sees its own, and has read the message by this.
#[derive(Args)]
pub(crate) struct Get {
    /// The message, such as M-40
    number: MessageNumber,
    /// Look without having read it
    #[arg(long)]
    peek: bool,
}

impl Run for Get {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let mut request = request(Method::Get, self.number, "");
        if self.peek {
            request = request.flag("peek");
        }
        let response = session.call(request)?;
        if session.options.wants_json() {
            return session.show_json(&response.body);
        }
        let message: Message =
            serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))?;
        let label = match awaits(session, &message)? {
            true => message.label(),
            false => message.heading(),
        };
        session.show(&response, |message: Message| {
            let mut lines = vec![label, message.quoted()];
            lines.extend(message.ask.as_ref().map(outcome));
            lines.extend(message.receipts.iter().map(receipt_row));
            lines.join("\n")
        })
    }
}

/// Whether the caller is a recipient who is to acknowledge or answer it still.
fn awaits(session: &mut Session<'_>, message: &Message) -> Result<bool> {
    let is_open = match &message.ask {
        Some(ask) => ask.state == AnswerState::Waiting,
        None => message.needs_ack || message.blocking,
    };
    let can_act = |receipt: &&Receipt| {
        let state = receipt.state;
        [
            ReceiptState::Queued,
            ReceiptState::Delivered,
            ReceiptState::Read,
        ]
        .contains(&state)
    };
    let mut open = message.receipts.iter().filter(can_act).peekable();
    if !is_open || open.peek().is_none() {
        return Ok(false);
    }
    let me = match session.call(Request::get("/api/instances").name(OWN)) {
        Ok(response) => response,
        // Whoever is no agent gets no messages.
        Err(error) if error.status.is_some() => return Ok(false),
        Err(error) => return Err(error),
    };
    let me: Agent = serde_json::from_slice(&me.body).map_err(|error| unexpected(&error))?;
    Ok(me.project == message.project && open.any(|receipt| receipt.agent == me.name))
}

/// What became of an ask.
fn outcome(ask: &Ask) -> String {
    match (&ask.answer, &ask.failure) {
        (Some(answer), _) => row(&[ask.state.word(), &answer.to_string()]),
        (None, Some(why)) => row(&[ask.state.word(), why]),
        (None, None) => ask.state.word().to_owned(),
    }
}

fn receipt_row(receipt: &Receipt) -> String {
    let how = receipt.how.map_or("", |how| how.word());
    row(&[&receipt.agent, receipt.state.word(), how])
}
