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

mod queue;
mod values;

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel as channel;
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Socket, Statement};
use tokio_util::sync::CancellationToken;

use super::batch::{AnyJob, Runner};
use super::connection::{Begun, Connection, Engine, Row, STATEMENT_TIMEOUT, Val};
use super::journal::{Entry, Head, head_of};
use super::reply::ReadJob;
use super::{CommitSink, QUEUE_MAX, ReadSize, Tx, migrate, stopped, too_many_reads};
use crate::clock::{Clock, Time};
use crate::error::{Error, Reason, Result, internal, unavailable};
use crate::ids::{Hash, TenantId};
use queue::WriteQueue;
use values::Owned;

const WRITERS: usize = 4;
const READERS: usize = 4;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How often, and how far apart, the database is asked what became of a commit.
const OUTCOME_TRIES: u32 = 40;
const OUTCOME_PAUSE: Duration = Duration::from_millis(250);

/// The channel of wake-ups between servers.
const CHANNEL: &str = "coro_log";

/// How long the connection for wake-ups waits before it tries again.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// Where a log stands and what time it is, in one round trip. The columns are
/// those of `journal::SELECT_HEAD`, and the time in microseconds.
const SELECT_HEAD_AND_TIME: &str = "SELECT head.revision, head.at, head.chain, head.total_bytes, \
     CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) \
     FROM (SELECT 1) AS one LEFT JOIN LATERAL (SELECT revision, at, chain, total_bytes FROM log \
     WHERE tenant_id = $1 ORDER BY revision DESC LIMIT 1) AS head ON TRUE";

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

/// The URL may hold a password: it is not repeated.
fn parse_url(url: &str) -> Result<tokio_postgres::Config, String> {
    url.parse().map_err(|error: tokio_postgres::Error| {
        let why = std::error::Error::source(&error).map_or(String::new(), |why| format!(": {why}"));
        format!("--database-url is not understood{why}; it takes postgres://user@host/name")
    })
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

type Driver = tokio_postgres::Connection<
    Socket,
    <tokio_postgres_rustls::MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream,
>;

/// Makes connections. Cheap to clone.
#[derive(Clone)]
struct Connector {
    config: tokio_postgres::Config,
    tls: tokio_postgres_rustls::MakeRustlsConnect,
    clock: Clock,
    /// Microseconds that the database's clock is ahead of ours.
    skew: Arc<AtomicI64>,
    runtime: Handle,
    #[cfg(feature = "testing")]
    faults: crate::testing::Faults,
}

impl Connector {
    fn new(url: &str, clock: Clock) -> Result<Self> {
        let mut config = parse_url(url).map_err(|message| Error::new(Reason::Invalid, message))?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_application_name().is_none() {
            config.application_name("coro-server");
        }
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let tls = rustls::ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Connector {
            config,
            tls: tokio_postgres_rustls::MakeRustlsConnect::new(tls),
            clock,
            skew: Arc::default(),
            runtime: Handle::current(),
            #[cfg(feature = "testing")]
            faults: crate::testing::Faults::default(),
        })
    }

    async fn connect(&self) -> Result<(Client, Driver)> {
        let connecting = self.config.connect(self.tls.clone());
        match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(Ok(connected)) => Ok(connected),
            Ok(Err(error)) => Err(unavailable("the database can't be reached")
                .hint("check --database-url and that PostgreSQL runs; repeat the request then")
                .source(error)
                .from_database()),
            Err(_) => Err(
                unavailable("the database can't be reached: connecting took too long")
                    .from_database(),
            ),
        }
    }

    async fn client(&self) -> Result<Client> {
        let (client, driver) = self.connect().await?;
        tokio::spawn(async move {
            if let Err(error) = driver.await {
                tracing::debug!(%error, "a database connection ended");
            }
        });
        let limits = format!(
            "SET statement_timeout = {0}; SET lock_timeout = {0}; \
             SET idle_in_transaction_session_timeout = {0}; SET synchronous_commit = on; \
             SET client_min_messages = warning",
            STATEMENT_TIMEOUT.as_millis()
        );
        client
            .batch_execute(&limits)
            .await
            .map_err(|error| fault(&error))?;
        Ok(client)
    }

    /// The database's time, as far as a batch has told.
    fn now(&self) -> Time {
        Time(self.clock.now().0 + self.skew.load(Ordering::Relaxed))
    }

    fn connection(&self) -> PostgresConnection {
        PostgresConnection {
            connector: self.clone(),
            client: None,
            statements: HashMap::new(),
            pending: VecDeque::new(),
        }
    }
}

type Pending = Pin<Box<dyn Future<Output = Result<u64, tokio_postgres::Error>> + Send>>;

/// A connection of one thread, made again when it broke.
struct PostgresConnection {
    connector: Connector,
    client: Option<Arc<Client>>,
    /// Prepared statements by the address of their text.
    statements: HashMap<(usize, usize), Statement>,
    /// Statements that were sent and whose answers nobody has waited for.
    pending: VecDeque<Pending>,
}

