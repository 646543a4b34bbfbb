//! Following a stream of events across lost connections.
//!
//! The position is the revision of the last event that was handled. After a
//! loss the stream is opened again from there, so that nothing is missed and
//! nothing comes twice. Only a first connection that fails ends the command:
//! then the address is wrong, or the server does not run.

use std::io::BufReader;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{CliError, Exit, Result, failed, refused_in_stream, timed_out};
use crate::http::{Patience, Request, TransportError};
use crate::session::Session;
use crate::sse::{Message, Messages};

/// The longest silence of a stream that lives: three of the comments that the
/// server sends every 15 seconds.
const SILENCE_MAX: Duration = Duration::from_secs(45);

/// The first and the longest pause before connecting again.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// What is followed, and until when.
pub(crate) struct Follow {
    /// The last revision already seen; `None` means the present.
    pub(crate) from: Option<i64>,
    /// Ends after so many events.
    pub(crate) limit: Option<u64>,
}

/// Opens the stream of `request`, and calls `handle` with the data of each
/// event, until the limit or the time of `--timeout` is reached.
pub(crate) fn follow(
    session: &mut Session<'_>,
    what: Follow,
    request: Request,
    handle: impl Fn(&mut Session<'_>, &str) -> Result<()>,
) -> Result<()> {
    // In the server a stream would never come to an end.
    session.machine()?;
    let deadline = session
        .options
        .timeout
        .map(|timeout| Instant::now() + timeout);
    let mut follower = Follower {
        request,
        revision: what.from,
        left: what.limit,
        deadline,
        pause: PAUSE_MIN,
        was_connected: false,
    };
    if follower.left == Some(0) {
        return Ok(());
    }
    loop {
        match follower.read_stream(session, &handle) {
            Ok(()) => return Ok(()),
            Err(Interruption::Final(error)) => return Err(error),
            Err(Interruption::Lost(error)) if !follower.was_connected => return Err(error),
            Err(Interruption::Lost(error)) => follower.wait(session, &error)?,
        }
    }
}

struct Follower {
    request: Request,
    /// The last revision that was handled; unknown until the first answer
    /// where the present was asked for.
    revision: Option<i64>,
    /// How many events are still to come.
    left: Option<u64>,
    deadline: Option<Instant>,
    pause: Duration,
    was_connected: bool,
}

/// Why reading ended.
enum Interruption {
    /// The connection; another will do.
    Lost(CliError),
    Final(CliError),
}

impl Follower {
    /// Reads one connection. `Ok` means that the limit is reached.
    fn read_stream(
        &mut self,
        session: &mut Session<'_>,
        handle: impl Fn(&mut Session<'_>, &str) -> Result<()>,
    ) -> std::result::Result<(), Interruption> {
        let patience = Patience {
            whole: self.time_left().map_err(Interruption::Final)?,
            silence: Some(SILENCE_MAX),
        };
        let request = self.request.clone().query_if("from", self.revision);
        let request = request
            .header("Accept", "text/event-stream")
            .patience(patience);
        let reply = session.open(&request).map_err(|error| self.judge(error))?;
        self.was_connected = true;
        let position = reply
            .headers
            .get("coro-revision")
            .and_then(|revision| revision.parse().ok());
        self.revision = self.revision.or(position);
        let mut messages = Messages::new(BufReader::new(reply.body));
        loop {
            let message = match messages.next() {
                Ok(Some(message)) => message,
                Ok(None) => return Err(self.judge(failed("the stream ended"))),
                Err(error) => return Err(self.judge(TransportError::while_reading(error).into())),
            };
            self.pause = messages
                .retry
                .unwrap_or(PAUSE_MIN)
                .clamp(PAUSE_MIN, PAUSE_MAX);
            if message.event.as_deref() == Some("error") {
                let error = refused_in_stream(&session.command, &request, &message.data);
                return Err(self.judge(error));
            }
            self.take(session, &message, &handle)
                .map_err(Interruption::Final)?;
            if self.left == Some(0) {
                return Ok(());
            }
        }
    }

    /// Handles an event, and only then moves past it.
    fn take(
        &mut self,
        session: &mut Session<'_>,
        message: &Message,
        handle: impl Fn(&mut Session<'_>, &str) -> Result<()>,
    ) -> Result<()> {
        if !message.data.is_empty() {
            handle(session, &message.data)?;
            session.flush()?;
            self.left = self.left.map(|left| left.saturating_sub(1));
        }
        if let Some(revision) = message.id.as_ref().and_then(|id| id.parse().ok()) {
            self.revision = Some(revision);
        }
        self.time_left().map(drop)
    }

    /// Whether it helps to connect again: not where the server gave a reason
    /// that will be the same next time.
    fn judge(&self, error: CliError) -> Interruption {
        if let Err(error) = self.time_left() {
            return Interruption::Final(error);
        }
        let is_passing = match error.status {
            Some(status) => status == 429 || status >= 500,
            None => matches!(
                error.exit,
                Exit::Unreachable | Exit::TimedOut | Exit::Failed
            ),
        };
        if is_passing {
            Interruption::Lost(error)
        } else {
            Interruption::Final(error)
        }
    }

    fn wait(&mut self, session: &mut Session<'_>, error: &CliError) -> Result<()> {
        let place = match self.revision {
            Some(revision) => format!("revision {revision}"),
            None => "the present".to_owned(),
        };
        session.talk(&format!("{}; going on from {place}", error.message));
        let pause = self
            .time_left()?
            .map_or(self.pause, |left| left.min(self.pause));
        thread::sleep(pause);
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        Ok(())
    }

    /// What is left of the time; `None` means that there is no end.
    fn time_left(&self) -> Result<Option<Duration>> {
        let left = self
            .deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()));
        match left {
            Some(left) if left.is_zero() => Err(timed_out("the time given with --timeout is up")),
            left => Ok(left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let follower = Follower {
            request: Request::get("/api/events"),
            revision: Some(7),
            left: None,
            deadline: None,
            pause: PAUSE_MIN,
            was_connected: true,
        };
        let refused = |data| refused_in_stream("events subscribe", &follower.request, data);
        let table = [
            (failed("the stream ended"), true),
            (TransportError::TimedOut.into(), true),
            (TransportError::NotRunning("x".into()).into(), true),
            (refused(r#"{"reason":"unavailable","detail":"x"}"#), true),
            (refused(r#"{"reason":"compacted","detail":"x"}"#), false),
            (
                refused(r#"{"reason":"unauthenticated","detail":"x"}"#),
                false,
            ),
        ];
        for (error, is_passing) in table {
            let shown = error.to_string();
            let judged = follower.judge(error);
            assert_eq!(
                matches!(judged, Interruption::Lost(_)),
                is_passing,
                "{shown}"
            );
        }
    }
}
