//! A scripted model: what a client talks to in place of a company's API.
//!
//! A script is a list of steps. With each request the model takes the next
//! one: it says a text or calls a tool, and the request after that must bring
//! what the step expects of the tool's result. A script that is not met
//! answers with an error that clients report at once; [`Model::finish`] then
//! fails the test with what was missing.
//!
//! `messages.rs` and `responses.rs` are the two forms on the wire.

mod messages;
mod responses;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use coro_tests::OtherServer;
use regex::Regex;
use serde_json::{Value, json};

/// What a model does, step by step.
#[derive(Debug, Default)]
pub(crate) struct Script {
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    action: Action,
    /// Parts of the tool's result that must be there.
    expected: Vec<String>,
    /// Parts of all that the next request says anew that must be there.
    heard: Vec<String>,
    /// Names, and where in the result their values are.
    kept: Vec<(String, Regex)>,
}

#[derive(Clone, Debug)]
enum Action {
    Say(String),
    Call { tool: String, input: Value },
}

impl Script {
    pub(crate) fn new() -> Self {
        Script::default()
    }

    /// Calls a tool. `{name}` in a string of the input is replaced by a value
    /// that an earlier step kept.
    pub(crate) fn call(self, tool: &str, input: Value) -> Self {
        self.step(Action::Call {
            tool: tool.to_owned(),
            input,
        })
    }

    /// Runs a command in Claude Code's shell.
    pub(crate) fn bash(self, command: &str) -> Self {
        self.call("Bash", json!({"command": command, "description": "Coro"}))
    }

    /// Runs a command in Codex's shell.
    pub(crate) fn exec(self, command: &str) -> Self {
        self.call("exec_command", json!({"cmd": command}))
    }

    /// Ends the turn.
    pub(crate) fn say(self, text: &str) -> Self {
        self.step(Action::Say(text.to_owned()))
    }

    /// The result of the last call has this part.
    pub(crate) fn expect(mut self, part: &str) -> Self {
        self.last().expected.push(part.to_owned());
        self
    }

    /// Whatever the client says after the last step has this part: a hook may
    /// have added it beside the result, or sent the model on after its turn.
    pub(crate) fn hear(mut self, part: &str) -> Self {
        self.last().heard.push(part.to_owned());
        self
    }

    /// Keeps a part of the last call's result under a name: the first group of
    /// the pattern, or all that it matches.
    pub(crate) fn keep(mut self, name: &str, pattern: &str) -> Self {
        let pattern = Regex::new(pattern).expect("a pattern of the test");
        self.last().kept.push((name.to_owned(), pattern));
        self
    }

    fn step(mut self, action: Action) -> Self {
        self.steps.push(Step {
            action,
            expected: Vec::new(),
            heard: Vec::new(),
            kept: Vec::new(),
        });
        self
    }

    fn last(&mut self) -> &mut Step {
        self.steps.last_mut().expect("a step comes first")
    }
}

/// A model that listens. Ends with this value.
#[derive(Debug)]
pub(crate) struct Model {
    server: OtherServer,
    played: Played,
}

type Played = Arc<Mutex<Play>>;

/// A script that is being played.
#[derive(Debug)]
struct Play {
    script: Script,
    /// The step that comes next.
    next: usize,
    values: HashMap<String, String>,
    results: Vec<String>,
    offered: BTreeSet<String>,
    failures: Vec<String>,
}

/// What a request tells, in whatever form.
struct Asked {
    /// The names of the tools that may be called.
    tools: Vec<String>,
    /// The newest results, where the request brings some.
    results: Option<String>,
    /// All that is said since the model spoke last.
    said: String,
}

impl Model {
    pub(crate) fn start(script: Script) -> Self {
        let play = Play {
            script,
            next: 0,
            values: HashMap::new(),
            results: Vec::new(),
            offered: BTreeSet::new(),
            failures: Vec::new(),
        };
        let played = Arc::new(Mutex::new(play));
        let app = Router::new()
            .route("/v1/messages", post(messages))
            .route("/v1/responses", post(responses))
            .with_state(played.clone());
        Model {
            server: OtherServer::start(app),
            played,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.server.url
    }

    /// The tools that the client offered in any request.
    pub(crate) fn offered(&self) -> BTreeSet<String> {
        self.play().offered.clone()
    }

    /// A value that a step kept.
    pub(crate) fn kept(&self, name: &str) -> String {
        let value = self.play().values.get(name).cloned();
        value.unwrap_or_else(|| panic!("no step kept {name}"))
    }

    /// Fails the test unless the whole script was played. Gives the results of
    /// the tools in their order.
    #[track_caller]
    pub(crate) fn finish(&self) -> Vec<String> {
        let play = self.play();
        assert!(play.failures.is_empty(), "{play:#?}");
        assert_eq!(play.next, play.script.steps.len(), "{play:#?}");
        play.results.clone()
    }

    fn play(&self) -> MutexGuard<'_, Play> {
        self.played.lock().expect("no panic while held")
    }
}

