//! The tool `coro`: one command line of the CLI, for clients without a shell.
//!
//! It is the CLI's own parser and printer. Their requests take the way of any
//! request, through the gate and with the token that brought the call: so they
//! may do what the caller may, and nothing else. Commands that need files, a
//! shell or a stream without end are refused by the CLI itself.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, Cursor, Write};
use std::time::Duration;

use bytes::Bytes;
use coro_cli::{Exit, Headers, Reply, Request, Transport, TransportError};
use http::{HeaderName, HeaderValue, header};
use serde::Deserialize;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::call::{Call, Effect, Told, Tool, boxed};
use crate::auth::Permission;
use crate::error::{Result, internal, invalid};
use crate::http::in_process::InProcess;
use crate::ids::Hash;

pub(super) const CORO: Tool = Tool {
    name: "coro",
    about: "Run one coro-cli command line, e.g. state get shop/plan; --help lists commands",
    arguments: r#"{"type":"object","properties":{"command":{"type":"string"}},"required":["command"]}"#,
    effect: Effect::Changes,
    needs: Permission::Known,
    run: |call| boxed(coro(call)),
};

/// Command lines that may run at once: each has a thread. So many in all, and
/// so many of one token.
pub(super) const AT_ONCE_MAX: (usize, usize) = (128, 8);

/// The longest command line, in bytes: it may hold a value.
const COMMAND_BYTES_MAX: usize = 1024 * 1024;

/// What a model gets to read at most, in bytes.
const OUTPUT_BYTES_MAX: usize = 32 * 1024;

/// The longest that a request may take where the command names no time.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    command: String,
}

async fn coro(mut call: Call) -> Result<Told> {
    let Arguments { command } = call.arguments()?;
    if command.len() > COMMAND_BYTES_MAX {
        return Err(invalid(format!(
            "the command has {} bytes, more than {COMMAND_BYTES_MAX}",
            command.len()
        ))
        .hint("send large values with coro-cli in a shell"));
    }
    let words = words_of(&command)?;
    let slot = call.commands.take(&call.ctx.caller.token_id)?;
    let mut transport = Inside {
        api: call.api.clone(),
        handle: Handle::current(),
        headers: forwarded(&call),
        tool_use: call.ctx.request.once.as_ref().map(|once| once.key.clone()),
        sent: 0,
        cancelled: call.cancelled.clone(),
    };
    let run = move || {
        let _slot = slot;
        let (mut out, mut err) = (Bounded::default(), Bounded::default());
        let exit = coro_cli::run_line(words, &mut transport, &mut out, &mut err);
        printed(exit, &out, &err)
    };
    tokio::task::spawn_blocking(run).await.map_err(internal)
}

/// The words of a command line, as a shell would split them. The program's own
/// name in front is what models write out of habit.
fn words_of(command: &str) -> Result<Vec<OsString>> {
    if command.contains('\0') {
        return Err(invalid("the command contains NUL"));
    }
    let words = shlex::split(command).ok_or_else(|| {
        invalid("the command has a quote that is not closed")
            .hint("quote values with '…', as in a shell")
    })?;
    let mut words: VecDeque<String> = words.into();
    let is_program = |word: &String| matches!(word.as_str(), "coro-cli" | "./coro-cli" | "coro");
    if words.front().is_some_and(is_program) {
        words.pop_front();
    }
    Ok(words.into_iter().map(OsString::from).collect())
}

fn printed(exit: Exit, out: &Bounded, err: &Bounded) -> Told {
    let mut text = out.text();
    let talk = err.text();
    if !talk.is_empty() {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(talk.trim_end());
    }
    if text.is_empty() {
        "(nothing to show)".clone_into(&mut text);
    }
    Told {
        text,
        is_error: exit != Exit::Done,
    }
}

