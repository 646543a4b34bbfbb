use clap::Args;

use crate::commands::parse_header;
use crate::http::Request;

/// Options of a write that may be sent again without harm.
#[derive(Args, Clone)]
pub(crate) struct Once {
    /// Do this once, however often it is sent: the same key gets the first answer for 24 hours
    #[arg(long, value_name = "KEY", value_parser = parse_header)]
    idempotency_key: Option<String>,
}

impl Once {
    pub(crate) fn put_on(self, request: Request) -> Request {
        match self.idempotency_key {
            Some(key) => request.header("Idempotency-Key", key),
            None => request,
        }
    }
}
