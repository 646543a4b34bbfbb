use std::path::Path;
use std::time::Duration;

use clap::Args;
use coro_api::messages::{AnswerState, Message, NewAsk, Sent};
use serde_json::Value;

use crate::commands::Run;
use crate::commands::messages::{self, with_json};
use crate::commands::once::Once;
use crate::commands::send::show_sent;
use crate::durations::parse_duration;
use crate::error::{Result, failed, invalid, timed_out};
use crate::http::{Method, Request, Response};
use crate::input::read_text;
use crate::polling::poll;
use crate::session::{Session, unexpected, whole_seconds};

/// Ask an agent for JSON of a given form; print the number, with --wait the answer
///
/// The agent is blocked until it answers. An answer that does not fit comes
/// back to it once. With --wait, exit code 8 means that there is no answer yet,
/// or that the time of --by is over, and 1 that the answers did not fit.
#[derive(Args)]
pub(crate) struct Ask {
    /// The name of the agent
    agent: String,
    /// What is asked
    prompt: String,
    /// A file with the JSON Schema of the answer; or the schema itself
    #[arg(long, value_name = "FILE")]
    schema: String,
    /// Wait so long for the answer, such as 10m
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    wait: Option<Duration>,
    /// Give up after this time; by default an hour
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    by: Option<Duration>,
    /// The project; by default `CORO_PROJECT`, else the token's or the agent's, else "default"
    #[arg(long)]
    project: Option<String>,
    #[command(flatten)]
    once: Once,
}

impl Run for Ask {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let new = NewAsk {
            schema: schema_of(session, &self.schema)?,
            to: self.agent,
            prompt: self.prompt,
            project: self.project.or_else(|| session.environment_project()),
            expires_in_seconds: self
                .by
                .map(|by| i64::try_from(whole_seconds(by)).unwrap_or(i64::MAX)),
        };
        let request = self.once.put_on(Request::new(Method::Post, "/api/asks"));
        let response = session.call(with_json(request, &new)?)?;
        if self.wait.is_none() {
            return show_sent(session, &response);
        }
        let sent: Sent =
            serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))?;
        let number = sent.number;
        if session.is_on_machine() {
            session.talk(&format!(
                "{number} is asked; if cut off: coro-cli messages get {number}"
            ));
        }
        let request = messages::request(Method::Get, number, "");
        let response = poll(session, self.wait, &request, |response| {
            Ok(state_of(&asked(response)?) != AnswerState::Waiting)
        })?;
        show_answer(session, &response)
    }
}

/// What is JSON is the schema itself, and what begins like an object is meant
/// to be.
fn schema_of(session: &mut Session<'_>, given: &str) -> Result<Value> {
    let text = match serde_json::from_str(given) {
        Ok(schema) => return Ok(schema),
        Err(_) if given.trim_start().starts_with('{') => given.to_owned(),
        Err(_) => read_text(session, Path::new(given))?,
    };
    serde_json::from_str(&text).map_err(|error| invalid(format!("the schema is no JSON: {error}")))
}

/// Prints the answer alone, or fails with what became of the ask.
fn show_answer(session: &mut Session<'_>, response: &Response) -> Result<()> {
    let message = asked(response)?;
    let (number, name) = (message.number, &message.to);
    match state_of(&message) {
        AnswerState::Answered if session.options.wants_json() => session.show_json(&response.body),
        AnswerState::Answered => {
            let answer = message.ask.and_then(|ask| ask.answer).unwrap_or_default();
            session.line(&coro_api::names::inert(&answer.to_string()))
        }
        AnswerState::Waiting => Err(timed_out(format!("{name} has not answered {number} yet"))
            .hint(format!("look again: coro-cli messages get {number}"))),
        AnswerState::Expired => Err(timed_out(format!("{name} did not answer {number} in time"))),
        AnswerState::Failed => {
            let why = message.ask.and_then(|ask| ask.failure);
            Err(failed(format!(
                "{number} to {name} failed: {}",
                why.unwrap_or_default()
            )))
        }
    }
}

fn asked(response: &Response) -> Result<Message> {
    serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))
}

fn state_of(message: &Message) -> AnswerState {
    let ask = message.ask.as_ref();
    ask.map_or(AnswerState::Failed, |ask| ask.state)
}
