//! Changing a part of a JSON value: JSON merge patch (RFC 7396) and JSON patch
//! (RFC 6902), against the value that is there at that moment.
//!
//! The writer serves everyone, so it applies small patches to small values
//! only. Any other is applied to what was read before, and written where that
//! is still the present version; else it is read and applied again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use coro_api::names::project_of_key;
use coro_api::state::StateItem;
use json_patch::PatchOperation;
use serde_json::Value as Json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::apply::patched;
use super::write::one_key;
use super::{Condition, NewValue, PUT, Value, living, put, stale, store, unknown_key};
use crate::app::Ctx;
use crate::db::{Hints, Tx};
use crate::error::{Error, Reason, Result, internal, invalid, unavailable};

/// The most operations of one patch.
const OPERATIONS_MAX: usize = 1_000;

/// How large a value, and a patch, is that the writer applies itself: a few
/// milliseconds at the most.
const SMALL_BYTES: usize = 32 * 1024;

/// The most operations that the writer applies itself; none of them copies or
/// moves, so that the value stays small and is not measured again and again.
const SMALL_OPERATIONS: usize = 64;

/// How many patches are applied at the same time. Each holds a value, from when
/// it is read.
const PATCHES_MAX: usize = 2;

/// How many are on their way outside of the writer: applied, waiting for their
/// turn, or written. Each holds its patch.
const ON_THE_WAY_MAX: usize = 64;

/// How often a patch is applied again because the key was written meanwhile.
const ATTEMPTS_MAX: usize = 16;

/// What shall change.
#[derive(Debug)]
pub struct Patch {
    change: Change,
    /// How long it was as text.
    bytes: usize,
}

#[derive(Debug)]
pub(super) enum Change {
    /// RFC 7396; a key that does not exist is created.
    Merge(Json),
    /// RFC 6902: all operations, or none.
    Operations(json_patch::Patch),
}

impl Patch {
    pub fn merge(text: &[u8]) -> Result<Self> {
        let change = Change::Merge(serde_json::from_slice(text).map_err(malformed)?);
        Ok(Patch {
            change,
            bytes: text.len(),
        })
    }

    pub fn operations(text: &[u8]) -> Result<Self> {
        let operations: json_patch::Patch = serde_json::from_slice(text).map_err(malformed)?;
        if operations.len() > OPERATIONS_MAX {
            return Err(invalid(format!(
                "the patch has {} operations; it takes at most {OPERATIONS_MAX}",
                operations.len()
            )));
        }
        Ok(Patch {
            change: Change::Operations(operations),
            bytes: text.len(),
        })
    }

    fn is_small(&self) -> bool {
        let relocates =
            |one: &PatchOperation| matches!(one, PatchOperation::Copy(_) | PatchOperation::Move(_));
        self.bytes <= SMALL_BYTES
            && match &self.change {
                Change::Merge(_) => true,
                Change::Operations(operations) => {
                    operations.len() <= SMALL_OPERATIONS && !operations.iter().any(relocates)
                }
            }
    }

    /// The value that follows the present one.
    fn next(
        &self,
        ctx: &Ctx,
        key: &str,
        before: Option<&Value>,
        condition: &Condition,
    ) -> Result<NewValue> {
        if before.is_none() && matches!(self.change, Change::Operations(_)) {
            return Err(match condition {
                Condition::None => unknown_key(key),
                _ => stale(key, None),
            });
        }
        patched(key, before, &self.change, ctx.app.config.limits.body_bytes)
    }
}

fn malformed(error: serde_json::Error) -> Error {
    invalid(format!("invalid JSON body: {error}"))
}

/// Who may apply a patch now, outside of the writer.
pub struct Turns {
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

impl Default for Turns {
    fn default() -> Self {
        Turns {
            places: Arc::new(Semaphore::new(ON_THE_WAY_MAX)),
            turns: Arc::new(Semaphore::new(PATCHES_MAX)),
        }
    }
}

impl Turns {
    /// A place among those that wait for a turn, again and again.
    fn stand_in_line(&self) -> Result<OwnedSemaphorePermit> {
        let place = self.places.clone().try_acquire_owned();
        place.map_err(|_| {
            unavailable(format!(
                "{ON_THE_WAY_MAX} large patches, or patches of large values, are applied already"
            ))
            .hint("repeat it after the seconds that Retry-After names")
        })
    }

