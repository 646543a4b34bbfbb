//! Waiting longer than one request can: long polls, one after the other.

use std::time::{Duration, Instant};

use coro_api::limits::WAIT_SECONDS_MAX;

use crate::error::Result;
use crate::http::{Patience, Request, Response};
use crate::session::{Session, whole_seconds};

/// The longest that one request waits.
const WAIT_DURATION: Duration = Duration::from_secs(WAIT_SECONDS_MAX);

/// How much longer than asked for the server may take to answer.
const GRACE: Duration = Duration::from_secs(10);

/// Asks until an answer is what is waited for, or the time is over; gives the
/// last one. Without a time it asks once.
pub(crate) fn poll(
    session: &mut Session<'_>,
    time: Option<Duration>,
    request: &Request,
    is_awaited: impl Fn(&Response) -> Result<bool>,
) -> Result<Response> {
    let Some(time) = time else {
        return session.call(request.clone());
    };
    // `--timeout` would cut each request short.
    session.options.timeout = None;
    let deadline = Instant::now() + time;
    loop {
        let wait = deadline
            .saturating_duration_since(Instant::now())
            .min(WAIT_DURATION);
        let request = request.clone().query("wait", whole_seconds(wait));
        let response = session.call(request.patience(Patience::whole(wait + GRACE)))?;
        if wait.is_zero() || is_awaited(&response)? {
            return Ok(response);
        }
    }
}
