//! The stdio bridge: MCP for clients that start a program and know no HTTP.
//!
//! A message is a line. Each is a POST of its own to `/mcp` in a thread of its
//! own, since the server keeps no session; what comes back, one answer or the
//! messages of a stream, is written as lines by the one thread that owns the
//! output. A thread of its own reads the input, so that a message can be
//! cancelled while others run. All meet in `Bridge::run`, which decides.
//!
//! What must hold: nothing but messages goes to standard output; a request gets
//! its answer or an error that says what to do, unless it is cancelled; nothing
//! that happens to one request ends the bridge. Server and token are looked up
//! for each message, so that a client need not start the bridge again after a
//! server was started or a token stored.

mod call;
mod channel;
mod input;
mod message;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::error::{CliError, Result, failed};
use crate::http::{Hangup, Method, Patience, Request};
use crate::session::Session;
pub(crate) use call::Way;
use call::{Failure, carry};
use channel::Push;
use input::{Input, read_input};
use message::{Answer, Dialect, INTERNAL_ERROR, INVALID_REQUEST, Message, error_line};

/// The longest message, in bytes: what a server takes unless told otherwise.
const LINE_BYTES_MAX: usize = coro_api::limits::BODY_BYTES_MAX;

/// Messages that may be under way at once: each has a thread.
const CALLS_MAX: usize = 64;

/// What waits to be handled at most; whoever has more waits.
const EVENTS_MAX: usize = 16;

/// The longest that an answer may take, where `--timeout` says nothing: clients
/// have shorter patience of their own, and cancel.
const ANSWER_DURATION_MAX: Duration = Duration::from_secs(600);

/// The longest silence of a subscription that lives: three of the comments that
/// the server sends every 15 seconds.
const SILENCE_MAX: Duration = Duration::from_secs(45);

/// How long what is under way may take once the input has ended.
const GRACE: Duration = Duration::from_secs(5);

/// The request whose answer never ends by itself.
const LISTEN: &str = "subscriptions/listen";

/// Carries messages between `input` and the session's output until one of them
/// ends.
pub(crate) fn run(
    session: &mut Session<'_>,
    way: Way,
    with_channel: bool,
    input: impl Read + Send + 'static,
) -> Result<()> {
    let (events, inbox) = sync_channel(EVENTS_MAX);
    let sender = events.clone();
    let reader = thread::Builder::new().spawn(move || read_all(BufReader::new(input), &sender));
    reader.map_err(|error| failed(format!("can't start a thread: {error}")))?;
    let mut bridge = Bridge {
        session,
        way,
        events,
        calls: BTreeMap::new(),
        threads: 0,
        next_ticket: 0,
        dialect: Dialect::default(),
        channel: match with_channel {
            true => Channel::Closed,
            false => Channel::Unwanted,
        },
        deadline: None,
    };
    bridge.run(&inbox)
}

/// What a thread tells.
enum Event {
    Input(Input),
    /// The server says something on a call.
    Said(u64, String),
    /// The connection of a call has ended, and how.
    Ended(u64, std::result::Result<(), Failure>),
    /// The channel has something to tell.
    Pushed(Push),
}

/// Reads to the end; a client that can't be read is gone.
fn read_all(mut input: impl BufRead, events: &SyncSender<Event>) {
    loop {
        let next = read_input(&mut input, LINE_BYTES_MAX).unwrap_or(Input::End);
        let is_last = matches!(next, Input::End);
        // Nobody listens where the bridge has ended.
        if events.send(Event::Input(next)).is_err() || is_last {
            return;
        }
    }
}

struct Bridge<'s, 'm> {
    session: &'s mut Session<'m>,
    way: Way,
    events: SyncSender<Event>,
    /// What was not answered yet, in the order in which it came.
    calls: BTreeMap<u64, Call>,
    /// Threads of calls; one that was cancelled may still be ending.
    threads: usize,
    next_ticket: u64,
    dialect: Dialect,
    channel: Channel,
    /// When the bridge ends, once the input has ended.
    deadline: Option<Instant>,
}

/// A message that is under way.
struct Call {
    /// The request's id; `None` for a notification.
    id: Option<Value>,
    method: String,
    /// Whether the client can be spoken to once this is answered.
    makes_ready: bool,
    hangup: Hangup,
}

