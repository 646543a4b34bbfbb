use clap::Args;

use crate::commands::Run;
use crate::error::Result;
use crate::http::Method;
use crate::session::Session;

/// Print a consumer: name, pattern, acknowledged revision
#[derive(Args)]
pub(crate) struct Get {
    /// The consumer's name
    name: String,
}

impl Run for Get {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let response = session.call(super::request(Method::Get, &self.name)?)?;
        session.show(&response, |consumer| super::consumer_row(&consumer))
    }
}
