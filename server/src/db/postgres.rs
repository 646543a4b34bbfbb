//! PostgreSQL: any number of servers on one database.
//!
//! A few threads write and a few read, each with its connection. A tenant's
//! waiting writes are committed together by one thread at a time, under the
//! tenant's advisory lock, which makes the tenant one serial program over all
//! servers; a slow or hung connection holds up its own tenant only. What a job
//! does not wait for is sent without waiting (`queue`), so a batch costs a
//! handful of round trips and not several for each write.
//!
//! When the connection breaks while committing, nobody knows what became of
//! the transaction. Its newest log row has a hash that no other row has: under
//! the same lock the next connection looks whether it is there.

mod connection;
mod connector;
mod queue;
mod values;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel as channel;
use futures_util::StreamExt as _;
use tokio::sync::Notify;
use tokio_postgres::AsyncMessage;
use tokio_util::sync::CancellationToken;

use super::batch::{AnyJob, Runner};
use super::connection::Connection as _;
use super::journal::Entry;
use super::reply::ReadJob;
use super::{CommitSink, QUEUE_MAX, ReadSize, Tx, migrate, spawn, stopped, too_many_reads};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::ids::TenantId;
use connection::PostgresConnection;
use connector::{Connector, fault, parse_url};
use queue::WriteQueue;

const WRITERS: usize = 4;
const READERS: usize = 4;

/// The channel of wake-ups between servers.
const CHANNEL: &str = "coro_log";

/// How long the connection for wake-ups waits before it tries again.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

pub struct Postgres {
    connector: Connector,
    queue: Arc<WriteQueue>,
    /// For reads of a few rows, and for those of many.
    readers: Mutex<Option<[channel::Sender<ReadJob>; 2]>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    stop: CancellationToken,
}

impl Postgres {
    /// Connects, brings the schema up to date and starts the threads. `hint`
    /// is called when another server may have written.
    pub async fn open(
        url: &str,
        clock: Clock,
        sink: Arc<dyn CommitSink>,
        hint: Arc<dyn Fn() + Send + Sync>,
    ) -> Result<Self> {
        let connector = Connector::new(url, clock.clone())?;
        let mut client = connector.client().await?;
        // A migration of much data takes its time, and so does waiting for one.
        let patient = "SET statement_timeout = 0; SET lock_timeout = 0";
        client
            .batch_execute(patient)
            .await
            .map_err(|error| fault(&error))?;
        migrate::postgres(&mut client, &clock, migrate::LATEST).await?;

        let stop = CancellationToken::new();
        let announce = Arc::new(Notify::new());
        let sink: Arc<dyn CommitSink> = Arc::new(Announcing {
            sink,
            announce: announce.clone(),
        });
        let queue = Arc::new(WriteQueue::default());
        let (readers, reads) = channel::bounded::<ReadJob>(QUEUE_MAX);
        let (scanners, scans) = channel::bounded::<ReadJob>(QUEUE_MAX);
        let mut threads = Vec::new();
        for _ in 0..WRITERS {
            let runner = Runner {
                clock: clock.clone(),
                sink: sink.clone(),
                heads: HashMap::new(),
            };
            let (mut conn, queue) = (connector.connection(), queue.clone());
            threads.push(spawn("coro-writer", move || {
                write_loop(&queue, &mut conn, runner)
            })?);
        }
        for number in 0..READERS {
            // Half of them for those that read many rows, so that these keep
            // nobody waiting who reads a few.
            let jobs = if number % 2 == 0 {
                reads.clone()
            } else {
                scans.clone()
            };
            let mut conn = connector.connection();
            threads.push(spawn("coro-reader", move || {
                for job in jobs {
                    match conn.ensure() {
                        Ok(()) => {
                            let now = conn.connector.now();
                            job(Ok(&mut Tx::new(&mut conn, now)));
                        }
                        Err(error) => job(Err(error)),
                    }
                    conn.settle();
                }
            })?);
        }
        tokio::spawn(wake_ups(connector.clone(), announce, hint, stop.clone()));
        Ok(Postgres {
            connector,
            queue,
            readers: Mutex::new(Some([readers, scanners])),
            threads: Mutex::new(threads),
            stop,
        })
    }

