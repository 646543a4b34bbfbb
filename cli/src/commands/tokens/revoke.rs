use clap::Args;
use coro_api::state::Deleted;

use crate::commands::{Run, check_name};
use crate::error::Result;
use crate::http::{Method, Request};
use crate::session::Session;

/// Revoke a token; it is refused from the next call on
#[derive(Args)]
pub(crate) struct Revoke {
    /// The id that tokens list prints
    id: String,
}

impl Run for Revoke {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        check_name("token", &self.id)?;
        let response = session.call(Request::new(Method::Delete, "/api/tokens").name(&self.id))?;
        session.show(&response, |_: Deleted| "revoked".to_owned())
    }
}
