//! SQLite: one writer thread with group commit, a few reader threads, and a
//! thread that moves the write-ahead log into the database outside of the
//! commits' way.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel as channel;
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{ErrorCode, OpenFlags};

use super::batch::{AnyJob, BATCH_BYTES_MAX, BATCH_JOBS_MAX, Runner};
use super::connection::{Begun, Connection, Engine, Row, Val};
use super::journal::Head;
use super::reply::ReadJob;
use super::{
    CommitSink, QUEUE_MAX, ReadSize, Tx, migrate, queue_full, spawn, stopped, too_many_reads,
};
use crate::clock::Clock;
use crate::error::{Error, Reason, Result, internal};
use crate::ids::TenantId;

/// How large the write-ahead log gets before it is moved into the database.
const CHECKPOINT_BYTES: u64 = 8 * 1024 * 1024;

/// How large it gets before the writer waits for that: bounds the disk that a
/// steady stream of writes takes.
const CHECKPOINT_URGENT_BYTES: u64 = 64 * 1024 * 1024;

/// How often the size of the write-ahead log is looked at.
const CHECKPOINT_INTERVAL: Duration = Duration::from_millis(200);

/// The most reads that are answered in one transaction.
const READS_TOGETHER_MAX: usize = 16;

/// Statements kept prepared on each connection.
const STATEMENTS_MAX: usize = 256;

/// The database's name in the data folder.
pub const FILE_NAME: &str = "coro.db";

pub struct Sqlite {
    path: PathBuf,
    clock: Clock,
    writer: Mutex<Option<SyncSender<Box<dyn AnyJob>>>>,
    /// For reads of a few rows, and for those of many.
    readers: Mutex<Option<[channel::Sender<ReadJob>; 2]>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    stop_checkpoints: SyncSender<()>,
    #[cfg(feature = "testing")]
    faults: crate::testing::Faults,
}

impl Sqlite {
    /// Opens the database in `folder`, makes it where there is none, brings
    /// its schema up to date and starts the threads.
    pub fn open(folder: &Path, clock: Clock, sink: Arc<dyn CommitSink>) -> Result<Self> {
        let path = folder.join(FILE_NAME);
        let mut connection = open_writer(&path)?;
        migrate::sqlite(&mut connection, &clock, migrate::LATEST)?;

        let wal = Wal {
            path: path.with_extension("db-wal"),
            urgent: Arc::default(),
        };
        let (writer, jobs) = sync_channel::<Box<dyn AnyJob>>(QUEUE_MAX);
        let (readers, reads) = channel::bounded::<ReadJob>(QUEUE_MAX);
        let (scanner, scans) = channel::bounded::<ReadJob>(QUEUE_MAX);
        let (stop_checkpoints, stopped) = sync_channel(1);
        #[cfg(feature = "testing")]
        let faults = crate::testing::Faults::default();
        let mut threads = Vec::new();

        let writing = Writer {
            conn: SqliteConnection::new(
                connection,
                #[cfg(feature = "testing")]
                faults.clone(),
            ),
            runner: Runner {
                clock: clock.clone(),
                sink,
                heads: HashMap::new(),
            },
            urgent: wal.urgent.clone(),
        };
        threads.push(spawn("coro-writer", move || writing.run(&jobs))?);
        let checkpoints = open_writer(&path)?;
        threads.push(spawn("coro-checkpoint", move || {
            wal.run(&checkpoints, &stopped)
        })?);
        for _ in 0..reader_count() {
            let mut conn = open_reader(&path)?;
            let (reads, clock) = (reads.clone(), clock.clone());
            threads.push(spawn("coro-reader", move || {
                read_loop(&mut conn, &reads, &clock)
            })?);
        }
        let mut conn = open_reader(&path)?;
        let scan_clock = clock.clone();
        threads.push(spawn("coro-scanner", move || {
            read_loop(&mut conn, &scans, &scan_clock)
        })?);
        Ok(Sqlite {
            path,
            clock,
            writer: Mutex::new(Some(writer)),
            readers: Mutex::new(Some([readers, scanner])),
            threads: Mutex::new(threads),
            stop_checkpoints,
            #[cfg(feature = "testing")]
            faults,
        })
    }