async fn messages(State(played): State<Played>, body: axum::body::Bytes) -> Response {
    answer(&played, &body, messages::asked, messages::stream)
        .unwrap_or_else(|failure| refuse(StatusCode::PAYMENT_REQUIRED, &failure))
}

async fn responses(State(played): State<Played>, body: axum::body::Bytes) -> Response {
    answer(&played, &body, responses::asked, responses::stream)
        .unwrap_or_else(|failure| refuse(StatusCode::BAD_REQUEST, &failure))
}

fn answer(
    played: &Played,
    body: &[u8],
    asked: fn(&Value) -> Asked,
    stream: fn(&Action) -> Vec<Value>,
) -> Result<Response, String> {
    let body = serde_json::from_slice(body).unwrap_or_default();
    let mut play = played.lock().expect("no panic while held");
    let action = play.next(asked(&body))?;
    let events: String = stream(&action).iter().map(event).collect();
    Ok(([(header::CONTENT_TYPE, "text/event-stream")], events).into_response())
}

/// What a client does not try again, so that the test ends soon: each status
/// is the one that its client gives up at.
fn refuse(status: StatusCode, failure: &str) -> Response {
    let error = json!({"type": "invalid_request_error", "message": failure});
    (status, axum::Json(json!({"type": "error", "error": error}))).into_response()
}

/// An id that no other message or call of this process has.
fn new_id(prefix: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    format!("{prefix}{:024}", COUNT.fetch_add(1, Ordering::Relaxed))
}

fn event(data: &Value) -> String {
    let name = data["type"].as_str().expect("events have a type");
    format!("event: {name}\ndata: {data}\n\n")
}

impl Play {
    /// What the model does after this request.
    fn next(&mut self, asked: Asked) -> Result<Action, String> {
        // Side requests, such as those for a title, offer no tools.
        if asked.tools.is_empty() {
            return Ok(Action::Say("ok".to_owned()));
        }
        self.offered.extend(asked.tools);
        let done = self
            .after(asked.results, &asked.said)
            .and_then(|()| self.act());
        done.inspect_err(|failure| self.failures.push(failure.clone()))
    }

    /// Looks at the results of the step before.
    fn after(&mut self, results: Option<String>, said: &str) -> Result<(), String> {
        let Some(before) = self.next.checked_sub(1) else {
            return Ok(());
        };
        let step = &self.script.steps[before];
        for part in &step.heard {
            let part = fill_text(part, &self.values);
            if !said.contains(&part) {
                return Err(format!("step {before}: nobody said {part:?} in {said:?}"));
            }
        }
        if matches!(step.action, Action::Say(_)) {
            return Ok(());
        }
        let results = results.ok_or(format!("step {before} has no result"))?;
        self.results.push(results.clone());
        for part in &step.expected {
            let part = fill_text(part, &self.values);
            if !results.contains(&part) {
                return Err(format!("step {before}: no {part:?} in {results:?}"));
            }
        }
        for (name, pattern) in &step.kept {
            let found = pattern.captures(&results);
            let found = found.ok_or(format!("step {before}: no {pattern} in {results:?}"))?;
            let value = found.get(1).or(found.get(0)).expect("group 0 is all");
            self.values.insert(name.clone(), value.as_str().to_owned());
        }
        Ok(())
    }

    fn act(&mut self) -> Result<Action, String> {
        let step = self.script.steps.get(self.next);
        let step = step.ok_or("the script has ended")?;
        self.next += 1;
        Ok(match &step.action {
            Action::Say(text) => Action::Say(text.clone()),
            Action::Call { tool, input } => Action::Call {
                tool: tool.clone(),
                input: fill(input, &self.values),
            },
        })
    }
}

fn fill(value: &Value, values: &HashMap<String, String>) -> Value {
    match value {
        Value::String(text) => Value::String(fill_text(text, values)),
        Value::Array(items) => items.iter().map(|item| fill(item, values)).collect(),
        Value::Object(fields) => {
            let filled = fields
                .iter()
                .map(|(name, v)| (name.clone(), fill(v, values)));
            Value::Object(filled.collect())
        }
        other => other.clone(),
    }
}

fn fill_text(text: &str, values: &HashMap<String, String>) -> String {
    let mut text = text.to_owned();
    for (name, value) in values {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    text
}
