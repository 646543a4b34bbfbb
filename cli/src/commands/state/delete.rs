use clap::Args;
use coro_api::state::Deleted;

use crate::commands::Run;
use crate::commands::once::Once;
use crate::error::Result;
use crate::http::Method;
use crate::session::Session;

/// Delete a key; its history stays, and a rollback brings it back
#[derive(Args)]
pub(crate) struct Delete {
    /// Segments with slashes, the first one the project, such as shop/plan
    key: String,
    /// Delete only if this is the present version
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    if_version: Option<i64>,
    #[command(flatten)]
    once: Once,
}

impl Run for Delete {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let request =
            super::if_version(super::request(Method::Delete, &self.key)?, self.if_version);
        let response = session.call(self.once.put_on(request))?;
        session.show(&response, |_: Deleted| "deleted".to_owned())
    }
}
