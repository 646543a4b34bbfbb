use clap::Args;
use coro_api::consumers::Consumer;

use crate::commands::Run;
use crate::error::Result;
use crate::http::Request;
use crate::session::Session;

/// Print consumers, a line each: name, pattern, acknowledged revision
#[derive(Args)]
pub(crate) struct List {}

impl Run for List {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let response = session.call(Request::get("/api/consumers"))?;
        session.show(&response, |consumers: Vec<Consumer>| {
            consumers
                .iter()
                .map(super::consumer_row)
                .collect::<Vec<_>>()
                .join("\n")
        })
    }
}
