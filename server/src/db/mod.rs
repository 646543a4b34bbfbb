//! The database: one store on two engines.
//!
//! Operations hand a closure to [`Db::write`] or [`Db::read`]. It gets a
//! [`Tx`] and calls the `store.rs` functions of its slice, which are plain
//! synchronous functions with one SQL text for both engines. What truly
//! differs between the engines has a name in this folder.
//!
//! Writes of a tenant are one serial program. They are collected while the
//! one before is on its way to the disk and committed together ([`batch`]),
//! and a refused write takes no other with it. The closure may run more than
//! once: it has no effect but through `Tx`. Nothing is answered and nothing is
//! published before the commit.

mod batch;
mod connection;
pub mod glob;
mod journal;
pub mod migrate;
pub mod postgres;
mod reply;
pub mod sqlite;
mod tx;

use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

pub use batch::{Hints, Prefetch};
pub use connection::{Engine, Row, Val};
pub use journal::{Entry, Head, NewEntry, Outcome, Payload, SYSTEM, Scope, chain_of};
pub use tx::Tx;

use crate::error::{Result, internal, unavailable};
use crate::ids::TenantId;
use batch::{AnyJob, Job, WaitingBytes};

/// How many writes may wait. Beyond it the caller is told to come again.
const QUEUE_MAX: usize = 4096;

/// Learns of log rows right after their commit, in the order of revisions
/// that this process wrote. Only a hint where there are several replicas.
pub trait CommitSink: Send + Sync + 'static {
    fn committed(&self, tenant: &TenantId, entries: Vec<Entry>);
}

/// The database as operations see it. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    backend: Arc<Backend>,
    waiting: WaitingBytes,
}

/// How much a read reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReadSize {
    FewRows,
    ManyRows,
}

enum Backend {
    Sqlite(sqlite::Sqlite),
    Postgres(Box<postgres::Postgres>),
}

impl Db {
    pub fn sqlite(sqlite: sqlite::Sqlite) -> Self {
        Db {
            backend: Arc::new(Backend::Sqlite(sqlite)),
            waiting: WaitingBytes::default(),
        }
    }

    pub fn postgres(postgres: postgres::Postgres) -> Self {
        Db {
            backend: Arc::new(Backend::Postgres(Box::new(postgres))),
            waiting: WaitingBytes::default(),
        }
    }

    pub fn engine(&self) -> Engine {
        match &*self.backend {
            Backend::Sqlite(_) => Engine::Sqlite,
            Backend::Postgres(_) => Engine::Postgres,
        }
    }

    /// Runs `job` in the tenant's next batch and answers when it is durable.
    ///
    /// `job` may run several times and must have no effect but through `Tx`.
    pub async fn write<T, F>(&self, tenant: &TenantId, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.write_hinted(tenant, Hints::default(), job).await
    }

    /// As [`Db::write`], for jobs of which something is known beforehand.
    pub async fn write_hinted<T, F>(&self, tenant: &TenantId, hints: Hints, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let held = self.waiting.hold(hints.bytes).ok_or_else(queue_full)?;
        let job = Job::boxed(tenant.clone(), hints, held, job, sender);
        self.submit(job)?;
        receiver.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Runs `job`, which reads a few rows, on a connection that only reads.
    /// What it sees was committed before or while it runs.
    pub async fn read<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.read_sized(ReadSize::FewRows, job).await
    }

    /// As [`Db::read`], for a job that may read many rows: it keeps nobody
    /// waiting who reads a few.
    pub async fn scan<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.read_sized(ReadSize::ManyRows, job).await
    }

    async fn read_sized<T, F>(&self, size: ReadSize, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let job = reply::boxed(job, sender);
        match &*self.backend {
            Backend::Sqlite(sqlite) => sqlite.read(size, job)?,
            Backend::Postgres(postgres) => postgres.read(size, job)?,
        }
        receiver.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Runs `job` on a connection of its own that only reads, in one
    /// transaction: all its statements see one moment. For long reads.
    pub async fn snapshot<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let job = reply::boxed(job, sender);
        match &*self.backend {
            Backend::Sqlite(sqlite) => sqlite.snapshot(job)?,
            Backend::Postgres(postgres) => postgres.snapshot(job)?,
        }
        receiver.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        self.read(|tx| tx.flush()).await
    }

    /// Ends the threads after the writes that wait now are committed.
    pub async fn close(&self) {
        match &*self.backend {
            Backend::Sqlite(sqlite) => sqlite.close().await,
            Backend::Postgres(postgres) => postgres.close().await,
        }
    }

    fn submit(&self, job: Box<dyn AnyJob>) -> Result<()> {
        match &*self.backend {
            Backend::Sqlite(sqlite) => sqlite.submit(job),
            Backend::Postgres(postgres) => postgres.submit(job),
        }
    }

    #[cfg(feature = "testing")]
    pub fn faults(&self) -> &crate::testing::Faults {
        match &*self.backend {
            Backend::Sqlite(sqlite) => sqlite.faults(),
            Backend::Postgres(postgres) => postgres.faults(),
        }
    }
}

/// Starts a thread of an engine.
fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(internal)
}

fn stopped() -> crate::error::Error {
    unavailable("the server is stopping; the request was not carried out")
}

fn too_many_reads() -> crate::error::Error {
    unavailable(format!("{QUEUE_MAX} reads wait already"))
        .hint("repeat it after the seconds that Retry-After names")
}

fn queue_full() -> crate::error::Error {
    unavailable("too many writes wait already; the request was not carried out")
        .hint("repeat it after the seconds that Retry-After names")
}
