//! Ending a call from another thread.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::connection::Stream;

/// Ends a call: whoever waits for its answer gets an error.
#[derive(Clone, Default)]
pub(crate) struct Hangup(Arc<Mutex<Line>>);

#[derive(Default)]
struct Line {
    is_over: bool,
    /// The connection, while there is one.
    stream: Option<Stream>,
}

impl Hangup {
    pub(crate) fn hang_up(&self) {
        let mut line = self.line();
        line.is_over = true;
        if let Some(stream) = line.stream.take() {
            stream.shut_down();
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.line().is_over
    }

    /// Takes a handle on the connection that is to be ended.
    pub(super) fn watch(&self, stream: Stream) -> io::Result<()> {
        let mut line = self.line();
        if line.is_over {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        line.stream = Some(stream);
        Ok(())
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