    pub(super) fn submit(&self, job: Box<dyn AnyJob>) -> Result<()> {
        let writer = self.writer.lock().expect("no panic while held");
        match writer.as_ref().ok_or_else(stopped)?.try_send(job) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => Err(queue_full()),
            Err(TrySendError::Disconnected(_)) => Err(stopped()),
        }
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
        let (path, clock) = (self.path.clone(), self.clock.clone());
        spawn("coro-snapshot", move || match open_reader(&path) {
            Ok(mut conn) => match conn.execute("BEGIN", &[]) {
                Ok(_) => job(Ok(&mut Tx::new(&mut conn, clock.now()))),
                Err(error) => job(Err(error)),
            },
            Err(error) => job(Err(error)),
        })?;
        Ok(())
    }

    pub(super) async fn close(&self) {
        self.writer.lock().expect("no panic while held").take();
        self.readers.lock().expect("no panic while held").take();
        let _ = self.stop_checkpoints.try_send(());
        let threads = std::mem::take(&mut *self.threads.lock().expect("no panic while held"));
        let _ = tokio::task::spawn_blocking(move || {
            for thread in threads {
                let _ = thread.join();
            }
        })
        .await;
    }

    #[cfg(feature = "testing")]
    pub(super) fn faults(&self) -> &crate::testing::Faults {
        &self.faults
    }
}

/// Answers the reads that wait, together in one transaction: the lock that
/// SQLite takes for each would cost more than a small read. Each sees at least
/// what was committed when it was asked.
fn read_loop(conn: &mut SqliteConnection, reads: &channel::Receiver<ReadJob>, clock: &Clock) {
    let mut batch = Vec::with_capacity(READS_TOGETHER_MAX);
    while let Ok(first) = reads.recv() {
        batch.push(first);
        batch.extend(reads.try_iter().take(READS_TOGETHER_MAX - 1));
        let together = batch.len() > 1 && conn.execute("BEGIN", &[]).is_ok();
        for job in batch.drain(..) {
            job(Ok(&mut Tx::new(conn, clock.now())));
        }
        if together {
            conn.rollback();
        }
    }
}

struct Writer {
    conn: SqliteConnection,
    runner: Runner,
    urgent: Arc<AtomicBool>,
}

impl Writer {
    /// Commits what waits, together, until no sender is left.
    fn run(mut self, jobs: &Receiver<Box<dyn AnyJob>>) {
        while let Ok(first) = jobs.recv() {
            let mut bytes = first.bytes();
            let mut batch = vec![first];
            while batch.len() < BATCH_JOBS_MAX && bytes < BATCH_BYTES_MAX {
                let Ok(job) = jobs.try_recv() else { break };
                bytes += job.bytes();
                batch.push(job);
            }
            self.runner.run(&mut self.conn, batch);
            if self.urgent.swap(false, Ordering::Relaxed) {
                checkpoint(&self.conn.inner);
            }
        }
    }
}

/// The write-ahead log's file, as the checkpoint thread sees it.
struct Wal {
    path: PathBuf,
    /// Asks the writer to let what is left be moved before it goes on: while
    /// it writes without pause, the file can't start over.
    urgent: Arc<AtomicBool>,
}

impl Wal {
    fn run(self, conn: &rusqlite::Connection, stop: &Receiver<()>) {
        let mut moved_at = 0;
        while let Err(RecvTimeoutError::Timeout) = stop.recv_timeout(CHECKPOINT_INTERVAL) {
            let bytes = std::fs::metadata(&self.path).map_or(0, |file| file.len());
            // The file keeps its length when it starts over, so an unchanged
            // length says nothing new.
            if bytes < CHECKPOINT_BYTES || bytes == moved_at {
                continue;
            }
            checkpoint(conn);
            moved_at = bytes;
            if bytes > CHECKPOINT_URGENT_BYTES {
                self.urgent.store(true, Ordering::Relaxed);
            }
        }
    }
}

