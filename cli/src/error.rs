//! What goes wrong, as one line for the reader and one number for the script.

use std::fmt;
use std::io;

use coro_api::{Problem, Reason};
use serde::Deserialize;

use crate::hints::Refusal;
use crate::http::{Request, Response, TransportError};
use crate::print::escape;

pub(crate) type Result<T> = std::result::Result<T, CliError>;

/// The exit codes of `coro-cli`. Scripts match on them, so they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Done = 0,
    Failed = 1,
    /// The command line itself is wrong.
    Usage = 2,
    NotFound = 3,
    /// Something else is there than the call expects, or was and is gone.
    Conflict = 4,
    /// The token is missing, unknown, or not enough.
    Refused = 5,
    /// The server can't make sense of the call, or it is too large.
    Invalid = 6,
    Unreachable = 7,
    TimedOut = 8,
}

impl Exit {
    /// The code for an HTTP status that is no success.
    pub fn of_status(status: u16) -> Exit {
        match status {
            404 => Exit::NotFound,
            409 | 410 | 412 | 422 | 428 => Exit::Conflict,
            401 | 403 | 429 => Exit::Refused,
            400 | 413 | 415 => Exit::Invalid,
            _ => Exit::Failed,
        }
    }

    pub fn code(self) -> u8 {
        self as u8
    }
}

/// Why a command stopped. Shown as `coro-cli: <message> (<hint>)`.
#[derive(Debug)]
pub(crate) struct CliError {
    pub(crate) exit: Exit,
    /// The HTTP status, where a server answered at all.
    pub(crate) status: Option<u16>,
    pub(crate) message: String,
    /// Nobody answered, or somebody who stands before the server: after a while
    /// the same call may get through.
    pub(crate) server_is_away: bool,
    hint: Option<String>,
}

impl CliError {
    fn new(exit: Exit, message: impl Into<String>) -> CliError {
        CliError {
            exit,
            status: None,
            message: message.into(),
            server_is_away: false,
            hint: None,
        }
    }

    fn while_away(mut self) -> CliError {
        self.server_is_away = true;
        self
    }

    /// Adds the next step that is safe to take.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> CliError {
        self.hint = Some(hint.into());
        self
    }

    /// The reader of the output went away. That is its decision, as with
    /// `| head`, so there is nothing to say.
    fn reader_gone() -> CliError {
        CliError::new(Exit::Done, "")
    }

    /// Whether the same call may get through a while later, without anybody
    /// changing anything: a server that is away, that fails, or that has been
    /// asked too often. A write may have been carried out all the same.
    pub(crate) fn may_pass(&self) -> bool {
        let is_of_server = |status| status == 429 || status >= 500;
        self.server_is_away || self.status.is_some_and(is_of_server)
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.message.is_empty()
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(&self.message))?;
        match &self.hint {
            Some(hint) => write!(f, " ({})", escape(hint)),
            None => Ok(()),
        }
    }
}

pub(crate) fn failed(message: impl Into<String>) -> CliError {
    CliError::new(Exit::Failed, message)
}

pub(crate) fn usage(message: impl Into<String>) -> CliError {
    CliError::new(Exit::Usage, message)
}

pub(crate) fn invalid(message: impl Into<String>) -> CliError {
    CliError::new(Exit::Invalid, message)
}

pub(crate) fn not_found(message: impl Into<String>) -> CliError {
    CliError::new(Exit::NotFound, message)
}

pub(crate) fn conflict(message: impl Into<String>) -> CliError {
    CliError::new(Exit::Conflict, message)
}

pub(crate) fn refused(message: impl Into<String>) -> CliError {
    CliError::new(Exit::Refused, message)
}

pub(crate) fn timed_out(message: impl Into<String>) -> CliError {
    CliError::new(Exit::TimedOut, message)
}

