//! HTTP/1.1 as far as one command needs it: one request, one answer.
//!
//! `Transport` is the seam. A program talks over a Unix socket or loopback
//! with `Direct`, written here because a general client costs more time than
//! the whole call; anything else goes over `Remote` (TLS, proxies). The server
//! brings a transport of its own to run a command line in process.

mod address;
mod body;
mod connection;
mod direct;
mod hangup;
mod headers;
mod percent;
mod remote;
mod request;

use std::fmt;
use std::io::{self, Read};
use std::time::Duration;

pub(crate) use address::Address;
pub(crate) use direct::Direct;
pub(crate) use hangup::Hangup;
pub use headers::Headers;
pub(crate) use percent::decode as percent_decode;
pub(crate) use remote::Remote;
pub use request::{Method, Request};

/// How this program calls itself.
pub(crate) const USER_AGENT: &str = concat!("coro-cli/", env!("CARGO_PKG_VERSION"));

/// The largest answer that is held in memory. Far above what a server gives
/// in one answer; it bounds what a wrong address can do.
const RESPONSE_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Carries requests to a server.
pub trait Transport {
    /// Sends a request and reads the head of the answer; the body is read as
    /// the caller reads it. Any status is a success here.
    fn open(&mut self, request: &Request) -> Result<Reply, TransportError>;

    /// Sends a request and reads the whole answer.
    fn send(&mut self, request: &Request) -> Result<Response, TransportError> {
        self.open(request)?.read_all()
    }
}

/// How long an answer may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The last byte must be there after this long.
    pub whole: Option<Duration>,
    /// The longest pause between bytes: for streams, which never end.
    pub silence: Option<Duration>,
}

impl Patience {
    pub fn whole(duration: Duration) -> Patience {
        Patience {
            whole: Some(duration),
            silence: None,
        }
    }

    pub fn silence(duration: Duration) -> Patience {
        Patience {
            whole: None,
            silence: Some(duration),
        }
    }
}

/// An answer whose body is still to be read.
pub struct Reply {
    pub status: u16,
    pub headers: Headers,
    pub body: Box<dyn Read>,
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub headers: Headers,
    pub body: Vec<u8>,
}

impl Reply {
    /// Reads the body to its end.
    pub fn read_all(self) -> Result<Response, TransportError> {
        let mut body = Vec::new();
        let read = self
            .body
            .take(RESPONSE_BYTES_MAX + 1)
            .read_to_end(&mut body);
        read.map_err(TransportError::while_reading)?;
        if body.len() as u64 > RESPONSE_BYTES_MAX {
            let reason = format!("the answer is larger than {RESPONSE_BYTES_MAX} bytes");
            return Err(TransportError::Broken(reason));
        }
        Ok(Response {
            status: self.status,
            headers: self.headers,
            body,
        })
    }
}

/// Why there is no answer, or no whole one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransportError {
    /// Nothing listens at any of the places that a local server has.
    NotRunning(String),
    /// The operating system does not let this process connect.
    Forbidden(String),
    /// A server elsewhere can't be reached.
    Unreachable(String),
    /// There is no TLS with it, or it is not who it should be.
    Untrusted(String),
    TimedOut,
    /// The connection broke, or what came back is no HTTP.
    Broken(String),
}

impl TransportError {
    /// What it means that connecting to `place` failed so.
    pub(crate) fn while_connecting(place: impl fmt::Display, error: &io::Error) -> TransportError {
        match error.kind() {
            // Loopback can always be reached, unless a sandbox took it away.
            io::ErrorKind::PermissionDenied | io::ErrorKind::NetworkUnreachable => {
                TransportError::Forbidden(place.to_string())
            }
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => TransportError::TimedOut,
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                TransportError::NotRunning(place.to_string())
            }
            _ => TransportError::Unreachable(format!("can't connect to {place}: {error}")),
        }
    }

    /// What it means that reading an answer failed so.
    pub(crate) fn while_reading(error: io::Error) -> TransportError {
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => TransportError::TimedOut,
            _ => TransportError::Broken(format!("the connection broke: {error}")),
        }
    }
}
