use clap::Args;
use coro_api::txn::{TxnResponse, TxnResult};

use crate::commands::Run;
use crate::commands::once::Once;
use crate::error::Result;
use crate::http::{Method, Request};
use crate::input::Input;
use crate::print::row;
use crate::session::Session;

/// Compare versions and write several keys at once, or nothing at all
///
/// The data is JSON, such as {"compare":[{"key":"shop/plan","version":3}],
/// "writes":[{"op":"put","key":"shop/plan","value":{"step":4}},
/// {"op":"delete","key":"shop/draft"}]}. A version of 0 means that the key does
/// not exist. Prints each key with its new version.
#[derive(Args)]
pub(crate) struct Txn {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    once: Once,
}

impl Run for Txn {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let data = self.input.read(session)?;
        let request = self.once.put_on(Request::new(Method::Post, "/api/txn"));
        let request = request.body("application/json", data.bytes);
        let response = session.call(request)?;
        session.show(&response, |answer: TxnResponse| {
            let rows = answer.results.iter().map(|result| match result {
                TxnResult::Put(item) => row(&[&item.key, &format!("v{}", item.version)]),
                TxnResult::Delete { key, .. } => row(&[key, "deleted"]),
            });
            rows.collect::<Vec<_>>().join("\n")
        })
    }
}
