//! Waiting longer than one request can: long polls, one after the other.
//!
//! What waits outlives the server: while there is time, a server that is away
//! is asked again, ever more seldom. Whoever refuses the caller is not asked
//! again. So a request that waits must do no harm when it is sent twice; what
//! creates something is sent before, once.

use std::thread;
use std::time::{Duration, Instant};

use coro_api::limits::WAIT_SECONDS_MAX;

use crate::error::{CliError, Result};
use crate::http::{Patience, Request, Response};
use crate::session::{Session, whole_seconds};

/// The longest that one request waits.
pub(crate) const WAIT_DURATION: Duration = Duration::from_secs(WAIT_SECONDS_MAX);

/// How much longer than asked for the server may take to answer.
const GRACE: Duration = Duration::from_secs(10);

/// The first and the longest pause before a server that is away is asked again.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// A wait that has begun.
pub(crate) struct Wait {
    deadline: Instant,
    pause: Duration,
    /// Whether the user knows that the server is away.
    has_talked: bool,
}

impl Wait {
    /// Begins a wait. Without a time there is none: one request is made, and
    /// what fails has failed.
    pub(crate) fn begin(session: &mut Session<'_>, time: Option<Duration>) -> Wait {
        if time.is_some() {
            // `--timeout` would cut each request short.
            session.options.timeout = None;
        }
        Wait {
            deadline: Instant::now() + time.unwrap_or_default(),
            pause: PAUSE_MIN,
            has_talked: false,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.left().is_zero()
    }

    /// Makes one request. `request` is told for how many seconds the server is
    /// to wait: none, once the time is over.
    pub(crate) fn call(
        &mut self,
        session: &mut Session<'_>,
        request: impl Fn(u64) -> Result<Request>,
    ) -> Result<Response> {
        loop {
            let wait = self.left().min(WAIT_DURATION);
            let mut request = request(whole_seconds(wait))?;
            if !wait.is_zero() {
                request = request.patience(patience(wait));
            }
            match session.call(request) {
                Err(error) if self.goes_on(session, &error) => self.pause(),
                result => {
                    self.pause = PAUSE_MIN;
                    return result;
                }
            }
        }
    }

    /// Asks until an answer is what is waited for, or the time is over; gives the
    /// last one.
    pub(crate) fn poll(
        &mut self,
        session: &mut Session<'_>,
        request: &Request,
        is_awaited: impl Fn(&Response) -> Result<bool>,
    ) -> Result<Response> {
        loop {
            // Decided before the request: the last one has no time to wait.
            let is_last = self.is_over();
            let response = self.call(session, |seconds| {
                Ok(request.clone().query("wait", seconds))
            })?;
            if is_last || is_awaited(&response)? {
                return Ok(response);
            }
        }
    }

    /// Whether the server is asked again; says so once. In the server nothing
    /// is away, and what ends there is the server itself.
    fn goes_on(&mut self, session: &mut Session<'_>, error: &CliError) -> bool {
        if !error.server_is_away || self.is_over() || !session.is_on_machine() {
            return false;
        }
        if !self.has_talked {
            let message = &error.message;
            session.talk(&format!("the server is away; waiting for it ({message})"));
            self.has_talked = true;
        }
        true
    }

    fn pause(&mut self) {
        thread::sleep(self.pause.min(self.left()));
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// How long an answer may take for which the server is to wait.
pub(crate) fn patience(wait: Duration) -> Patience {
    Patience::whole(wait + GRACE)
}

/// Asks until an answer is what is waited for, or the time is over; gives the
/// last one. Without a time it asks once.
pub(crate) fn poll(
    session: &mut Session<'_>,
    time: Option<Duration>,
    request: &Request,
    is_awaited: impl Fn(&Response) -> Result<bool>,
) -> Result<Response> {
    if time.is_none() {
        return session.call(request.clone());
    }
    Wait::begin(session, time).poll(session, request, is_awaited)
}
