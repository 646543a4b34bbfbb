use std::time::Duration;

use clap::Args;
use coro_api::state::StateItem;

use crate::commands::once::Once;
use crate::commands::{Run, parse_header};
use crate::durations::parse_duration;
use crate::error::Result;
use crate::http::{Method, Request};
use crate::input::Input;
use crate::session::{Session, whole_seconds};

/// Write a value and print its version, such as v3
#[derive(Args)]
pub(crate) struct Set {
    /// Segments with slashes, the first one the project, such as shop/plan
    key: String,
    #[command(flatten)]
    input: Input,
    /// The content type; by default that of the file's name, else JSON or text
    #[arg(long = "type", value_name = "TYPE", value_parser = parse_header)]
    content_type: Option<String>,
    #[command(flatten)]
    condition: Condition,
    /// Delete the key after this time, such as 90 or 12h
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    ttl: Option<Duration>,
    /// Whether each later write must name the version that it replaces
    #[arg(long, value_name = "BOOL")]
    conditional: Option<bool>,
    #[command(flatten)]
    once: Once,
}

#[derive(Args)]
#[group(multiple = false)]
struct Condition {
    /// Write only if this is the present version; 0 means that there is none
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..))]
    if_version: Option<i64>,
    /// Write only if the key does not exist
    #[arg(long)]
    if_absent: bool,
    /// Write only if the value still has this entity tag, or Koor's bare hash
    #[arg(long, value_name = "ETAG", value_parser = parse_header)]
    if_match: Option<String>,
}

impl Run for Set {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let request = super::request(Method::Put, &self.key)?
            .query_if("ttl", self.ttl.map(whole_seconds))
            .query_if("conditional", self.conditional);
        let data = self.input.read(session)?;
        let content_type = self
            .content_type
            .unwrap_or_else(|| data.content_type().to_owned());
        let request = self.once.put_on(self.condition.put_on(request));
        let request = request.body(&content_type, data.bytes);
        let response = session.call(request)?;
        session.show(&response, |item: StateItem| format!("v{}", item.version))
    }
}

impl Condition {
    fn put_on(self, request: Request) -> Request {
        if let Some(etag) = self.if_match {
            return request.header("If-Match", etag);
        }
        super::if_version(
            request,
            if self.if_absent {
                Some(0)
            } else {
                self.if_version
            },
        )
    }
}
