//! The server's one error type.
//!
//! An operation says what is wrong with a small function and adds what to do
//! next: `not_found("key", key).hint("…")`. The message names the thing and
//! the value. A fault of ours is `internal(…)`: the caller reads "internal
//! error", the log the whole chain, once.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

pub use coro_api::Reason;

/// How long the log is spared faults that every request meets.
const LOG_PAUSE: Duration = Duration::from_secs(10);

/// Why an operation did not happen.
#[derive(Debug)]
pub struct Error {
    pub reason: Reason,
    /// For the caller: names the thing and the value.
    pub message: String,
    /// A next step that is safe to take.
    pub hint: Option<String>,
    /// The revision that the answer carries (see `Problem::revision`).
    pub revision: Option<i64>,
    /// The present `ETag`, where a condition was not met.
    pub etag: Option<String>,
    /// Seconds until it is worth trying again.
    pub retry_after: Option<u64>,
    /// For our log only.
    pub source: Option<anyhow::Error>,
    /// Whether the database itself failed, so that the transaction that the
    /// error happened in can't be trusted.
    pub database: bool,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Error {
            reason,
            message: message.into(),
            hint: None,
            revision: None,
            etag: None,
            retry_after: None,
            source: None,
            database: false,
        }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What the caller reads where there is one text only: what is wrong, and
    /// the next step.
    pub fn in_words(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{} ({hint})", self.message),
            None => self.message.clone(),
        }
    }

    pub fn revision(mut self, revision: i64) -> Self {
        self.revision = Some(revision);
        self
    }

    pub fn etag(mut self, etag: String) -> Self {
        self.etag = Some(etag);
        self
    }

    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    pub fn source(mut self, source: impl Into<anyhow::Error>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same for one who asks again; the cause stays with the first.
    pub fn again(&self) -> Error {
        Error {
            reason: self.reason,
            message: self.message.clone(),
            hint: self.hint.clone(),
            revision: self.revision,
            etag: self.etag.clone(),
            retry_after: self.retry_after,
            source: None,
            database: self.database,
        }
    }

    /// Whether the caller may not do it: the audit notes who tried.
    pub fn is_refusal(&self) -> bool {
        self.reason.status() == 403
    }

    pub fn from_database(mut self) -> Self {
        self.database = true;
        self
    }
}

impl Error {
    /// Writes a fault to the log: ours always, a full disk or a database that
    /// is away once in a while, since then every request fails.
    pub fn log(&self) {
        static LAST: Mutex<Option<Instant>> = Mutex::new(None);
        match self.reason {
            Reason::Internal => tracing::error!(error = %self, "a request failed"),
            _ if self.source.is_none() && !self.database => {}
            reason => {
                let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
                if last.is_none_or(|last| last.elapsed() >= LOG_PAUSE) {
                    *last = Some(Instant::now());
                    tracing::error!(error = %self, reason = reason.word(), "requests fail");
                }
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(source) = &self.source {
            write!(f, ": {source:#}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<coro_api::names::NameError> for Error {
    fn from(error: coro_api::names::NameError) -> Self {
        invalid(error.to_string())
    }
}

pub fn invalid(message: impl Into<String>) -> Error {
    Error::new(Reason::Invalid, message)
}

/// The thing does not exist, or the caller may not know that it does.
pub fn not_found(what: &str, name: &str) -> Error {
    Error::new(Reason::NotFound, format!("{what} not found: {name}"))
}

pub fn conflict(message: impl Into<String>) -> Error {
    Error::new(Reason::Conflict, message)
}

pub fn forbidden(message: impl Into<String>) -> Error {
    Error::new(Reason::Forbidden, message)
}

pub fn unavailable(message: impl Into<String>) -> Error {
    Error::new(Reason::Unavailable, message).retry_after(1)
}

/// A fault of ours.
pub fn internal(source: impl Into<anyhow::Error>) -> Error {
    Error::new(Reason::Internal, "internal error")
        .hint("the server's log has the cause, under this answer's X-Request-Id")
        .source(source)
}

/// The log no longer has what follows `from`.
pub fn compacted(from: i64, oldest: i64) -> Error {
    Error::new(
        Reason::Compacted,
        format!(
            "revision {} is no longer kept; the oldest kept is {oldest}",
            from + 1
        ),
    )
    .revision(oldest)
    .hint(format!(
        "list what you need, then go on with from={}",
        oldest - 1
    ))
}