/// A hook refuses what its client is about to do. Clients that know a refusal by
/// the exit code take 2 for one, whatever else it means here.
pub(crate) fn hook_refused(reason: impl Into<String>) -> CliError {
    CliError::new(Exit::Usage, reason)
}

/// A file that can't be read or written. `doing` is a phrase such as
/// `read /tmp/plan.json`.
pub(crate) fn file_failed(doing: impl fmt::Display, error: &io::Error) -> CliError {
    let message = format!("can't {doing}: {error}");
    match error.kind() {
        io::ErrorKind::NotFound => not_found(message).hint("check the path"),
        io::ErrorKind::NotADirectory => failed(message).hint("check the path"),
        io::ErrorKind::IsADirectory => failed(message).hint("name a file in it"),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            failed(message).hint("check whose it is, or choose another place")
        }
        io::ErrorKind::StorageFull => failed(message).hint("make room, then try again"),
        _ => failed(message),
    }
}

pub(crate) fn output_failed(error: &io::Error) -> CliError {
    match error.kind() {
        io::ErrorKind::BrokenPipe => CliError::reader_gone(),
        _ => failed(format!("can't write the output: {error}")),
    }
}

/// What an answer of status 400 and above says. A proxy's error page is no
/// problem document; then the status is all that can be told.
pub(crate) fn refused_by_server(command: &str, request: &Request, response: &Response) -> CliError {
    let (status, headers) = (response.status, &response.headers);
    let Ok(problem) = serde_json::from_slice::<Problem>(&response.body) else {
        let message = format!("the server answered {status} without saying why");
        return CliError {
            status: Some(status),
            server_is_away: is_away(status),
            ..CliError::new(Exit::of_status(status), message)
        };
    };
    let refusal = Refusal {
        command,
        request,
        reason: problem.reason,
        next: problem.next.as_deref(),
        revision: problem.revision,
        etag: headers.get("etag"),
        retry_after: headers.get("retry-after"),
        request_id: headers.get("x-request-id"),
    };
    CliError {
        exit: Exit::of_status(status),
        status: Some(status),
        server_is_away: is_away(status),
        hint: refusal.hint(),
        message: problem.detail,
    }
}

/// A server that starts or stops, or a proxy that does not find it.
fn is_away(status: u16) -> bool {
    matches!(status, 502..=504)
}

/// What the `error` event at the end of a stream says.
pub(crate) fn refused_in_stream(command: &str, request: &Request, data: &str) -> CliError {
    #[derive(Deserialize)]
    struct Ending {
        reason: Reason,
        detail: String,
        next: Option<String>,
        revision: Option<i64>,
    }
    let Ok(ending) = serde_json::from_str::<Ending>(data) else {
        return failed("the server ended the stream without saying why");
    };
    let refusal = Refusal {
        command,
        request,
        reason: ending.reason,
        next: ending.next.as_deref(),
        revision: ending.revision,
        etag: None,
        retry_after: None,
        request_id: None,
    };
    CliError {
        exit: Exit::of_status(ending.reason.status()),
        status: Some(ending.reason.status()),
        server_is_away: is_away(ending.reason.status()),
        hint: refusal.hint(),
        message: ending.detail,
    }
}

