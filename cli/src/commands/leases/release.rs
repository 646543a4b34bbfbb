use clap::Args;
use coro_api::leases::ReleasedLease;
use coro_api::numbers::LeaseNumber;

use super::request;
use crate::commands::Run;
use crate::commands::once::Once;
use crate::error::Result;
use crate::http::Method;
use crate::session::Session;

/// End a lease, or leave the queue; who waits for it gets it
#[derive(Args)]
pub(crate) struct Release {
    /// The lease's number, such as L-3
    lease: LeaseNumber,
    /// Only the lease with this fencing token
    #[arg(long, value_name = "REV")]
    fence: Option<i64>,
    #[command(flatten)]
    once: Once,
}

impl Run for Release {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let request = request(Method::Delete, self.lease, "").query_if("fence", self.fence);
        let response = session.call(self.once.put_on(request))?;
        session.show(&response, |_: ReleasedLease| "released".to_owned())
    }
}
