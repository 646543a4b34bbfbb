use clap::Args;
use coro_api::numbers::RequestNumber;
use coro_api::requests::{Request, Withdrawal};

use super::request_of;
use crate::commands::Run;
use crate::error::Result;
use crate::http::Method;
use crate::session::{Session, json_body};

/// Take back a request that you asked
#[derive(Args)]
pub(crate) struct Withdraw {
    /// Its number, such as R-7
    number: RequestNumber,
    /// Why it is not needed any more
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    why: String,
}

impl Run for Withdraw {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let request = request_of(Method::Post, self.number, "/withdraw");
        let response = session.call(json_body(request, &Withdrawal { why: self.why })?)?;
        session.show(&response, |request: Request| {
            request.status.word().to_owned()
        })
    }
}
