//! How many connections there are, and which one goes where there are too many.
//!
//! Each takes a file of the process, and the database needs files too. Anyone
//! can open a connection and say nothing: where no more are free, the one that
//! has been silent for longest ends for the one that comes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Files that are kept for the database, listeners and what is read from disk;
/// at least a quarter of those that there are.
const OWN_FILES: usize = 128;

/// The most connections, however many files there are.
const CONNECTIONS_MAX: usize = 32_768;

/// The fewest, however few files there are.
const CONNECTIONS_MIN: usize = 16;

/// How long the log is spared what each new connection meets.
const LOG_PAUSE: Duration = Duration::from_secs(10);

/// All connections of the process.
pub struct Connections {
    max: usize,
    free: Arc<Semaphore>,
    /// Those that have sent no request yet, by number: the oldest is first.
    silent: Mutex<BTreeMap<u64, CancellationToken>>,
    count: AtomicU64,
    logged: Seldom,
}

impl Connections {
    /// As many as the files of the process allow; `None` is without a limit.
    pub fn new(files: Option<usize>) -> Arc<Self> {
        let max = files.map_or(CONNECTIONS_MAX, |files| {
            let own = OWN_FILES.max(files / 4);
            let left = files.saturating_sub(own);
            left.clamp(CONNECTIONS_MIN, CONNECTIONS_MAX)
        });
        Arc::new(Connections {
            max,
            free: Arc::new(Semaphore::new(max)),
            silent: Mutex::default(),
            count: AtomicU64::new(0),
            logged: Seldom::unsaid(),
        })
    }

    /// Takes the place of a connection that was accepted. Waits for one where
    /// all others have sent a request.
    pub async fn take(self: &Arc<Self>) -> Place {
        let permit = match self.free.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                self.end_the_oldest_silent();
                let permit = self.free.clone().acquire_owned().await;
                permit.expect("the semaphore is never closed")
            }
        };
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let ended = CancellationToken::new();
        let mut silent = self.silent.lock().expect("no panic while held");
        silent.insert(number, ended.clone());
        drop(silent);
        Place {
            of: self.clone(),
            number,
            ended,
            heard: AtomicBool::new(false),
            _permit: permit,
        }
    }

    fn end_the_oldest_silent(&self) {
        let oldest = self.silent.lock().expect("no panic while held").pop_first();
        if self.logged.is_due() {
            let (max, silent) = (self.max, oldest.is_some());
            tracing::warn!(max, silent, "all connections are taken");
        }
        if let Some((_, ended)) = oldest {
            ended.cancel();
        }
    }
}

/// The place of one connection, free again when this is dropped.
pub struct Place {
    of: Arc<Connections>,
    number: u64,
    ended: CancellationToken,
    heard: AtomicBool,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    /// A request has come: the connection stays.
    pub fn heard(&self) {
        if !self.heard.swap(true, Ordering::Relaxed) {
            self.leave_the_silent();
        }
    }

    /// Waits until the connection must end.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    fn leave_the_silent(&self) {
        let mut silent = self.of.silent.lock().expect("no panic while held");
        silent.remove(&self.number);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave_the_silent();
    }
}

/// Says when something is worth a line in the log again.
pub struct Seldom(Mutex<Option<Instant>>);

impl Seldom {
    /// Nothing was said yet.
    pub const fn unsaid() -> Self {
        Seldom(Mutex::new(None))
    }

    pub fn is_due(&self) -> bool {
        let mut last = self.0.lock().expect("no panic while held");
        let due = last.is_none_or(|last| last.elapsed() >= LOG_PAUSE);
        if due {
            *last = Some(Instant::now());
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_to_the_database() {
        let most = |files| Connections::new(files).max;
        assert_eq!(most(Some(1_024)), 768);
        assert_eq!(most(Some(256)), 128);
        assert_eq!(most(Some(64)), CONNECTIONS_MIN);
        assert_eq!(most(Some(1_000_000)), CONNECTIONS_MAX);
        assert_eq!(most(None), CONNECTIONS_MAX);
    }

    #[tokio::test]
    async fn the_connection_that_is_silent_for_longest_goes_first() {
        let all = Connections::new(Some(0));
        let mut places = Vec::new();
        for _ in 0..CONNECTIONS_MIN {
            places.push(all.take().await);
        }
        places[0].heard();
        let next = tokio::spawn({
            let all = all.clone();
            async move { all.take().await.number }
        });
        places[1].ended().await;
        assert!(!places[0].ended.is_cancelled() && !places[2].ended.is_cancelled());
        places.remove(1);
        assert_eq!(next.await.expect("no panic"), CONNECTIONS_MIN as u64);
    }
}
