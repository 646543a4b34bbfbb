use clap::Args;
use coro_api::events::Event;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::commands::Run;
use crate::commands::once::Once;
use crate::error::{Result, failed, invalid};
use crate::http::{Method, Request};
use crate::input::{Data, OptionalInput};
use crate::session::Session;

/// Publish an event and print its revision
#[derive(Args)]
pub(crate) struct Publish {
    /// Segments with dots, the first one the project, such as shop.api.done
    topic: String,
    #[command(flatten)]
    input: OptionalInput,
    /// What the event is about, such as a key
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
    #[command(flatten)]
    once: Once,
}

/// As `coro_api::events::PublishRequest`, with the data as it was typed.
#[derive(Serialize)]
struct Body<'a> {
    topic: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
}

impl Run for Publish {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let data = self.input.read(session)?.map(raw_json).transpose()?;
        let body = Body {
            topic: &self.topic,
            subject: self.subject.as_deref(),
            data,
        };
        let body = serde_json::to_vec(&body).map_err(|error| failed(error.to_string()))?;
        let request = self
            .once
            .put_on(Request::new(Method::Post, "/api/events/publish"))
            .body("application/json", body);
        let response = session.call(request)?;
        session.show(&response, |event: Event| event.revision.to_string())
    }
}

fn raw_json(data: Data) -> Result<Box<RawValue>> {
    let text = String::from_utf8(data.bytes).map_err(|_| invalid("the data is not UTF-8"))?;
    RawValue::from_string(text).map_err(|error| {
        invalid(format!("the data is no JSON: {error}"))
            .hint("a text needs quotes, as in --data '\"text\"'")
    })
}