/// Whether messages to the agent are pushed.
enum Channel {
    Unwanted,
    /// The client is not ready yet.
    Closed,
    Open(Hangup),
}

impl Bridge<'_, '_> {
    fn run(&mut self, inbox: &Receiver<Event>) -> Result<()> {
        while let Some(event) = self.next(inbox) {
            match event {
                Event::Input(Input::Line(line)) => self.take_line(&line)?,
                Event::Input(Input::TooLong(id)) => {
                    let message = format!(
                        "the message is larger than {LINE_BYTES_MAX} bytes and was not sent"
                    );
                    self.refuse(&id.unwrap_or_default(), INVALID_REQUEST, &message)?;
                }
                Event::Input(Input::End) => self.end_input(),
                Event::Said(ticket, text) => self.pass_on(ticket, &text)?,
                Event::Ended(ticket, result) => {
                    self.threads -= 1;
                    self.end(ticket, result)?;
                }
                Event::Pushed(Push::Line(line)) => self.write(&line)?,
                Event::Pushed(Push::Talk(text)) => self.session.talk(&text),
            }
        }
        let unanswered = std::mem::take(&mut self.calls);
        for id in unanswered.into_values().filter_map(|call| call.id) {
            let message = "the input has ended, and the answer did not come soon after";
            self.refuse(&id, INTERNAL_ERROR, message)?;
        }
        Ok(())
    }

