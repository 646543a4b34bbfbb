use clap::Args;
use coro_api::state::Deleted;

use crate::commands::Run;
use crate::error::Result;
use crate::http::Method;
use crate::session::Session;

/// Delete a consumer; no event is lost with it
#[derive(Args)]
pub(crate) struct Delete {
    /// The consumer's name
    name: String,
}

impl Run for Delete {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let response = session.call(super::request(Method::Delete, &self.name)?)?;
        session.show(&response, |_: Deleted| "deleted".to_owned())
    }
}