impl From<TransportError> for CliError {
    fn from(error: TransportError) -> CliError {
        match error {
            TransportError::NotRunning(places) => {
                CliError::new(Exit::Unreachable, format!("no server at {places}"))
                    .while_away()
                    .hint("start one with coro-server")
            }
            TransportError::Forbidden(place) => CliError::new(
                Exit::Unreachable,
                format!("the client's sandbox, or a permission, forbids connecting to {place}"),
            )
            .hint("use the MCP tool `coro` with the same command line"),
            // A sandbox may also hide the network: then no name is found.
            TransportError::Unreachable(reason) => {
                CliError::new(Exit::Unreachable, reason).while_away().hint(
                    "check the address with coro-cli config show; \
                     in a sandbox use the MCP tool `coro`",
                )
            }
            TransportError::Untrusted(reason) => CliError::new(Exit::Unreachable, reason).hint(
                "where the server has no certificate, use http://; \
                 SSL_CERT_FILE names certificates to trust",
            ),
            TransportError::TimedOut => timed_out("the server did not answer in time")
                .while_away()
                .hint("check with coro-cli status, or raise --timeout"),
            TransportError::Broken(reason) => failed(reason)
                .while_away()
                .hint("a write may have been carried out: read before you repeat it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Headers;

    #[test]
    fn each_status_has_the_exit_code_that_the_documentation_names() {
        let table = [
            (400, 6),
            (401, 5),
            (403, 5),
            (404, 3),
            (405, 1),
            (409, 4),
            (410, 4),
            (412, 4),
            (413, 6),
            (415, 6),
            (422, 4),
            (428, 4),
            (429, 5),
            (500, 1),
            (502, 1),
            (503, 1),
            (507, 1),
        ];
        for (status, code) in table {
            assert_eq!(Exit::of_status(status).code(), code, "{status}");
        }
    }

    #[test]
    fn why_there_is_no_connection_decides_what_to_do_about_it() {
        use io::ErrorKind::*;
        let table = [
            (
                PermissionDenied,
                7,
                "sandbox, or a permission, forbids connecting to unix:/s (use the MCP tool `coro`",
            ),
            (
                ConnectionRefused,
                7,
                "no server at unix:/s (start one with coro-server)",
            ),
            (
                NotFound,
                7,
                "no server at unix:/s (start one with coro-server)",
            ),
            (
                NetworkUnreachable,
                7,
                "sandbox, or a permission, forbids connecting to unix:/s (use the MCP tool `coro`",
            ),
            (
                HostUnreachable,
                7,
                "(check the address with coro-cli config show; in a sandbox use the MCP tool `coro`)",
            ),
            (WouldBlock, 8, "did not answer in time"),
        ];
        for (kind, code, part) in table {
            let error: CliError = TransportError::while_connecting("unix:/s", &kind.into()).into();
            assert_eq!(error.exit.code(), code, "{kind:?}");
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn the_end_of_a_stream_tells_its_reason() {
        let request = Request::get("/api/events");
        let refused = |data| refused_in_stream("events subscribe", &request, data);
        let error =
            refused(r#"{"reason":"compacted","detail":"gone","revision":7,"next":"from=6"}"#);
        let expected =
            "gone (read what you need with coro-cli state list, then go on with --from 6)";
        assert_eq!(
            (error.to_string().as_str(), error.exit),
            (expected, Exit::Conflict)
        );
        assert_eq!(refused("").exit, Exit::Failed);
    }

    #[test]
    fn a_problem_becomes_its_detail_and_its_next_step() {
        let body =
            br#"{"type":"x/not_found","title":"Not found","status":404,"detail":"no key \"a\"",
            "reason":"not_found","next":"GET /api/state","error":"no key","code":404}"#;
        let request = Request::get("/api/state/a");
        let error = refused_by_server("state get", &request, &response(404, body));
        let expected = "no key \"a\" (list the keys with coro-cli state list)";
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.exit, Exit::NotFound);
    }

    #[test]
    fn an_error_page_of_a_proxy_is_not_shown() {
        let request = Request::get("/api/state/a");
        let page = response(502, b"<html>\x1b[31mBad Gateway");
        let error = refused_by_server("state get", &request, &page);
        assert_eq!(
            error.to_string(),
            "the server answered 502 without saying why"
        );
    }

    #[test]
    fn an_error_can_not_move_the_cursor_of_the_terminal() {
        assert_eq!(failed("a\x1b[2Jb\nc").to_string(), "a\\u001b[2Jb\\nc");
    }

    fn response(status: u16, body: &[u8]) -> Response {
        Response {
            status,
            headers: Headers::default(),
            body: body.to_vec(),
        }
    }
}