/// Carries the CLI's requests to the server's own router.
struct Inside {
    api: InProcess,
    handle: Handle,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The tool use that this is, so that its requests are carried out once.
    tool_use: Option<String>,
    sent: u32,
    /// Told when nobody waits for the answer any more.
    cancelled: CancellationToken,
}

impl Transport for Inside {
    fn open(&mut self, request: &Request) -> std::result::Result<Reply, TransportError> {
        self.sent += 1;
        let patience = request.patience.whole.unwrap_or(PATIENCE);
        let built = self.build(request).map_err(|error| {
            TransportError::Broken(format!("the request can't be sent: {error}"))
        })?;
        let (api, cancelled) = (&self.api, &self.cancelled);
        let response = self.handle.block_on(async move {
            tokio::select! {
                () = cancelled.cancelled() => {
                    Err(TransportError::Broken("the call was cancelled".to_owned()))
                }
                called = tokio::time::timeout(patience, api.call(built)) => match called {
                    Ok(Ok(response)) => Ok(response),
                    Ok(Err(error)) => Err(TransportError::Broken(error.to_string())),
                    Err(_) => Err(TransportError::TimedOut),
                },
            }
        })?;
        let (parts, body) = response.into_parts();
        let mut headers = Headers::default();
        for (name, value) in &parts.headers {
            headers.push(name.as_str(), String::from_utf8_lossy(value.as_bytes()));
        }
        Ok(Reply {
            status: parts.status.as_u16(),
            headers,
            body: Box::new(Cursor::new(body)),
        })
    }
}

impl Inside {
    fn build(&self, request: &Request) -> http::Result<http::Request<Bytes>> {
        let mut built = http::Request::builder()
            .method(request.method.word())
            .uri(&request.path_and_query);
        for (name, value) in &self.headers {
            built = built.header(name, value);
        }
        for (name, value) in &request.headers {
            built = built.header(*name, value);
        }
        let names_key = request
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("idempotency-key"));
        if let (Some(tool_use), false) = (&self.tool_use, names_key) {
            let key = Hash::of(format!("{tool_use}\n{}", self.sent).as_bytes()).hex();
            built = built.header("idempotency-key", key);
        }
        built.body(Bytes::from(request.body.clone()))
    }
}

/// What the request inside has from the one outside: who calls, by which name
/// the server is called, and of which trace and request it is a part.
fn forwarded(call: &Call) -> Vec<(HeaderName, HeaderValue)> {
    let names = [
        header::AUTHORIZATION,
        header::HOST,
        HeaderName::from_static("traceparent"),
        HeaderName::from_static("x-request-id"),
    ];
    let given = names.into_iter().filter_map(|name| {
        let value = call.request.headers.get(&name)?.clone();
        Some((name, value))
    });
    given.collect()
}

/// Keeps the beginning of what is printed.
#[derive(Default)]
struct Bounded {
    kept: Vec<u8>,
    printed: usize,
}

impl Bounded {
    fn text(&self) -> String {
        let mut text = String::from_utf8_lossy(&self.kept).into_owned();
        if self.printed > self.kept.len() {
            text.push_str(&format!(
                "\n[cut: {} of {} bytes; narrow the command, or run it in a shell]",
                self.kept.len(),
                self.printed
            ));
        }
        text
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = OUTPUT_BYTES_MAX - self.kept.len();
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.printed += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_split_as_a_shell_does() {
        let words = |command| words_of(command).expect("well-formed");
        assert_eq!(words("state get 'a b'"), ["state", "get", "a b"]);
        assert_eq!(words("coro-cli whoami"), ["whoami"]);
        assert!(words("").is_empty());
        assert!(words_of("state set k --data 'x").is_err());
    }

    #[test]
    fn what_is_printed_is_cut() {
        let mut out = Bounded::default();
        out.write_all(&vec![b'x'; OUTPUT_BYTES_MAX + 1])
            .expect("memory");
        let text = out.text();
        assert!(
            text.contains("[cut: 32768 of 32769 bytes"),
            "{}",
            &text[32_700..]
        );
    }
}
