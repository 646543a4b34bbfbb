use clap::Args;
use coro_api::agents::LivenessCheck;

use super::agent_rows;
use crate::commands::Run;
use crate::error::Result;
use crate::http::{Method, Request};
use crate::session::Session;

/// Look now who is alive, and print those who have just become stale
///
/// The server looks by itself every few seconds; this does not wait for that.
#[derive(Args)]
pub(crate) struct Check {}

impl Run for Check {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let response = session.call(Request::new(Method::Post, "/api/liveness/check"))?;
        session.show(&response, |found: LivenessCheck| {
            agent_rows(&found.newly_stale)
        })
    }
}
