use clap::Args;
use coro_api::messages::NewReply;
use coro_api::numbers::MessageNumber;

use crate::commands::Run;
use crate::commands::messages::{request, text_of, with_json};
use crate::commands::once::Once;
use crate::commands::send::{Wish, show_sent};
use crate::error::Result;
use crate::http::Method;
use crate::input::Input;
use crate::session::Session;

/// Reply to whoever sent a message, which acknowledges it; print the reply's number
#[derive(Args)]
#[command(override_usage = "coro-cli reply [OPTIONS] <NUMBER> <TEXT|--data DATA|--file FILE>")]
pub(crate) struct Reply {
    /// The message, such as M-40
    number: MessageNumber,
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    wish: Wish,
    #[command(flatten)]
    once: Once,
}

impl Run for Reply {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let new = NewReply {
            text: text_of(self.input.read(session)?)?,
            needs_ack: self.wish.ack,
            blocking: self.wish.blocking,
            expires_in_seconds: self.wish.expires_in_seconds(),
        };
        let request = self
            .once
            .put_on(request(Method::Post, self.number, "/reply"));
        let response = session.call(with_json(request, &new)?)?;
        show_sent(session, &response)
    }
}