    async fn take(&self) -> Result<OwnedSemaphorePermit> {
        let turns = self.turns.clone();
        turns.acquire_owned().await.map_err(internal)
    }
}

/// A patch on its way to a key.
#[derive(Clone)]
struct Job {
    ctx: Ctx,
    key: String,
    patch: Arc<Patch>,
    condition: Condition,
}

pub async fn patch_state(
    ctx: &Ctx,
    key: &str,
    patch: Patch,
    condition: Condition,
) -> Result<StateItem> {
    ctx.caller.check_key(key)?;
    let job = Job {
        ctx: ctx.clone(),
        key: key.to_owned(),
        patch: Arc::new(patch),
        condition,
    };
    if job.patch.is_small()
        && let Some(item) = job.apply_in_writer().await?
    {
        return Ok(item);
    }
    let turns = &ctx.app.patches;
    let _place = turns.stand_in_line()?;
    for _ in 0..ATTEMPTS_MAX {
        // Before the value is read: who waits holds none.
        let turn = turns.take().await?;
        let before = job.read().await?;
        let version = before.as_ref().map(|value| value.version);
        let next = match job.apply(turn, before).await {
            // What is to happen once may have happened: the writer knows.
            Err(error) if ctx.request.once.is_none() || error.reason == Reason::Internal => {
                return Err(error);
            }
            next => next,
        };
        if let Some(item) = job.write_over(version, next).await? {
            return Ok(item);
        }
    }
    Err(unavailable(format!(
        "the key {key:?} was written {ATTEMPTS_MAX} times while the patch was applied"
    ))
    .hint("repeat it after the seconds that Retry-After names"))
}

impl Job {
    /// Applies a small patch where nobody can come between; `None` where the
    /// value is not small.
    async fn apply_in_writer(&self) -> Result<Option<StateItem>> {
        let job = self.clone();
        self.write(0, move |tx| {
            let tenant = &job.ctx.caller.tenant;
            let present = living(tx, tenant, &job.key)?;
            let size = present.as_ref().map_or(0, |current| current.size);
            if usize::try_from(size).unwrap_or(usize::MAX) > SMALL_BYTES {
                return Ok(None);
            }
            let before = match present {
                Some(_) => store::value(tx, tenant, &job.key)?.map(|(value, _)| value),
                None => None,
            };
            let next = job
                .patch
                .next(&job.ctx, &job.key, before.as_ref(), &job.condition)?;
            job.put(tx, &next).map(Some)
        })
        .await
    }

    async fn read(&self) -> Result<Option<Value>> {
        let (tenant, key) = (self.ctx.caller.tenant.clone(), self.key.clone());
        let read = move |tx: &mut Tx<'_>| store::value(tx, &tenant, &key);
        let found = self.ctx.app.db.read(read).await?;
        Ok(found.map(|(value, _)| value))
    }

    /// A large value takes a while, and the threads that serve are few. The
    /// turn ends with the work, also where the client has left.
    async fn apply(&self, turn: OwnedSemaphorePermit, before: Option<Value>) -> Result<NewValue> {
        let job = self.clone();
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            job.patch
                .next(&job.ctx, &job.key, before.as_ref(), &job.condition)
        })
        .await
        .unwrap_or_else(|error| Err(internal(error)))
    }

    /// Writes what follows a version, or refuses it; `None` where that is no
    /// longer the present version.
    async fn write_over(
        &self,
        version: Option<i64>,
        next: Result<NewValue>,
    ) -> Result<Option<StateItem>> {
        let job = self.clone();
        let bytes = next.as_ref().map_or(0, NewValue::size);
        self.write(bytes, move |tx| {
            let present = living(tx, &job.ctx.caller.tenant, &job.key)?;
            if present.map(|current| current.version) != version {
                return Ok(None);
            }
            let next = next.as_ref().map_err(Error::again)?;
            job.put(tx, next).map(Some)
        })
        .await
    }

    fn put(&self, tx: &mut Tx<'_>, next: &NewValue) -> Result<StateItem> {
        let entry = self.ctx.entry(PUT, &self.key, project_of_key(&self.key));
        put(tx, &self.ctx, &self.key, next, &self.condition, entry)
    }

    /// Runs a write that may find that it is not the right one: it gives `None`
    /// then, and nothing is remembered of it.
    async fn write<F>(&self, bytes: usize, mut write: F) -> Result<Option<StateItem>>
    where
        F: FnMut(&mut Tx<'_>) -> Result<Option<StateItem>> + Send + 'static,
    {
        let passed = Arc::new(AtomicBool::new(false));
        let passes = passed.clone();
        let hints: Hints = one_key(&self.key, bytes);
        let written = self.ctx.write_hinted(hints, move |tx| {
            passes.store(false, Ordering::Relaxed);
            let written = write(tx)?;
            passes.store(written.is_none(), Ordering::Relaxed);
            // Success would be remembered with the idempotency key.
            written.ok_or_else(|| unavailable("the patch is applied elsewhere"))
        });
        match written.await {
            Err(_) if passed.load(Ordering::Relaxed) => Ok(None),
            written => written.map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_beyond_the_most_are_refused_until_one_is_written() {
        let turns = Turns::default();
        let mut places: Vec<_> = (0..ON_THE_WAY_MAX).map(|_| turns.stand_in_line()).collect();
        assert!(places.iter().all(Result::is_ok));
        let refused = turns.stand_in_line().expect_err("all are taken");
        assert_eq!(refused.reason, Reason::Unavailable);
        places.pop();
        assert!(turns.stand_in_line().is_ok());
    }
}
