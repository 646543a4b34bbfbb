use clap::Args;
use coro_api::messages::{Ask, Message, Receipt};
use coro_api::numbers::MessageNumber;

use super::{request, shown};
use crate::commands::Run;
use crate::error::Result;
use crate::http::Method;
use crate::print::row;
use crate::session::Session;

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
        session.show(&response, |message: Message| {
            let mut lines = vec![shown(&message)];
            lines.extend(message.ask.as_ref().map(outcome));
            lines.extend(message.receipts.iter().map(receipt_row));
            lines.join("\n")
        })
    }
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
