use clap::Args;
use coro_api::messages::{Message, NewAnswer};
use coro_api::numbers::MessageNumber;

use crate::commands::Run;
use crate::commands::messages::{request, with_json};
use crate::error::{Result, invalid};
use crate::http::Method;
use crate::input::Input;
use crate::session::Session;

/// Answer what another agent has asked you, with JSON that fits its schema
#[derive(Args)]
#[command(override_usage = "coro-cli answer [OPTIONS] <NUMBER> <JSON|--data DATA|--file FILE>")]
pub(crate) struct Answer {
    /// The ask, such as M-7
    number: MessageNumber,
    #[command(flatten)]
    input: Input,
}

impl Run for Answer {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let number = self.number;
        let data = self.input.read(session)?;
        let answer = serde_json::from_slice(&data.bytes).map_err(|error| {
            invalid(format!("the answer is no JSON: {error}")).hint(format!(
                "a text needs quotes of its own: coro-cli answer {number} '\"text\"'"
            ))
        })?;
        let request = request(Method::Post, number, "/answer");
        let response = session.call(with_json(request, &NewAnswer { answer })?)?;
        session.show(&response, |_: Message| "ok".to_owned())
    }
}
