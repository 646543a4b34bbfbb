//! One message's way to the server and back.

use std::io::{self, BufReader, Read};
use std::path::PathBuf;

use serde::Deserialize;

use super::message::{Answer, INTERNAL_ERROR};
use crate::config::{Environment, Origin, Target, find_target};
use crate::error::{CliError, Result};
use crate::http::{Direct, Hangup, Remote, Reply, Request, Response, Transport, TransportError};
use crate::sse::Messages;

/// How the server is found.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) url: Option<String>,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) environment: Environment,
}

impl Way {
    /// Looks up where the server is now, and with which token it is called.
    pub(super) fn target(&self) -> Result<Target> {
        let (url, token_file) = (self.url.as_deref(), self.token_file.as_deref());
        find_target(url, token_file, &self.environment)
    }

    /// The way to a server for one call, and where its token comes from.
    pub(super) fn transport(
        &self,
        target: Target,
        hangup: &Hangup,
    ) -> Result<(Box<dyn Transport>, Option<Origin>)> {
        let found = target.token()?;
        let token = found.map(|found| found.value.clone());
        let origin = found.map(|found| found.origin.clone());
        let places = target.places;
        let transport: Box<dyn Transport> = match places.as_slice() {
            [place] if !place.is_local() => {
                let certificates = self.environment.certificates.clone();
                Box::new(Remote::new(place.clone(), token, certificates))
            }
            _ => Box::new(Direct::new(places, token).end_by(hangup.clone())),
        };
        Ok((transport, origin))
    }
}

/// Why a message has no answer.
pub(super) struct Failure {
    /// The code of the JSON-RPC error.
    pub(super) code: i64,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(message: impl Into<String>) -> Failure {
        Failure {
            code: INTERNAL_ERROR,
            message: message.into(),
        }
    }
}

/// Sends a message, and says what comes back until `say` does not want more.
pub(super) fn carry(
    way: &Way,
    target: Target,
    request: &Request,
    wants_answer: bool,
    hangup: &Hangup,
    say: impl Fn(String) -> bool,
) -> std::result::Result<(), Failure> {
    let (mut transport, origin) = way.transport(target, hangup)?;
    let reply = transport.open(request).map_err(unreached)?;
    let (status, is_stream) = (reply.status, is_event_stream(&reply));
    let reply = Reply {
        body: Box::new(Ended {
            body: reply.body,
            hangup: hangup.clone(),
        }),
        ..reply
    };
    if is_stream {
        return read_stream(reply, say);
    }
    let response = reply.read_all().map_err(unreached)?;
    if status == 401 {
        return Err(unknown_caller(way, origin.as_ref(), &response));
    }
    let text = String::from_utf8_lossy(&response.body);
    if Answer::read(&text).is_some() {
        say(text.into_owned());
        return Ok(());
    }
    match wants_answer || !(200..300).contains(&status) {
        true => Err(Failure::new(format!(
            "the server answered {status} without a message of MCP: is it Coro's, and its address \
             right? See coro-cli config show"
        ))),
        false => Ok(()),
    }
}

fn read_stream(reply: Reply, say: impl Fn(String) -> bool) -> std::result::Result<(), Failure> {
    let mut messages = Messages::new(BufReader::new(reply.body));
    loop {
        let message = messages.next().map_err(TransportError::while_reading);
        let Some(message) = message.map_err(unreached)? else {
            return Ok(());
        };
        // Without data it only says where a stream would go on.
        if !message.data.is_empty() && !say(message.data) {
            return Ok(());
        }
    }
}

fn is_event_stream(reply: &Reply) -> bool {
    let content_type = reply.headers.get("content-type").unwrap_or_default();
    content_type.starts_with("text/event-stream")
}

fn unreached(error: TransportError) -> Failure {
    match error {
        TransportError::Forbidden(place) => Failure::new(format!(
            "the client's sandbox, or a permission, forbids connecting to {place}: configure \
             the server's address /mcp in the client in place of this bridge"
        )),
        error => CliError::from(error).into(),
    }
}

/// The server does not know who calls: what to do about it depends on where
/// the token came from.
fn unknown_caller(way: &Way, origin: Option<&Origin>, response: &Response) -> Failure {
    let Refusal { error } = Refusal::read(&response.body);
    let message = match origin {
        Some(origin) => format!(
            "the server does not take the token of {origin}: {}; make one with \
             coro-cli tokens create NAME --role agent --project PROJECT, and put it there",
            error.message
        ),
        None if way.environment.is_agent => "this bridge has no token, and takes no owner's: \
             make one with coro-cli tokens create NAME --role agent --project PROJECT, and store it with \
             coro-cli config set token -, in the project or with --user; or let the client's \
             configuration set CORO_TOKEN"
            .to_owned(),
        None => "this bridge has no token: it found no owner's token of a server on this machine; \
             set CORO_TOKEN, or store one with coro-cli config set token -"
            .to_owned(),
    };
    Failure {
        code: error.code,
        message,
    }
}

/// A JSON-RPC error.
#[derive(Deserialize)]
struct Refusal {
    error: RefusalError,
}

#[derive(Deserialize)]
struct RefusalError {
    code: i64,
    message: String,
}

impl Refusal {
    /// Whoever stands before the server may say it otherwise.
    fn read(body: &[u8]) -> Refusal {
        serde_json::from_slice(body).unwrap_or_else(|_| Refusal {
            error: RefusalError {
                code: INTERNAL_ERROR,
                message: "it is unknown, or not enough".to_owned(),
            },
        })
    }
}

/// A body that ends with its call. A connection over TLS can't be ended from
/// outside; this notices at the next bytes, which a stream sends every 15
/// seconds.
struct Ended {
    body: Box<dyn Read>,
    hangup: Hangup,
}

impl Read for Ended {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.hangup.is_over() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        self.body.read(buffer)
    }
}