impl PostgresConnection {
    /// Has a connection, or says why not.
    fn ensure(&mut self) -> Result<()> {
        if self
            .client
            .as_ref()
            .is_some_and(|client| !client.is_closed())
        {
            return Ok(());
        }
        self.disconnect();
        let client = self.connector.runtime.block_on(self.connector.client())?;
        self.client = Some(Arc::new(client));
        Ok(())
    }

    fn disconnect(&mut self) {
        self.client = None;
        self.statements.clear();
        self.pending.clear();
    }

    fn client(&self) -> Result<Arc<Client>> {
        self.client.clone().ok_or_else(|| {
            unavailable("the connection to the database broke; nothing was changed").from_database()
        })
    }

    /// Waits for an answer, but not for ever: a peer that is gone says nothing.
    fn wait<T>(
        &mut self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T> {
        let runtime = self.connector.runtime.clone();
        let bounded = async { tokio::time::timeout(2 * STATEMENT_TIMEOUT, answer).await };
        match runtime.block_on(bounded) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                let fault = fault(&error);
                if error.is_closed() || fault.reason == Reason::Unavailable {
                    self.disconnect();
                }
                Err(fault)
            }
            Err(_) => {
                self.disconnect();
                Err(unavailable("the database does not answer").from_database())
            }
        }
    }

    /// Waits for what was sent; the first error is the one that counts.
    fn flush(&mut self) -> Result<()> {
        let pending: Vec<Pending> = self.pending.drain(..).collect();
        if pending.is_empty() {
            return Ok(());
        }
        self.wait(async {
            for answer in pending {
                answer.await?;
            }
            Ok(())
        })
    }

    /// Sends a statement behind those that are on their way, and waits for
    /// all: one round trip however many they are.
    fn after_pending<T>(
        &mut self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T> {
        let pending: Vec<Pending> = self.pending.drain(..).collect();
        let mut answer = Box::pin(answer);
        let first = {
            let _entered = self.connector.runtime.enter();
            answer
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
        };
        self.wait(async {
            for earlier in pending {
                earlier.await?;
            }
            match first {
                Poll::Ready(done) => done,
                Poll::Pending => answer.await,
            }
        })
    }

    /// Sends a statement now and keeps its answer for later.
    fn send(&mut self, mut answer: Pending) {
        let _entered = self.connector.runtime.enter();
        // The first poll writes the message; a real waiter comes with `flush`.
        let first = answer
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        self.pending.push_back(match first {
            Poll::Pending => answer,
            Poll::Ready(done) => Box::pin(std::future::ready(done)),
        });
    }

    /// Sends a statement without parameters.
    fn send_simple(&mut self, sql: &'static str) -> Result<()> {
        let client = self.client()?;
        self.send(Box::pin(async move {
            client.batch_execute(sql).await.map(|()| 0)
        }));
        Ok(())
    }

    fn statement(&mut self, sql: &'static str) -> Result<Statement> {
        let id = (sql.as_ptr() as usize, sql.len());
        if let Some(statement) = self.statements.get(&id) {
            return Ok(statement.clone());
        }
        let client = self.client()?;
        let statement = self.wait(async { client.prepare(sql).await })?;
        self.statements.insert(id, statement.clone());
        Ok(statement)
    }

    /// After a read: a connection in a failed state is not used again.
    fn settle(&mut self) {
        if self.flush().is_err() {
            self.disconnect();
        }
    }

    /// Takes the tenant's turn. Sent without waiting: the next statement does.
    fn lock(&mut self, tenant: &TenantId) -> Result<()> {
        let hash = Hash::of(tenant.as_str().as_bytes());
        let key = i64::from_be_bytes(hash.0[..8].try_into().expect("eight bytes"));
        let client = self.client()?;
        let sql = format!("BEGIN; SELECT pg_advisory_xact_lock({key})");
        self.send(Box::pin(async move {
            client.batch_execute(&sql).await.map(|()| 0)
        }));
        Ok(())
    }

    /// Asks until the database answers, for a while: one that was killed takes
    /// a moment to come back, and the tenant's writes wait for it anyway.
    fn find_out(&mut self, tenant: &TenantId, head: &Head) -> Result<bool> {
        let mut tries = OUTCOME_TRIES;
        loop {
            tries -= 1;
            match self.has_committed(tenant, head) {
                Err(_) if tries > 0 => {
                    self.disconnect();
                    std::thread::sleep(OUTCOME_PAUSE);
                }
                known => return known,
            }
        }
    }

    /// Whether a commit whose answer was lost has happened.
    fn has_committed(&mut self, tenant: &TenantId, head: &Head) -> Result<bool> {
        self.ensure()?;
        // The lock waits for the old session, should it still be committing.
        self.lock(tenant)?;
        let mut found = false;
        self.query(
            "SELECT 1 FROM log WHERE tenant_id = $1 AND revision = $2 AND chain = $3",
            &[tenant.into(), head.revision.into(), (&head.chain).into()],
            &mut |_| {
                found = true;
                Ok(())
            },
        )?;
        self.send_simple("COMMIT")?;
        self.flush()?;
        Ok(found)
    }
}

