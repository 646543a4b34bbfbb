use clap::Args;
use coro_api::consumers::{Acknowledge, Consumer};

use crate::commands::Run;
use crate::error::{Result, failed};
use crate::http::Method;
use crate::session::Session;

/// Say that everything up to a revision is dealt with, and print where it stands
#[derive(Args)]
pub(crate) struct Ack {
    /// The consumer's name
    name: String,
    /// The revision of the last event that is dealt with
    #[arg(value_name = "REV")]
    revision: i64,
}

impl Run for Ack {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let acknowledge = Acknowledge {
            revision: self.revision,
        };
        let body = serde_json::to_vec(&acknowledge).map_err(|error| failed(error.to_string()))?;
        let mut request = super::request(Method::Post, &self.name)?;
        request.path_and_query.push_str("/ack");
        let response = session.call(request.body("application/json", body))?;
        session.show(&response, |consumer: Consumer| {
            consumer.acknowledged.to_string()
        })
    }
}
