//! What every request can reach: [`App`], and with the caller [`Ctx`].

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::agents::liveness::Liveness;
use crate::auth::limiter::Limiter;
use crate::auth::{Caller, TokenCache};
use crate::clock::{Clock, Time};
use crate::config::Config;
use crate::db::{Db, Hints, NewEntry, Tx};
use crate::error::{Error, Reason, Result};
use crate::humans;
use crate::idempotency::{self, Once};
use crate::log::feed::Feeds;
use crate::metrics::Metrics;
use crate::slots::{Slot, Slots};

/// The server's parts, made once in `run.rs`. Cheap to clone.
#[derive(Clone)]
pub struct App {
    parts: Arc<Parts>,
}

pub struct Parts {
    pub db: Db,
    pub clock: Clock,
    pub feeds: Arc<Feeds>,
    pub config: Config,
    /// Where the API listens: the port is the real one.
    pub address: SocketAddr,
    /// Where browsers reach the dashboard; `None` where it is off.
    pub dashboard: Option<String>,
    pub tokens: TokenCache,
    pub metrics: Metrics,
    /// When agents were last heard of.
    pub liveness: Liveness,
    /// Failed sign-ins by address.
    pub sign_ins: Limiter,
    /// Refusals that were written to the log, by principal.
    pub refusals: Limiter,
    /// As `refusals`, of what a human must decide.
    pub protected: Limiter,
    /// Passphrases and passkeys that are tried.
    pub humans: humans::Tries,
    /// Differences that are computed now.
    pub diffs: crate::state::diff::Turns,
    /// Patches that are applied now.
    pub patches: crate::state::patch::Turns,
    /// Streams and calls that wait for events.
    pub streams: Arc<Slots>,
    /// Told when the server stops: streams end then.
    pub stop: CancellationToken,
    pub started: Time,
}

impl App {
    pub fn new(parts: Parts) -> Self {
        App {
            parts: Arc::new(parts),
        }
    }

    pub fn uptime_seconds(&self) -> u64 {
        self.started.seconds_until(self.clock.now())
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

/// What is known of a request beside its content.
pub struct RequestInfo {
    /// Also `X-Request-Id` of the answer, and in the server's log.
    pub id: String,
    /// W3C trace context, where the request brought one.
    pub traceparent: Option<String>,
    /// The idempotency key and what the request was.
    pub once: Option<Once>,
    /// Set when the answer is that of an earlier request.
    pub replayed: AtomicBool,
}

/// What an operation gets: the server, who calls, and the request.
#[derive(Clone)]
pub struct Ctx {
    pub app: App,
    pub caller: Arc<Caller>,
    pub request: Arc<RequestInfo>,
}

impl Ctx {
    /// Runs a write of the caller's tenant. With an idempotency key it runs
    /// once; a repetition gets the first answer.
    pub async fn write<T, F>(&self, job: F) -> Result<T>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.write_hinted(Hints::default(), job).await
    }

    /// As [`Ctx::write`], for jobs of which something is known beforehand.
    pub async fn write_hinted<T, F>(&self, hints: Hints, mut job: F) -> Result<T>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let tenant = self.caller.tenant.clone();
        let Some(once) = self.request.once.clone() else {
            return self.app.db.write_hinted(&tenant, hints, job).await;
        };
        let (of, principal) = (tenant.clone(), self.caller.token_id.clone());
        let answer = self
            .app
            .db
            .write_hinted(&tenant, hints, move |tx| {
                idempotency::once(tx, &of, &principal, &once, &mut job)
            })
            .await?;
        self.request
            .replayed
            .store(answer.replayed, Ordering::Relaxed);
        Ok(answer.value)
    }

    /// Counts a stream, or a call that waits for events, while the slot lives.
    pub fn stream_slot(&self) -> Result<Slot> {
        let slot = self.app.streams.take(&self.caller.token_id);
        slot.map_err(|error| {
            Error::new(Reason::RateLimited, error.message)
                .retry_after(1)
                .hint(
                    "end one of them first, or ask without waiting; one stream with a wide \
                     pattern does for many",
                )
        })
    }

    /// An entry by the caller that everyone in the project may see.
    pub fn entry(&self, topic: &'static str, subject: &str, project: &str) -> NewEntry {
        NewEntry {
            traceparent: self.request.traceparent.clone(),
            ..NewEntry::new(topic, &self.caller.actor, subject, project)
        }
    }

    /// An entry by the caller for the audit only.
    pub fn audit_entry(&self, topic: &'static str, subject: &str) -> NewEntry {
        self.entry(topic, subject, "").audit_only()
    }
}
