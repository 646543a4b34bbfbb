use clap::Args;
use coro_api::leases::Lease;
use coro_api::numbers::LeaseNumber;

use super::{lease_row, request};
use crate::commands::Run;
use crate::error::Result;
use crate::http::Method;
use crate::session::Session;

/// Print a lease, with the fields that leases list prints
#[derive(Args)]
pub(crate) struct Get {
    /// The lease's number, such as L-3
    lease: LeaseNumber,
}

impl Run for Get {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let response = session.call(request(Method::Get, self.lease, ""))?;
        session.show(&response, |lease: Lease| lease_row(&lease))
    }
}
