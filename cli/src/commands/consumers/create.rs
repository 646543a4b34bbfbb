use clap::Args;
use coro_api::consumers::NewConsumer;

use crate::commands::Run;
use crate::error::{Result, failed};
use crate::http::{Method, Request};
use crate::session::Session;

/// Make a consumer, or find it as it is: name, pattern, acknowledged revision
#[derive(Args)]
pub(crate) struct Create {
    /// The consumer's name
    name: String,
    /// Topics that it gets; * stands for anything
    #[arg(long, default_value = "*")]
    pattern: String,
    /// Begin after this revision; by default with what happens from now on
    #[arg(long, value_name = "REV")]
    from: Option<i64>,
}

impl Run for Create {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let new = NewConsumer {
            name: self.name,
            pattern: self.pattern,
            from: self.from,
        };
        let body = serde_json::to_vec(&new).map_err(|error| failed(error.to_string()))?;
        let request = Request::new(Method::Post, "/api/consumers").body("application/json", body);
        let response = session.call(request)?;
        session.show(&response, |consumer| super::consumer_row(&consumer))
    }
}
