//! [`Tx`]: what a store function gets.

use std::any::Any;
use std::collections::HashMap;

use super::connection::{Connection, Engine, Row, Val};
use super::journal::{self, Entry, Head, NewEntry};
use crate::clock::Time;
use crate::error::{Error, Result, internal, invalid};
use crate::ids::TenantId;

/// By how much the newest entry of a log may be ahead of the clock for the
/// present to wait for it, in microseconds.
const WAITS_MICROS: i64 = 10_000_000;

/// A transaction, or a connection that only reads.
pub struct Tx<'c> {
    conn: &'c mut dyn Connection,
    now: Time,
    /// Log rows of the jobs that were kept so far, and of the one that runs.
    entries: Vec<(TenantId, Entry)>,
    /// Where the log of each tenant stands, with the rows above.
    heads: HashMap<TenantId, Head>,
    /// Rows that the jobs of this batch have read or written, by what they
    /// are and their key. Only the functions that own a table use it.
    rows: HashMap<RowKey, Box<dyn Any + Send>>,
    job: JobMark,
}

/// Whose row, what it is, and its key. A batch of SQLite has many tenants.
type RowKey = (TenantId, &'static str, String);

/// What is needed to undo the job that runs.
#[derive(Default)]
struct JobMark {
    /// Whether the job shall have a savepoint, which it gets with its first
    /// write, and whether it has it.
    wants_savepoint: bool,
    savepoint: bool,
    wrote: bool,
    entries: usize,
    head: Option<(TenantId, Option<Head>)>,
    rows: Vec<RowKey>,
}

impl<'c> Tx<'c> {
    pub(super) fn new(conn: &'c mut dyn Connection, now: Time) -> Self {
        Tx {
            conn,
            now,
            entries: Vec::new(),
            heads: HashMap::new(),
            rows: HashMap::new(),
            job: JobMark::default(),
        }
    }

    pub fn engine(&self) -> Engine {
        self.conn.engine()
    }

    /// The present, one moment for the whole transaction: on PostgreSQL the
    /// database's clock, so that replicas agree.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Runs a statement that writes and tells how many rows it changed.
    pub fn execute(&mut self, sql: &'static str, params: &[Val<'_>]) -> Result<u64> {
        check_texts(params)?;
        self.before_write()?;
        self.conn.execute(sql, params)
    }

    /// Runs a statement that writes and whose answer the job does not need:
    /// on PostgreSQL it costs no round trip.
    pub fn queue(&mut self, sql: &'static str, params: &[Val<'_>]) -> Result<()> {
        check_texts(params)?;
        self.before_write()?;
        self.conn.queue(sql, params)
    }

    /// Runs a query and calls `each` with every row, in order.
    pub fn query(
        &mut self,
        sql: &'static str,
        params: &[Val<'_>],
        mut each: impl FnMut(&dyn Row) -> Result<()>,
    ) -> Result<()> {
        check_texts(params)?;
        self.conn.query(sql, params, &mut each)
    }

    /// The first row of a query, if there is one.
    pub fn query_one<T>(
        &mut self,
        sql: &'static str,
        params: &[Val<'_>],
        read: impl Fn(&dyn Row) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut first = None;
        self.query(sql, params, |row| {
            if first.is_none() {
                first = Some(read(row)?);
            }
            Ok(())
        })?;
        Ok(first)
    }

    /// All rows of a query.
    pub fn query_all<T>(
        &mut self,
        sql: &'static str,
        params: &[Val<'_>],
        read: impl Fn(&dyn Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut rows = Vec::new();
        self.query(sql, params, |row| {
            rows.push(read(row)?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// Waits for what was queued, and tells whether all of it went well.
    pub fn flush(&mut self) -> Result<()> {
        self.query("SELECT 1", &[], |_| Ok(()))
    }

    /// Gives space that deleted rows took back to the disk, a little at a time.
    /// PostgreSQL does that by itself.
    pub fn reclaim_space(&mut self) -> Result<()> {
        if self.engine() == Engine::Postgres {
            return Ok(());
        }
        self.query("PRAGMA incremental_vacuum(2000)", &[], |_| Ok(()))
    }

    /// Appends a row to the tenant's log and tells its revision.
    pub fn emit(&mut self, tenant: &TenantId, new: NewEntry) -> Result<i64> {
        self.before_write()?;
        let before = self.head(tenant)?;
        if self.job.head.is_none() {
            self.job.head = Some((tenant.clone(), Some(before.clone())));
        }
        let (entry, head, payload) = journal::link(&before, self.now, new);
        journal::insert(self.conn, tenant, &entry, &head, payload.as_deref())?;
        let revision = entry.revision;
        self.heads.insert(tenant.clone(), head);
        self.entries.push((tenant.clone(), entry));
        Ok(revision)
    }

    /// Where the tenant's log stands, with what this transaction added.
    pub fn head(&mut self, tenant: &TenantId) -> Result<Head> {
        if let Some(head) = self.heads.get(tenant) {
            return Ok(head.clone());
        }
        let head = journal::read_head(self, tenant)?;
        self.now = present(self.now, head.at);
        self.heads.insert(tenant.clone(), head.clone());
        Ok(head)
    }

    /// A row that this batch has seen; `None` where it was not read yet.
    pub fn remembered<T: Any + Clone>(
        &self,
        tenant: &TenantId,
        what: &'static str,
        key: &str,
    ) -> Option<T> {
        self.rows
            .get(&(tenant.clone(), what, key.to_owned()))
            .and_then(|row| row.downcast_ref::<T>())
            .cloned()
    }

    /// Keeps a row for the later jobs of this batch. Whoever writes the row
    /// calls this with what it wrote.
    pub fn remember<T: Any + Send>(
        &mut self,
        tenant: &TenantId,
        what: &'static str,
        key: &str,
        row: T,
    ) {
        let key = (tenant.clone(), what, key.to_owned());
        self.job.rows.push(key.clone());
        self.rows.insert(key, Box::new(row));
    }

    pub(super) fn set_head(&mut self, tenant: &TenantId, head: Head) {
        self.now = present(self.now, head.at);
        self.heads.insert(tenant.clone(), head);
    }

    /// Begins a job. Without a savepoint it can't be undone once it has written.
    pub(super) fn begin_job(&mut self, wants_savepoint: bool) {
        self.job = JobMark {
            wants_savepoint,
            entries: self.entries.len(),
            ..JobMark::default()
        };
    }

    pub(super) fn keep_job(&mut self) -> Result<()> {
        if self.job.savepoint {
            self.conn.queue("RELEASE SAVEPOINT job", &[])?;
        }
        Ok(())
    }

    /// Undoes what the job that runs has done; the jobs before it stand.
    pub(super) fn undo_job(&mut self) -> Result<()> {
        let job = std::mem::take(&mut self.job);
        if job.wrote && !job.savepoint {
            // The batch is rolled back, and this job runs again alone, where
            // it has one.
            return Err(internal(anyhow::anyhow!("refused after a write")).from_database());
        }
        if job.savepoint {
            self.conn.queue("ROLLBACK TO SAVEPOINT job", &[])?;
            self.conn.queue("RELEASE SAVEPOINT job", &[])?;
        }
        self.entries.truncate(job.entries);
        if let Some((tenant, head)) = job.head {
            match head {
                Some(head) => self.heads.insert(tenant, head),
                None => self.heads.remove(&tenant),
            };
        }
        for key in job.rows {
            self.rows.remove(&key);
        }
        Ok(())
    }

    /// Where the tenant's log will stand after this transaction, if it adds to
    /// it.
    pub(super) fn newest_of(&self, tenant: &TenantId) -> Option<Head> {
        let added = self.entries.iter().any(|(of, _)| of == tenant);
        self.heads.get(tenant).filter(|_| added).cloned()
    }

    pub(super) fn connection(&mut self) -> &mut dyn Connection {
        self.conn
    }

    pub(super) fn finish(self) -> (Vec<(TenantId, Entry)>, HashMap<TenantId, Head>) {
        (self.entries, self.heads)
    }

    fn before_write(&mut self) -> Result<()> {
        self.job.wrote = true;
        if self.job.wants_savepoint && !self.job.savepoint {
            self.conn.queue("SAVEPOINT job", &[])?;
            self.job.savepoint = true;
        }
        Ok(())
    }
}

/// PostgreSQL stores no text with U+0000. Nothing that is here has one, so who
/// asks for it is told so, whatever the engine.
fn check_texts(params: &[Val<'_>]) -> Result<()> {
    let has_zero = |value: &Val<'_>| matches!(value, Val::Text(text) if text.contains('\0'));
    match params.iter().any(has_zero) {
        true => Err(invalid("a text contains the character U+0000").hint("leave it out")),
        false => Ok(()),
    }
}

/// The present, beside the newest entry of a log. A clock that is put right by
/// a little waits for that entry, so that time does not run backwards. One
/// that is far behind shows that the entry's clock was wrong: nothing may live
/// for longer, or end sooner, because of it.
fn present(clock: Time, newest: Time) -> Time {
    match newest.0.saturating_sub(clock.0) {
        ahead if ahead > WAITS_MICROS => clock,
        _ => clock.max(newest),
    }
}

/// A stored value that can't be what we wrote.
pub(super) fn corrupt(what: &str) -> Error {
    internal(anyhow::anyhow!("the database holds an impossible {what}")).from_database()
}
