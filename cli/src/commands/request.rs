use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use coro_api::numbers::LeaseNumber;
use coro_api::requests::{self, NewRequest, RequestKind, Silence};
use serde_json::Value;

use crate::commands::Run;
use crate::commands::once::Once;
use crate::commands::requests::{kinds, wait_for_decision};
use crate::durations::parse_duration;
use crate::error::Result;
use crate::http::{Method, Request as HttpRequest};
use crate::session::{Session, json_body, unexpected, whole_seconds};

/// Ask for a decision and print the request's number
///
/// With --wait the decision alone is printed, with exit code 5 where it is no,
/// and 8 where none came in time.
#[derive(Args)]
pub(crate) struct Request {
    /// What is to be decided, in one line
    title: String,
    /// What it is about; question and checkpoint are plain, all else a human decides
    #[arg(long, value_parser = kinds())]
    kind: Option<RequestKind>,
    /// Its project; by default `CORO_PROJECT`, else the token's or the agent's, else "default"
    #[arg(long)]
    project: Option<String>,
    /// More about it
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    body: String,
    /// What exactly is decided, for programs
    #[arg(long, value_name = "JSON", value_parser = parse_json)]
    detail: Option<Value>,
    /// What can be answered; may be given more than once; by default yes and no
    #[arg(long = "option", value_name = "OPTION")]
    options: Vec<String>,
    /// How long until silence means something, such as 1h; by default a day
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    expires: Option<Duration>,
    /// What silence means
    #[arg(long, value_parser = silences(), default_value = "park")]
    silence: Silence,
    /// Ask to edit under this lease of another, such as L-3
    #[arg(long)]
    lease: Option<LeaseNumber>,
    /// Wait so long for the decision
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    wait: Option<Duration>,
    #[command(flatten)]
    once: Once,
}

impl Run for Request {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let wait = self.wait;
        let request = self.request(session)?;
        let response = session.call(request)?;
        let Some(wait) = wait else {
            return session.show(&response, |asked: requests::Request| {
                asked.number.to_string()
            });
        };
        let asked: requests::Request =
            serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))?;
        let number = asked.number;
        if session.is_on_machine() {
            session.talk(&format!(
                "{number} is asked; if cut off: coro-cli requests get {number} --wait 10m"
            ));
        }
        wait_for_decision(session, number, wait)
    }
}

impl Request {
    fn request(self, session: &Session<'_>) -> Result<HttpRequest> {
        let usual_kind = match self.lease {
            Some(_) => RequestKind::LeaseOverride,
            None => RequestKind::Question,
        };
        let new = NewRequest {
            title: self.title,
            kind: self.kind.unwrap_or(usual_kind),
            project: self.project.or(session.environment_project()),
            body: self.body,
            detail: self.detail,
            options: self.options,
            lease: self.lease,
            expires_in: self
                .expires
                .and_then(|time| i64::try_from(whole_seconds(time)).ok()),
            on_silence: self.silence,
        };
        let request = HttpRequest::new(Method::Post, "/api/requests");
        json_body(self.once.put_on(request), &new)
    }
}

fn parse_json(text: &str) -> std::result::Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("is no JSON: {error}"))
}

fn silences() -> impl TypedValueParser<Value = Silence> {
    let words = Silence::ALL.iter().map(|silence| silence.word());
    PossibleValuesParser::new(words)
        .try_map(|word| Silence::from_word(&word).ok_or("is none of them"))
}