    pub(super) fn submit(&self, job: Box<dyn AnyJob>) -> Result<()> {
        self.queue.push(job)
    }

    pub(super) fn read(&self, size: ReadSize, job: ReadJob) -> Result<()> {
        let readers = self.readers.lock().expect("no panic while held");
        let [few, many] = readers.as_ref().ok_or_else(stopped)?;
        let reader = match size {
            ReadSize::FewRows => few,
            ReadSize::ManyRows => many,
        };
        match reader.try_send(job) {
            Ok(()) => Ok(()),
            Err(channel::TrySendError::Full(_)) => Err(too_many_reads()),
            Err(channel::TrySendError::Disconnected(_)) => Err(stopped()),
        }
    }

    /// Runs a long read on a thread and a connection of its own.
    pub(super) fn snapshot(&self, job: ReadJob) -> Result<()> {
        let mut conn = self.connector.connection();
        spawn("coro-snapshot", move || {
            let begun = conn.ensure().and_then(|()| {
                conn.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", &[])?;
                // Whoever takes the rows may be slow; they have a limit of theirs.
                conn.execute("SET LOCAL idle_in_transaction_session_timeout = 0", &[])
            });
            let now = conn.connector.now();
            match begun {
                Ok(_) => job(Ok(&mut Tx::new(&mut conn, now))),
                Err(error) => job(Err(error)),
            }
        })?;
        Ok(())
    }

    pub(super) async fn close(&self) {
        self.queue.close();
        self.readers.lock().expect("no panic while held").take();
        let threads = std::mem::take(&mut *self.threads.lock().expect("no panic while held"));
        let _ = tokio::task::spawn_blocking(move || {
            for thread in threads {
                let _ = thread.join();
            }
        })
        .await;
        self.stop.cancel();
    }

    #[cfg(feature = "testing")]
    pub(super) fn faults(&self) -> &crate::testing::Faults {
        &self.connector.faults
    }
}

/// Whether `--database-url` can be understood.
pub fn check_url(url: &str) -> Result<(), String> {
    parse_url(url).map(|_| ())
}

/// Tells the other servers after each commit.
struct Announcing {
    sink: Arc<dyn CommitSink>,
    announce: Arc<Notify>,
}

impl CommitSink for Announcing {
    fn committed(&self, tenant: &TenantId, entries: Vec<Entry>) {
        self.sink.committed(tenant, entries);
        self.announce.notify_one();
    }
}

fn write_loop(queue: &WriteQueue, conn: &mut PostgresConnection, mut runner: Runner) {
    while let Some((tenant, batch)) = queue.pop() {
        // Other servers write too: nothing is remembered between batches.
        runner.heads.clear();
        runner.run(conn, batch);
        queue.done(tenant);
    }
}

/// Listens for the other servers' wake-ups and sends ours, on a connection of
/// its own. A lost wake-up costs a second at most: see `log::feed`.
async fn wake_ups(
    connector: Connector,
    announce: Arc<Notify>,
    hint: Arc<dyn Fn() + Send + Sync>,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        let session = async {
            let (client, mut connection) = connector.connect().await?;
            let heard = hint.clone();
            let mut driver = tokio::spawn(async move {
                let mut messages =
                    futures_util::stream::poll_fn(move |cx| connection.poll_message(cx));
                while let Some(Ok(message)) = messages.next().await {
                    if matches!(message, AsyncMessage::Notification(_)) {
                        heard();
                    }
                }
            });
            let listening = client.batch_execute(&format!("LISTEN {CHANNEL}")).await;
            listening.map_err(|error| fault(&error))?;
            // Whatever happened while nobody listened.
            hint();
            loop {
                tokio::select! {
                    _ = &mut driver => return Ok::<_, Error>(()),
                    () = announce.notified() => {}
                }
                let told = client.batch_execute(&format!("NOTIFY {CHANNEL}")).await;
                told.map_err(|error| fault(&error))?;
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            ended = session => if let Err(error) = ended {
                tracing::warn!(%error, "no wake-ups from other servers; connecting again");
            }
        }
        tokio::time::sleep(RECONNECT_PAUSE).await;
    }
}
