//! What a command works with: the server, the machine, and where it prints.

use std::borrow::Cow;
use std::io::Write;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::arguments::GlobalOptions;
use crate::config::{Target, Token};
use crate::error::{CliError, Result, failed, output_failed, refused_by_server, usage};
use crate::http::{Reply, Request, Response, Transport};
use crate::machine::Machine;
use crate::print;

/// One command's surroundings.
pub(crate) struct Session<'a> {
    pub(crate) options: GlobalOptions,
    /// The words of the command, such as `state get`.
    pub(crate) command: String,
    place: Place<'a>,
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
}

/// Where the command runs.
pub(crate) enum Place<'a> {
    /// In a process of the user.
    Machine(Box<Machine<'a>>),
    /// In the server, for a caller elsewhere: files, standard input and the
    /// environment are the server's, and none of the caller's business.
    Server(&'a mut dyn Transport),
}

impl<'a> Session<'a> {
    pub(crate) fn new(
        options: GlobalOptions,
        command: String,
        place: Place<'a>,
        out: &'a mut dyn Write,
        err: &'a mut dyn Write,
    ) -> Session<'a> {
        Session {
            options,
            command,
            place,
            out,
            err,
        }
    }

    /// Refuses options that have no meaning where the command runs.
    pub(crate) fn check_options(&self) -> Result<()> {
        let names_server = self.options.url.is_some() || self.options.token_file.is_some();
        match &self.place {
            Place::Server(_) if names_server => {
                Err(usage("the server and the token are given here")
                    .hint("leave out --url and --token-file"))
            }
            _ => Ok(()),
        }
    }

    /// Makes a call. An answer that is no success becomes an error.
    pub(crate) fn call(&mut self, request: Request) -> Result<Response> {
        let request = self.with_timeout(request);
        let response = self.transport()?.send(&request)?;
        if (200..300).contains(&response.status) {
            return Ok(response);
        }
        Err(self.refusal(&request, &response))
    }

    /// Makes a call whose answer is read bit by bit.
    pub(crate) fn open(&mut self, request: &Request) -> Result<Reply> {
        let reply = self.transport()?.open(request)?;
        if (200..300).contains(&reply.status) {
            return Ok(reply);
        }
        let response = reply.read_all()?;
        Err(self.refusal(request, &response))
    }

    /// The machine of the user, for what can't be done elsewhere.
    pub(crate) fn machine(&mut self) -> Result<&mut Machine<'a>> {
        match &mut self.place {
            Place::Machine(machine) => Ok(machine),
            Place::Server(_) => Err(usage(
                "this needs a shell on your machine: files and streams are out of reach here",
            )
            .hint("give values with --data, and read events with events history or events wait")),
        }
    }

    /// The server that calls go to.
    pub(crate) fn target(&mut self) -> Result<&Target> {
        let options = self.options.clone();
        self.machine()?.target(&options)
    }

    /// The project that the user's environment names (`CORO_PROJECT`); in the
    /// server there is none.
    pub(crate) fn environment_project(&self) -> Option<String> {
        match &self.place {
            Place::Machine(machine) => machine.environment.project.clone(),
            Place::Server(_) => None,
        }
    }

    /// Whether what is said reaches the user at once. In the server all of it
    /// goes out with the end of the command.
    pub(crate) fn is_on_machine(&self) -> bool {
        matches!(self.place, Place::Machine(_))
    }

    /// Whether the server will know who calls.
    pub(crate) fn has_token(&mut self) -> Result<bool> {
        match &mut self.place {
            Place::Machine(machine) => machine.has_token(&self.options),
            Place::Server(_) => Ok(true),
        }
    }

    /// The token with which the server is called; in the server there is none to
    /// tell.
    pub(crate) fn token(&mut self) -> Result<Option<&Token>> {
        match &mut self.place {
            Place::Machine(machine) => machine.token(&self.options),
            Place::Server(_) => Ok(None),
        }
    }

    /// Prints an answer: unchanged with `--json`, indented with `--pretty`,
    /// else as `terse` says. Nothing terse means no line at all.
    pub(crate) fn show<T, F>(&mut self, response: &Response, terse: F) -> Result<()>
    where
        T: DeserializeOwned,
        F: FnOnce(T) -> String,
    {
        if self.options.wants_json() {
            return self.show_json(&response.body);
        }
        let answer = serde_json::from_slice(&response.body);
        let text = terse(answer.map_err(|error| unexpected(&error))?);
        if text.is_empty() {
            Ok(())
        } else {
            self.line(&text)
        }
    }

    /// Prints JSON as it came, or indented with `--pretty`.
    pub(crate) fn show_json(&mut self, body: &[u8]) -> Result<()> {
        let indented = if self.options.pretty {
            print::pretty(body)
        } else {
            None
        };
        let text = indented.map_or(Cow::Borrowed(body), Cow::Owned);
        self.bytes(&text)?;
        if text.ends_with(b"\n") {
            Ok(())
        } else {
            self.bytes(b"\n")
        }
    }

    /// Prints bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.out
            .write_all(bytes)
            .map_err(|error| output_failed(&error))
    }

    /// Prints a line, which the caller has escaped.
    pub(crate) fn line(&mut self, line: &str) -> Result<()> {
        self.bytes(line.as_bytes())?;
        self.bytes(b"\n")
    }

    /// Ends a value's last line where a person reads it, so that the prompt of
    /// the shell is not glued to it. A program gets the value as it is stored.
    pub(crate) fn end_value(&mut self, value: &[u8]) -> Result<()> {
        let is_terminal = match &self.place {
            Place::Machine(machine) => machine.stdout_is_terminal,
            Place::Server(_) => false,
        };
        if is_terminal && !value.ends_with(b"\n") {
            return self.bytes(b"\n");
        }
        Ok(())
    }

    /// Hands over what was printed: at the end, and after each event of a
    /// stream.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.out.flush().map_err(|error| output_failed(&error))
    }

    /// Says something that is no data, after the data that it is about. Where
    /// nobody can hear it, nothing is lost.
    pub(crate) fn talk(&mut self, text: &str) {
        // A failure comes again with the last flush, which reports it.
        let _ = self.out.flush();
        let _ = writeln!(self.err, "coro-cli: {}", print::escape(text));
    }

    fn transport(&mut self) -> Result<&mut dyn Transport> {
        match &mut self.place {
            Place::Machine(machine) => machine.transport(&self.options),
            Place::Server(transport) => Ok(&mut **transport),
        }
    }

    /// `--timeout` replaces how long an ordinary call may take.
    fn with_timeout(&self, mut request: Request) -> Request {
        if request.patience.whole.is_some() && self.options.timeout.is_some() {
            request.patience.whole = self.options.timeout;
        }
        request
    }

    fn refusal(&self, request: &Request, response: &Response) -> CliError {
        let error = refused_by_server(&self.command, request, response);
        match &self.place {
            Place::Machine(machine) if response.status == 401 => match machine.token_hint() {
                Some(hint) => error.hint(hint),
                None => error,
            },
            _ => error,
        }
    }
}

/// An answer that is a success, but not the one that the API promises.
pub(crate) fn unexpected(error: &serde_json::Error) -> CliError {
    failed(format!("the server's answer makes no sense: {error}"))
        .hint("compare coro-cli version with server_version of coro-cli whoami --json")
}

/// The seconds of a duration as the API takes them, rounded up so that a
/// fraction is not none.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// A request with a body of JSON.
pub(crate) fn json_body(request: Request, body: &impl Serialize) -> Result<Request> {
    let body = serde_json::to_vec(body).map_err(|error| failed(error.to_string()))?;
    Ok(request.body("application/json", body))
}
