//! Group commit: the writes that wait are committed together.
//!
//! A job that is refused is undone and the others stand: it has not written yet,
//! or it has a savepoint.
//! When the database itself fails, nobody can know how much of the batch it
//! still holds: SQLite rolls a whole transaction back when the disk is full.
//! Then the batch is rolled back and each of its jobs runs again, alone. So
//! every job is answered with what truly became of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::oneshot;

use super::CommitSink;
use super::connection::Connection;
use super::journal::{Entry, Head};
use super::reply::catch;
use super::tx::Tx;
use crate::clock::Clock;
use crate::error::{Error, Reason, Result};
use crate::ids::TenantId;

/// The most jobs, and about the most bytes, that are committed together.
pub(super) const BATCH_JOBS_MAX: usize = 256;
pub(super) const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The most bytes of writes that wait, so that a slow disk does not fill the
/// memory.
const WAITING_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Rows that a job reads first. On PostgreSQL those of a whole batch are
/// fetched in one round trip; the closure then finds them in its `Tx`.
pub struct Prefetch {
    pub keys: Vec<String>,
    pub load: fn(&mut Tx<'_>, &TenantId, &[&str]) -> Result<()>,
}

pub(super) type LoadRows = fn(&mut Tx<'_>, &TenantId, &[&str]) -> Result<()>;

/// A write on its way: runs, keeps its outcome, answers when told.
pub(super) trait AnyJob: Send {
    fn tenant(&self) -> &TenantId;
    fn bytes(&self) -> usize;
    fn prefetch(&self) -> Option<&Prefetch>;
    /// Whether it may be refused after it has written.
    fn needs_savepoint(&self) -> bool;
    /// Runs the closure; `Err` says that what it did must be undone.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), Fate>;
    /// Answers with the outcome of the last run.
    fn settle(self: Box<Self>);
    /// Answers that it was not carried out.
    fn fail(self: Box<Self>, error: Error);
}

/// Why a job's work must be undone.
pub(super) enum Fate {
    /// It was refused: that is its outcome.
    Refused,
    /// The database failed: its outcome is not known yet.
    Broken(Error),
}

/// What is known of a job before it runs.
#[derive(Default)]
pub struct Hints {
    /// About how many bytes it carries.
    pub bytes: usize,
    /// The rows that it reads first.
    pub prefetch: Option<Prefetch>,
    /// It is refused before its first write or not at all, so that it needs no
    /// savepoint of its own. Where it does not keep to it the batch is run
    /// again, job by job: right, and slow.
    pub refuses_first: bool,
}

/// The bytes of the writes that wait. Clones count together.
#[derive(Clone, Default)]
pub(super) struct WaitingBytes(Arc<AtomicUsize>);

/// Some of them, given back when this is dropped.
pub(super) struct HeldBytes {
    of: WaitingBytes,
    bytes: usize,
}

impl WaitingBytes {
    /// Counts more bytes, unless too many wait already.
    pub(super) fn hold(&self, bytes: usize) -> Option<HeldBytes> {
        let held = HeldBytes {
            of: self.clone(),
            bytes,
        };
        let before = self.0.fetch_add(bytes, Ordering::Relaxed);
        (before + bytes <= WAITING_BYTES_MAX || before == 0).then_some(held)
    }
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        self.of.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

pub(super) struct Job<T, F> {
    tenant: TenantId,
    hints: Hints,
    _held: HeldBytes,
    run: F,
    outcome: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Job<T, F>
where
    T: Send + 'static,
    F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
{
    pub(super) fn boxed(
        tenant: TenantId,
        hints: Hints,
        held: HeldBytes,
        run: F,
        reply: oneshot::Sender<Result<T>>,
    ) -> Box<dyn AnyJob> {
        Box::new(Job {
            tenant,
            hints,
            _held: held,
            run,
            outcome: None,
            reply,
        })
    }
}

impl<T, F> AnyJob for Job<T, F>
where
    T: Send + 'static,
    F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
{
    fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    fn bytes(&self) -> usize {
        self.hints.bytes
    }

    fn prefetch(&self) -> Option<&Prefetch> {
        self.hints.prefetch.as_ref()
    }

    fn needs_savepoint(&self) -> bool {
        !self.hints.refuses_first
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), Fate> {
        match catch(|| (self.run)(tx)) {
            Ok(value) => {
                self.outcome = Some(Ok(value));
                Ok(())
            }
            Err(error) if error.database => Err(Fate::Broken(error)),
            Err(error) => {
                self.outcome = Some(Err(error));
                Err(Fate::Refused)
            }
        }
    }

    fn settle(self: Box<Self>) {
        if let Some(outcome) = self.outcome {
            let _ = self.reply.send(outcome);
        }
    }

    fn fail(self: Box<Self>, error: Error) {
        let _ = self.reply.send(Err(error));
    }
}

/// Runs batches on one connection.
pub(super) struct Runner {
    pub(super) clock: Clock,
    pub(super) sink: Arc<dyn CommitSink>,
    /// Where each log stands, where no other process can move it.
    pub(super) heads: HashMap<TenantId, Head>,
}

impl Runner {
    /// Runs the jobs (on PostgreSQL all of one tenant) and answers each.
    pub(super) fn run(&mut self, conn: &mut dyn Connection, mut jobs: Vec<Box<dyn AnyJob>>) {
        match self.attempt(conn, &mut jobs) {
            Ok(entries) => {
                self.publish(entries);
                jobs.into_iter().for_each(AnyJob::settle);
            }
            Err(error) => {
                conn.rollback();
                self.heads.clear();
                self.answer_failed(conn, jobs, error);
            }
        }
    }

    fn attempt(
        &mut self,
        conn: &mut dyn Connection,
        jobs: &mut [Box<dyn AnyJob>],
    ) -> Result<Vec<(TenantId, Entry)>> {
        let Some(first) = jobs.first() else {
            return Ok(Vec::new());
        };
        let tenant = first.tenant().clone();
        let begun = conn.begin(&tenant)?;
        let now = begun
            .now
            .map_or_else(|| self.clock.now(), |now| self.clock.shift(now));
        let mut tx = Tx::new(conn, now);
        match begun.head {
            Some(head) => tx.set_head(&tenant, head),
            None => {
                for (tenant, head) in &self.heads {
                    tx.set_head(tenant, head.clone());
                }
            }
        }
        load_rows(&mut tx, &tenant, jobs)?;
        let alone = jobs.len() == 1;
        for job in jobs.iter_mut() {
            tx.begin_job(alone || job.needs_savepoint());
            match job.run(&mut tx) {
                Ok(()) => tx.keep_job()?,
                Err(Fate::Refused) => tx.undo_job()?,
                Err(Fate::Broken(error)) => return Err(error),
            }
        }
        let (entries, heads) = {
            let proof = tx.newest_of(&tenant);
            tx.connection()
                .commit(proof.as_ref().map(|head| (&tenant, head)))?;
            tx.finish()
        };
        self.heads = heads;
        Ok(entries)
    }

    /// A batch of one failed for good; a larger one is taken apart, unless the
    /// database can't be reached at all.
    fn answer_failed(
        &mut self,
        conn: &mut dyn Connection,
        mut jobs: Vec<Box<dyn AnyJob>>,
        error: Error,
    ) {
        if jobs.len() == 1 {
            if let Some(job) = jobs.pop() {
                job.fail(error);
            }
            return;
        }
        if matches!(error.reason, Reason::Unavailable | Reason::OutcomeUnknown) {
            for job in jobs {
                let mut copy = Error::new(error.reason, error.message.clone()).retry_after(1);
                copy.hint = error.hint.clone();
                job.fail(copy);
            }
            return;
        }
        // What becomes of each is said when it is answered.
        tracing::debug!(%error, jobs = jobs.len(), "a batch failed; its jobs run again alone");
        for job in jobs {
            self.run(conn, vec![job]);
        }
    }

    /// Hands committed entries on, tenant by tenant, in order of revision.
    fn publish(&self, entries: Vec<(TenantId, Entry)>) {
        let mut run: Vec<Entry> = Vec::with_capacity(entries.len());
        let mut of: Option<TenantId> = None;
        for (tenant, entry) in entries {
            if of.as_ref() != Some(&tenant)
                && let Some(before) = of.replace(tenant)
            {
                self.sink.committed(&before, std::mem::take(&mut run));
            }
            run.push(entry);
        }
        if let Some(tenant) = of {
            self.sink.committed(&tenant, run);
        }
    }
}

fn load_rows(tx: &mut Tx<'_>, tenant: &TenantId, jobs: &[Box<dyn AnyJob>]) -> Result<()> {
    if tx.engine() == super::Engine::Sqlite {
        return Ok(());
    }
    let mut by_loader: Vec<(LoadRows, Vec<&str>)> = Vec::new();
    for prefetch in jobs.iter().filter_map(|job| job.prefetch()) {
        let keys = prefetch.keys.iter().map(String::as_str);
        match by_loader
            .iter_mut()
            .find(|(load, _)| std::ptr::fn_addr_eq(*load, prefetch.load))
        {
            Some((_, all)) => all.extend(keys),
            None => by_loader.push((prefetch.load, keys.collect())),
        }
    }
    for (load, keys) in by_loader {
        load(tx, tenant, &keys)?;
    }
    Ok(())
}
