use clap::Args;
use coro_api::numbers::RequestNumber;
use coro_api::requests::NO;

use crate::commands::Run;
use crate::commands::requests::decide::{Answer, decide};
use crate::error::Result;
use crate::input::text_or_input;
use crate::session::Session;

/// Refuse a request, and say why
#[derive(Args)]
pub(crate) struct No {
    /// Its number, such as R-7
    number: RequestNumber,
    /// Why: whoever asked reads it; - reads it from standard input
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    why: String,
    /// Who you are, where there are several humans; a human decides then
    #[arg(long = "as", value_name = "NAME")]
    human: Option<String>,
}

impl Run for No {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let answer = Answer {
            number: self.number,
            option: NO.to_owned(),
            why: text_or_input(session, self.why)?,
            human: self.human,
        };
        decide(session, answer)
    }
}