/// Moves what it can without waiting for anyone.
fn checkpoint(conn: &rusqlite::Connection) {
    let moved = conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    if let Err(error) = moved {
        tracing::warn!(%error, "the write-ahead log was not moved into the database");
    }
}

struct SqliteConnection {
    inner: rusqlite::Connection,
    /// Statements with `$1` rewritten to `?1`, by the address of the text.
    rewritten: HashMap<(usize, usize), String>,
    #[cfg(feature = "testing")]
    faults: Option<crate::testing::Faults>,
}

impl SqliteConnection {
    fn new(
        inner: rusqlite::Connection,
        #[cfg(feature = "testing")] faults: crate::testing::Faults,
    ) -> Self {
        SqliteConnection {
            inner,
            rewritten: HashMap::new(),
            #[cfg(feature = "testing")]
            faults: Some(faults),
        }
    }

    fn prepare(&mut self, sql: &'static str) -> Result<rusqlite::CachedStatement<'_>> {
        let id = (sql.as_ptr() as usize, sql.len());
        let text = self.rewritten.entry(id).or_insert_with(|| {
            let text = rewrite_parameters(sql);
            #[cfg(feature = "testing")]
            crate::testing::note_statement(&text);
            text
        });
        self.inner.prepare_cached(text).map_err(fault)
    }
}

impl Connection for SqliteConnection {
    fn engine(&self) -> Engine {
        Engine::Sqlite
    }

    fn begin(&mut self, _tenant: &TenantId) -> Result<Begun> {
        #[cfg(feature = "testing")]
        if let Some(faults) = &self.faults {
            faults.before_batch(&self.inner);
        }
        self.execute("BEGIN IMMEDIATE", &[])?;
        Ok(Begun {
            now: None,
            head: None,
        })
    }

    fn commit(&mut self, _proof: Option<(&TenantId, &Head)>) -> Result<()> {
        #[cfg(feature = "testing")]
        if let Some(faults) = &self.faults {
            faults.before_commit(&self.inner)?;
        }
        self.execute("COMMIT", &[])?;
        Ok(())
    }

    fn rollback(&mut self) {
        // A full disk or an I/O error may have rolled back already.
        if !self.inner.is_autocommit()
            && let Err(error) = self.execute("ROLLBACK", &[])
        {
            tracing::error!(%error, "rolling back failed");
        }
    }

    fn execute(&mut self, sql: &'static str, params: &[Val<'_>]) -> Result<u64> {
        let mut statement = self.prepare(sql)?;
        bind(&mut statement, params)?;
        let changed = statement.raw_execute().map_err(fault)?;
        Ok(changed as u64)
    }

    fn queue(&mut self, sql: &'static str, params: &[Val<'_>]) -> Result<()> {
        self.execute(sql, params)?;
        Ok(())
    }

    fn query(
        &mut self,
        sql: &'static str,
        params: &[Val<'_>],
        each: &mut dyn FnMut(&dyn Row) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.prepare(sql)?;
        bind(&mut statement, params)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(fault)? {
            each(row)?;
        }
        Ok(())
    }
}

fn bind(statement: &mut rusqlite::CachedStatement<'_>, params: &[Val<'_>]) -> Result<()> {
    if statement.parameter_count() != params.len() {
        return Err(internal(anyhow::anyhow!(
            "a statement takes {} parameters and got {}",
            statement.parameter_count(),
            params.len()
        )));
    }
    for (index, param) in params.iter().enumerate() {
        statement
            .raw_bind_parameter(index + 1, param)
            .map_err(fault)?;
    }
    Ok(())
}

impl rusqlite::ToSql for Val<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Val::Null => ToSqlOutput::Owned(Value::Null),
            Val::Int(value) => ToSqlOutput::Owned(Value::Integer(*value)),
            Val::Text(value) => ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes())),
            Val::Blob(value) => ToSqlOutput::Borrowed(ValueRef::Blob(value)),
        })
    }
}

