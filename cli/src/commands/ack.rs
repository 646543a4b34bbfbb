use clap::Args;
use coro_api::messages::Receipt;
use coro_api::numbers::MessageNumber;

use crate::commands::Run;
use crate::commands::messages::request;
use crate::error::Result;
use crate::http::Method;
use crate::session::Session;

/// Acknowledge messages to you
#[derive(Args)]
pub(crate) struct Ack {
    /// The messages, such as M-40
    #[arg(required = true)]
    numbers: Vec<MessageNumber>,
}

impl Run for Ack {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        for number in self.numbers {
            let response = session.call(request(Method::Post, number, "/ack"))?;
            session.show(&response, |receipt: Receipt| {
                format!("{} {}", receipt.message, receipt.state.word())
            })?;
        }
        Ok(())
    }
}
