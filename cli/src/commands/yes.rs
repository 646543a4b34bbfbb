use clap::Args;
use coro_api::numbers::RequestNumber;
use coro_api::requests::YES;

use crate::commands::Run;
use crate::commands::requests::decide::{Answer, decide};
use crate::error::Result;
use crate::input::text_or_input;
use crate::session::Session;

/// Decide a request: yes, or another of its options
///
/// What is protected is shown on the terminal, and takes a human's passphrase
/// there.
#[derive(Args)]
pub(crate) struct Yes {
    /// Its number, such as R-7
    number: RequestNumber,
    /// The option
    #[arg(long, default_value = YES)]
    option: String,
    /// Why; - reads it from standard input
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        default_value = "",
        hide_default_value = true
    )]
    why: String,
    /// Who you are, where there are several humans; a human decides then
    #[arg(long = "as", value_name = "NAME")]
    human: Option<String>,
}

impl Run for Yes {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let answer = Answer {
            number: self.number,
            option: self.option,
            why: text_or_input(session, self.why)?,
            human: self.human,
        };
        decide(session, answer)
    }
}