impl Row for rusqlite::Row<'_> {
    fn opt_int(&self, column: usize) -> Result<Option<i64>> {
        self.get_ref(column)
            .map_err(fault)?
            .as_i64_or_null()
            .map_err(wrong_type)
    }

    fn opt_text(&self, column: usize) -> Result<Option<&str>> {
        self.get_ref(column)
            .map_err(fault)?
            .as_str_or_null()
            .map_err(wrong_type)
    }

    fn opt_blob(&self, column: usize) -> Result<Option<&[u8]>> {
        self.get_ref(column)
            .map_err(fault)?
            .as_blob_or_null()
            .map_err(wrong_type)
    }
}

fn wrong_type(error: rusqlite::types::FromSqlError) -> Error {
    internal(error).from_database()
}

/// Numbers `$1` as PostgreSQL does. SQLite would number `$2, $1` by first
/// appearance, and swap them silently.
fn rewrite_parameters(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len());
    let mut quoted = false;
    for c in sql.chars() {
        if c == '\'' {
            quoted = !quoted;
        }
        text.push(if c == '$' && !quoted { '?' } else { c });
    }
    text
}

fn open_writer(path: &Path) -> Result<rusqlite::Connection> {
    let conn = rusqlite::Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(|error| cannot_open(path, error))?;
    // The page layout is fixed by the first table: auto_vacuum comes first.
    // Checkpoints are made by a thread of their own, see `Wal`.
    conn.execute_batch(&format!(
        "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = {}; \
         PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = {CHECKPOINT_URGENT_BYTES}; \
         PRAGMA foreign_keys = ON; PRAGMA cache_size = -16000; PRAGMA temp_store = MEMORY;",
        synchronous()
    ))
    .map_err(|error| cannot_open(path, error))?;
    prepare_once(&conn)?;
    Ok(conn)
}

/// FULL: an acknowledged write survives a power failure.
#[cfg(not(feature = "testing"))]
fn synchronous() -> &'static str {
    "FULL"
}

/// The crash harness must find out that something is lost without it.
#[cfg(feature = "testing")]
fn synchronous() -> &'static str {
    crate::testing::synchronous()
}

fn open_reader(path: &Path) -> Result<SqliteConnection> {
    let conn = rusqlite::Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(|error| cannot_open(path, error))?;
    conn.execute_batch(
        "PRAGMA query_only = ON; PRAGMA cache_size = -4000; PRAGMA mmap_size = 268435456;",
    )
    .map_err(|error| cannot_open(path, error))?;
    prepare_once(&conn)?;
    Ok(SqliteConnection {
        inner: conn,
        rewritten: HashMap::new(),
        #[cfg(feature = "testing")]
        faults: None,
    })
}

/// Keeps statements prepared. Without stable plans SQLite would prepare those
/// again at each use whose plan might depend on a parameter: half of a read.
fn prepare_once(conn: &rusqlite::Connection) -> Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(fault)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    conn.busy_timeout(Duration::from_secs(5)).map_err(fault)
}

fn cannot_open(path: &Path, error: rusqlite::Error) -> Error {
    let mut fault = fault(error);
    fault.message = format!("the database {} can't be opened", path.display());
    fault.hint("check that the folder can be written and that the file is Coro's")
}

/// Reads are short; more threads than cores only take turns.
fn reader_count() -> usize {
    std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 8))
}

/// What an error of SQLite means for the caller.
pub(super) fn fault(error: rusqlite::Error) -> Error {
    let reason = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Error::new(
            Reason::StorageFull,
            "no space is left for the database; nothing was changed",
        )
        .hint("free space on the disk of the data folder and repeat the request"),
        Some(ErrorCode::SystemIoFailure | ErrorCode::ReadOnly | ErrorCode::CannotOpen) => {
            Error::new(
                Reason::Internal,
                "the database can't be read or written; nothing was changed",
            )
            .hint("look at the server's log and the disk of the data folder")
        }
        _ => Error::new(Reason::Internal, "internal error"),
    };
    reason.source(error).from_database()
}

#[cfg(test)]
mod tests {
    use super::rewrite_parameters;

    #[test]
    fn parameters_are_numbered_and_quoted_text_is_left_alone() {
        assert_eq!(
            rewrite_parameters("SELECT $2, '$1', $1"),
            "SELECT ?2, '$1', ?1"
        );
    }
}