    /// What happens next; `None` where nothing is left to wait for.
    fn next(&self, inbox: &Receiver<Event>) -> Option<Event> {
        let Some(deadline) = self.deadline else {
            return inbox.recv().ok();
        };
        if self.calls.is_empty() {
            return None;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        inbox.recv_timeout(left).ok()
    }

    fn take_line(&mut self, line: &[u8]) -> Result<()> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(());
        }
        match Message::read(line) {
            Ok(Message::Request { id, method, value }) => {
                self.dialect.hear_request(&method, &value);
                self.send(Some(id), method, &value, line)
            }
            Ok(Message::Cancelled(id)) => {
                self.cancel(&id);
                Ok(())
            }
            Ok(Message::Notification { method, value }) => {
                let makes_ready = method == "notifications/initialized";
                self.send(None, method, &value, line)?;
                match makes_ready {
                    true => self.open_channel(),
                    false => Ok(()),
                }
            }
            // The server asks clients nothing, so nothing waits for it.
            Ok(Message::Response) => Ok(()),
            Err(fault) => self.refuse(&fault.id, fault.code, &fault.message),
        }
    }

    /// Posts a message in a thread of its own.
    fn send(
        &mut self,
        id: Option<Value>,
        method: String,
        value: &Value,
        line: &[u8],
    ) -> Result<()> {
        if self.threads >= CALLS_MAX {
            let message = format!(
                "{CALLS_MAX} messages are under way already: this one was not sent; wait for \
                 answers, or cancel some"
            );
            return self.fail(id.as_ref(), &Failure::new(message));
        }
        let target = match self.way.target() {
            Ok(target) => target,
            Err(error) => return self.fail(id.as_ref(), &error.into()),
        };
        let silence = match method.as_str() {
            LISTEN => SILENCE_MAX,
            _ => self.session.options.timeout.unwrap_or(ANSWER_DURATION_MAX),
        };
        let mut request = Request::new(Method::Post, "/mcp")
            .patience(Patience::silence(silence))
            .header("Accept", "application/json, text/event-stream")
            .body("application/json", line.to_vec());
        request.headers.extend(self.dialect.headers(&method, value));
        let hangup = Hangup::default();
        let (ticket, heard) = (self.next_ticket, hangup.clone());
        let (events, way) = (self.events.clone(), self.way.clone());
        let is_request = id.is_some();
        let makes_ready = is_request && message::stands_alone(value);
        let thread = thread::Builder::new().spawn(move || {
            // Nobody listens where the bridge has ended.
            let say = |text| events.send(Event::Said(ticket, text)).is_ok();
            let result = carry(&way, target, &request, is_request, &heard, say);
            let _ = events.send(Event::Ended(ticket, result));
        });
        if let Err(error) = thread {
            let failure = Failure::new(format!("can't start a thread: {error}"));
            return self.fail(id.as_ref(), &failure);
        }
        self.next_ticket += 1;
        self.threads += 1;
        let call = Call {
            id,
            method,
            makes_ready,
            hangup,
        };
        self.calls.insert(ticket, call);
        Ok(())
    }

    /// Begins to push messages, where that is wanted and was not begun.
    fn open_channel(&mut self) -> Result<()> {
        let Channel::Closed = self.channel else {
            return Ok(());
        };
        let hangup = Hangup::default();
        let (events, way, heard) = (self.events.clone(), self.way.clone(), hangup.clone());
        let push = move |push| events.send(Event::Pushed(push)).is_ok();
        let thread = thread::Builder::new().spawn(move || channel::run(&way, &heard, push));
        self.channel = match thread {
            Ok(_) => Channel::Open(hangup),
            Err(error) => {
                return self.fail(
                    None,
                    &Failure::new(format!("can't start a thread: {error}")),
                );
            }
        };
        Ok(())
    }

    /// A client that cancels a request wants no answer.
    fn cancel(&mut self, id: &Value) {
        self.hang_up(|call| call.id.as_ref() == Some(id));
    }

    /// Lets what is under way come to its end, where it has one.
    fn end_input(&mut self) {
        self.deadline = Some(Instant::now() + GRACE);
        self.hang_up(|call| call.method == LISTEN);
        if let Channel::Open(hangup) = &self.channel {
            hangup.hang_up();
        }
        self.channel = Channel::Unwanted;
    }

    /// Ends the connections of some calls, and forgets them.
    fn hang_up(&mut self, is_meant: impl Fn(&Call) -> bool) {
        self.calls.retain(|_, call| {
            if is_meant(call) {
                call.hangup.hang_up();
            }
            !is_meant(call)
        });
    }

    /// Writes what the server says. What comes after a cancellation has no
    /// reader.
    fn pass_on(&mut self, ticket: u64, text: &str) -> Result<()> {
        let Some(call) = self.calls.get(&ticket) else {
            return Ok(());
        };
        let Some(answer) = Answer::read(text) else {
            // The end of the connection tells that there was no answer.
            return Ok(());
        };
        if answer.is_last() {
            let Some(id) = &call.id else {
                // Nobody waits for an answer to a notification.
                return Ok(());
            };
            if call.method == "initialize" {
                self.dialect.hear_initialized(text);
            }
            let introduced = match self.channel {
                Channel::Unwanted => None,
                _ => channel::introduce(&call.method, text),
            };
            let line = answer.line_for(id, introduced.as_deref().unwrap_or(text));
            let makes_ready = call.makes_ready;
            self.calls.remove(&ticket);
            self.write(&line)?;
            return match makes_ready {
                true => self.open_channel(),
                false => Ok(()),
            };
        }
        self.write(&message::on_one_line(text))
    }

    /// The connection of a call has ended.
    fn end(&mut self, ticket: u64, result: std::result::Result<(), Failure>) -> Result<()> {
        let Some(call) = self.calls.remove(&ticket) else {
            return Ok(());
        };
        match result {
            Err(failure) => self.fail(call.id.as_ref(), &failure),
            Ok(()) if call.id.is_none() => Ok(()),
            Ok(()) => {
                let failure = Failure::new("the server ended the connection without an answer");
                self.fail(call.id.as_ref(), &failure)
            }
        }
    }

    /// Tells a client what happened to its request. Of a notification it hears
    /// nothing, so that goes to whoever reads the log.
    fn fail(&mut self, id: Option<&Value>, failure: &Failure) -> Result<()> {
        match id {
            Some(id) => self.refuse(id, failure.code, &failure.message),
            None => {
                self.session.talk(&failure.message);
                Ok(())
            }
        }
    }

    fn refuse(&mut self, id: &Value, code: i64, message: &str) -> Result<()> {
        self.write(&error_line(id, code, message))
    }

    fn write(&mut self, line: &str) -> Result<()> {
        self.session.line(line)?;
        self.session.flush()
    }
}

impl From<CliError> for Failure {
    fn from(error: CliError) -> Failure {
        Failure::new(error.to_string())
    }
}
