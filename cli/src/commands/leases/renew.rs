use std::time::Duration;

use clap::Args;
use coro_api::leases::{Lease, RenewLease};
use coro_api::numbers::LeaseNumber;

use super::{request, with_body};
use crate::commands::Run;
use crate::commands::once::Once;
use crate::durations::parse_duration;
use crate::error::Result;
use crate::http::Method;
use crate::session::{Session, whole_seconds};

/// Keep a lease for longer, and print when it ends
///
/// One that has ended is not revived: take it again, and look at what changed.
#[derive(Args)]
pub(crate) struct Renew {
    /// The lease's number, such as L-3
    lease: LeaseNumber,
    /// From now on; by default for as long as it was taken
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    ttl: Option<Duration>,
    /// Only the lease with this fencing token
    #[arg(long, value_name = "REV")]
    fence: Option<i64>,
    #[command(flatten)]
    once: Once,
}

impl Run for Renew {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let seconds = |ttl| i64::try_from(whole_seconds(ttl)).unwrap_or(i64::MAX);
        let renew = RenewLease {
            ttl_seconds: self.ttl.map(seconds),
            fence: self.fence,
        };
        let request = self
            .once
            .put_on(request(Method::Post, self.lease, "/renew"));
        let response = session.call(with_body(request, &renew)?)?;
        session.show(&response, |lease: Lease| {
            lease
                .expires_at
                .unwrap_or_else(|| "with its task".to_owned())
        })
    }
}
