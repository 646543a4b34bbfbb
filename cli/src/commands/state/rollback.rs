use clap::Args;
use coro_api::state::RolledBack;

use crate::commands::Run;
use crate::commands::once::Once;
use crate::error::Result;
use crate::http::Method;
use crate::session::Session;

/// Write an older value again, of a deleted key too, and print the new version
#[derive(Args)]
pub(crate) struct Rollback {
    /// Segments with slashes, the first one the project, such as shop/plan
    key: String,
    /// The version whose value is written
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    version: i64,
    /// Write only if this is the present version; 0 means that there is none
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..))]
    if_version: Option<i64>,
    #[command(flatten)]
    once: Once,
}

impl Run for Rollback {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let request = super::request(Method::Post, &self.key)?.query("rollback", self.version);
        let request = self
            .once
            .put_on(super::if_version(request, self.if_version));
        let response = session.call(request)?;
        session.show(&response, |rolled_back: RolledBack| {
            format!("v{}", rolled_back.item.version)
        })
    }
}