impl Connection for PostgresConnection {
    fn engine(&self) -> Engine {
        Engine::Postgres
    }

    fn begin(&mut self, tenant: &TenantId) -> Result<Begun> {
        self.ensure()?;
        self.lock(tenant)?;
        let skew = self.connector.skew.clone();
        let mut begun = Begun {
            now: None,
            head: Some(Head::start()),
        };
        self.query(SELECT_HEAD_AND_TIME, &[tenant.into()], &mut |row| {
            if row.opt_int(0)?.is_some() {
                begun.head = Some(head_of(row)?);
            }
            let now = Time(row.int(4)?);
            skew.store(now.0 - Clock::default().now().0, Ordering::Relaxed);
            begun.now = Some(now);
            Ok(())
        })?;
        Ok(begun)
    }

    fn commit(&mut self, proof: Option<(&TenantId, &Head)>) -> Result<()> {
        // Not sent behind the rest without waiting: a later job's ROLLBACK TO
        // can make a failed transaction whole again without the failed part.
        self.flush()?;
        #[cfg(feature = "testing")]
        let answer_lost = match self.connector.faults.take() {
            Some(crate::testing::Fault::CommitLost) => true,
            Some(crate::testing::Fault::None) | None => false,
            Some(_) => return Err(internal(anyhow::anyhow!("planned")).from_database()),
        };
        self.send_simple("COMMIT")?;
        let committed = self.flush();
        #[cfg(feature = "testing")]
        let committed = if answer_lost {
            self.disconnect();
            Err(unavailable("planned: the answer was lost").from_database())
        } else {
            committed
        };
        let Err(error) = committed else { return Ok(()) };
        if self.client.is_some() {
            // PostgreSQL answered: it refused, and rolled back.
            return Err(error);
        }
        let Some((tenant, head)) = proof else {
            return Err(error);
        };
        tracing::warn!(%error, "the answer to a commit was lost; looking whether it happened");
        match self.find_out(tenant, head) {
            Ok(true) => Ok(()),
            Ok(false) => Err(error),
            Err(again) => Err(Error::new(
                Reason::OutcomeUnknown,
                "the database went away while committing: the change may or may not be there",
            )
            .hint("read it back, or repeat the request with the same Idempotency-Key")
            .retry_after(1)
            .source(again)
            .from_database()),
        }
    }

    fn rollback(&mut self) {
        if self.client.is_none() {
            return;
        }
        let _ = self.flush();
        let rolled_back = self.send_simple("ROLLBACK").and_then(|()| self.flush());
        if rolled_back.is_err() {
            self.disconnect();
        }
    }

    fn execute(&mut self, sql: &'static str, params: &[Val<'_>]) -> Result<u64> {
        let statement = self.statement(sql)?;
        let client = self.client()?;
        let params: Vec<Owned> = params.iter().map(Owned::from).collect();
        self.after_pending(async move { client.execute_raw(&statement, params).await })
    }

    fn queue(&mut self, sql: &'static str, params: &[Val<'_>]) -> Result<()> {
        if params.is_empty() {
            return self.send_simple(sql);
        }
        let statement = self.statement(sql)?;
        let client = self.client()?;
        let params: Vec<Owned> = params.iter().map(Owned::from).collect();
        self.send(Box::pin(async move {
            client.execute_raw(&statement, params).await
        }));
        Ok(())
    }

    fn query(
        &mut self,
        sql: &'static str,
        params: &[Val<'_>],
        each: &mut dyn FnMut(&dyn Row) -> Result<()>,
    ) -> Result<()> {
        let statement = self.statement(sql)?;
        let client = self.client()?;
        let params: Vec<Owned> = params.iter().map(Owned::from).collect();
        // Row by row: a page of large values must not stand in memory whole.
        self.after_pending(async move {
            let mut rows = std::pin::pin!(client.query_raw(&statement, params).await?);
            let mut seen = Ok(());
            while let Some(row) = rows.try_next().await? {
                if seen.is_ok() {
                    seen = each(&row);
                }
            }
            Ok(seen)
        })?
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(internal)
}

/// What an error of PostgreSQL means for the caller.
fn fault(error: &tokio_postgres::Error) -> Error {
    let source = anyhow::anyhow!("{error}: {:?}", error.as_db_error().map(|db| db.message()));
    let class = error.code().map(|code| &code.code()[..2]);
    let fault = match class {
        Some("53") => Error::new(
            Reason::StorageFull,
            "the database has no space left; nothing was changed",
        )
        .hint("free space for PostgreSQL and repeat the request"),
        // Shutdown, cancelled by a time-out, a lost connection.
        Some("57" | "08") => unavailable("the database does not answer; nothing was changed")
            .hint("repeat the request after the seconds that Retry-After names"),
        None => unavailable("the connection to the database broke; nothing was changed")
            .hint("repeat the request after the seconds that Retry-After names"),
        Some(_) => Error::new(Reason::Internal, "internal error"),
    };
    fault.source(source).from_database()
}
