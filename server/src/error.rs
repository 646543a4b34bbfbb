//! The server's one error type.
//!
//! An operation says what is wrong with a small function and adds what to do
//! next: `not_found("key", key).hint("…")`. The message names the thing and
//! the value. A fault of ours is `internal(…)`: the caller reads "internal
//! error", the log the whole chain, once.

use std::fmt;

pub use coro_api::Reason;

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

    pub fn from_database(mut self) -> Self {
        self.database = true;
        self
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
