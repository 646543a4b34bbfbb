//! The writes that wait, tenant by tenant: one thread works for a tenant at a
//! time, others go on with other tenants.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Condvar, Mutex};

use crate::db::batch::{AnyJob, BATCH_BYTES_MAX, BATCH_JOBS_MAX};
use crate::db::{QUEUE_MAX, queue_full, stopped};
use crate::error::Result;
use crate::ids::TenantId;

/// The writes that wait, by tenant.
#[derive(Default)]
pub(super) struct WriteQueue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: HashMap<TenantId, VecDeque<Box<dyn AnyJob>>>,
    /// Tenants with jobs and without a thread.
    ready: VecDeque<TenantId>,
    /// Tenants that a thread works for.
    busy: HashSet<TenantId>,
    count: usize,
    closed: bool,
}

impl WriteQueue {
    pub(super) fn push(&self, job: Box<dyn AnyJob>) -> Result<()> {
        let mut waiting = self.waiting.lock().expect("no panic while held");
        if waiting.closed {
            return Err(stopped());
        }
        if waiting.count >= QUEUE_MAX {
            return Err(queue_full());
        }
        waiting.count += 1;
        let tenant = job.tenant().clone();
        let jobs = waiting.jobs.entry(tenant.clone()).or_default();
        jobs.push_back(job);
        if jobs.len() == 1 && !waiting.busy.contains(&tenant) {
            waiting.ready.push_back(tenant);
            self.changed.notify_one();
        }
        Ok(())
    }

    /// The next batch, all of one tenant, which is busy until [`Self::done`].
    pub(super) fn pop(&self) -> Option<(TenantId, Vec<Box<dyn AnyJob>>)> {
        let mut waiting = self.waiting.lock().expect("no panic while held");
        loop {
            if let Some(tenant) = waiting.ready.pop_front() {
                let (mut batch, mut bytes) = (Vec::new(), 0);
                let jobs = waiting.jobs.entry(tenant.clone()).or_default();
                while batch.len() < BATCH_JOBS_MAX && bytes < BATCH_BYTES_MAX {
                    let Some(job) = jobs.pop_front() else { break };
                    bytes += job.bytes();
                    batch.push(job);
                }
                waiting.count -= batch.len();
                waiting.busy.insert(tenant.clone());
                return Some((tenant, batch));
            }
            if waiting.closed && waiting.count == 0 {
                return None;
            }
            waiting = self.changed.wait(waiting).expect("no panic while held");
        }
    }

    pub(super) fn done(&self, tenant: TenantId) {
        let mut waiting = self.waiting.lock().expect("no panic while held");
        waiting.busy.remove(&tenant);
        if waiting
            .jobs
            .get(&tenant)
            .is_some_and(|jobs| !jobs.is_empty())
        {
            waiting.ready.push_back(tenant);
            self.changed.notify_one();
        } else {
            waiting.jobs.remove(&tenant);
        }
        if waiting.closed {
            self.changed.notify_all();
        }
    }

    pub(super) fn close(&self) {
        self.waiting.lock().expect("no panic while held").closed = true;
        self.changed.notify_all();
    }
}
