//! One connection to PostgreSQL, as the store uses it: statements prepared
//! once, writes sent without waiting for their answers, and what became of a
//! commit whose answer was lost.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::TryStreamExt as _;
use tokio_postgres::{Client, Statement};

use super::connector::{Connector, fault};
use super::values::Owned;
use crate::clock::{Clock, Time};
use crate::db::connection::{Begun, Connection, Engine, Row, STATEMENT_TIMEOUT, Val};
use crate::db::journal::{Head, head_of};
use crate::error::{Error, Reason, Result, unavailable};
use crate::ids::{Hash, TenantId};

/// How often, and how far apart, the database is asked what became of a commit.
const OUTCOME_TRIES: u32 = 40;
const OUTCOME_PAUSE: Duration = Duration::from_millis(250);

/// Where a log stands and what time it is, in one round trip. The columns are
/// those of `journal::SELECT_HEAD`, and the time in microseconds.
const SELECT_HEAD_AND_TIME: &str = "SELECT head.revision, head.at, head.chain, head.total_bytes, \
     CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) \
     FROM (SELECT 1) AS one LEFT JOIN LATERAL (SELECT revision, at, chain, total_bytes FROM log \
     WHERE tenant_id = $1 ORDER BY revision DESC LIMIT 1) AS head ON TRUE";

type Pending = Pin<Box<dyn Future<Output = Result<u64, tokio_postgres::Error>> + Send>>;

/// A connection of one thread, made again when it broke.
pub(super) struct PostgresConnection {
    pub(super) connector: Connector,
    client: Option<Arc<Client>>,
    /// Prepared statements by the address of their text.
    statements: HashMap<(usize, usize), Statement>,
    /// Statements that were sent and whose answers nobody has waited for.
    pending: VecDeque<Pending>,
}

impl PostgresConnection {
    pub(super) fn new(connector: Connector) -> Self {
        PostgresConnection {
            connector,
            client: None,
            statements: HashMap::new(),
            pending: VecDeque::new(),
        }
    }

    /// Has a connection, or says why not.
    pub(super) fn ensure(&mut self) -> Result<()> {
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
        // What was sent before may have failed; that error is the one to tell.
        let statement = self.after_pending(async move { client.prepare(sql).await })?;
        self.statements.insert(id, statement.clone());
        Ok(statement)
    }

    /// After a read: a connection in a failed state is not used again.
    pub(super) fn settle(&mut self) {
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
            Some(_) => {
                return Err(crate::error::internal(anyhow::anyhow!("planned")).from_database());
            }
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
