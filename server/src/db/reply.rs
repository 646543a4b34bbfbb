//! A read on its way to a reader thread, and its answer on the way back.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use super::Tx;
use crate::error::{Error, Result, internal};

/// A closure that reads and answers by itself. It gets an error instead of a
/// transaction where there is no connection.
pub(super) type ReadJob = Box<dyn FnOnce(Result<&mut Tx<'_>>) + Send>;

pub(super) fn boxed<T, F>(job: F, reply: oneshot::Sender<Result<T>>) -> ReadJob
where
    T: Send + 'static,
    F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
{
    Box::new(move |tx| {
        let answer = match tx {
            Ok(tx) => catch(|| job(tx)),
            Err(error) => Err(error),
        };
        // Whoever asked may have gone away.
        let _ = reply.send(answer);
    })
}

/// Turns a panic into an error: a thread of the database must outlive it.
pub(super) fn catch<T>(job: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|panic| Err(panicked(&*panic)))
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without text".to_owned());
    internal(anyhow::anyhow!("panic in a database job: {text}"))
}
