//! Waiting until something is so, for requests with `wait`.

use std::sync::Arc;
use std::time::Duration;

use coro_api::limits::WAIT_SECONDS_MAX;
use tokio::time::{Instant, timeout_at};

use super::feed::{BATCH_MAX, Cursor};
use super::{Filter, Sight};
use crate::app::Ctx;
use crate::auth::check_again;
use crate::db::Tx;
use crate::db::glob::Glob;
use crate::error::{Result, invalid};
use crate::slots::Slot;

/// Reads, and reads again after each event of the topic patterns, until there
/// is something, the seconds are over or the server stops. `look` is what
/// decides: an event is only the reason to look again.
///
/// Who has something at once needs no slot among those that wait.
pub async fn wait_for<T, F>(
    ctx: &Ctx,
    topics: &[&'static str],
    seconds: u64,
    look: F,
) -> Result<Option<T>>
where
    T: Send + 'static,
    F: Fn(&mut Tx<'_>, &Ctx) -> Result<Option<T>> + Send + Sync + 'static,
{
    let look = Arc::new(look);
    let read = move |ctx: Ctx| {
        let (db, look) = (ctx.app.db.clone(), look.clone());
        async move { db.read(move |tx| look(tx, &ctx)).await }
    };
    wait_for_call(ctx, topics, seconds, read).await
}

/// As [`wait_for`], for a look that is more than one read. It gets a context of
/// its own each time: of a future that borrows one the compiler can't tell that
/// it may move between threads.
pub async fn wait_for_call<T, F>(
    ctx: &Ctx,
    topics: &[&'static str],
    seconds: u64,
    mut look: impl FnMut(Ctx) -> F,
) -> Result<Option<T>>
where
    F: Future<Output = Result<Option<T>>>,
{
    check_seconds(seconds)?;
    let found = look(ctx.clone()).await?;
    if found.is_some() || seconds == 0 {
        return Ok(found);
    }
    let slot = ctx.stream_slot()?;
    wait_in(ctx, slot, topics, seconds, look).await
}

/// As [`wait_for_call`], for a caller that made sure beforehand that it may wait.
pub async fn wait_in<T, F>(
    ctx: &Ctx,
    _slot: Slot,
    topics: &[&'static str],
    seconds: u64,
    mut look: impl FnMut(Ctx) -> F,
) -> Result<Option<T>>
where
    F: Future<Output = Result<Option<T>>>,
{
    let deadline = Instant::now() + Duration::from_secs(seconds);
    // From before the next look, so that nothing falls between.
    let topics: Vec<Glob> = topics.iter().map(|topic| Glob::own(topic)).collect();
    let narrowest = match &topics[..] {
        [one] => one.clone(),
        _ => Glob::own("*"),
    };
    let filter = Filter::new(Sight::everything(), narrowest);
    let (app, tenant) = (&ctx.app, &ctx.caller.tenant);
    let mut cursor = Cursor::open(&app.feeds, &app.db, tenant, filter, None).await?;
    loop {
        check_again(app, &ctx.caller).await?;
        let found = look(ctx.clone()).await?;
        if found.is_some() || Instant::now() >= deadline {
            return Ok(found);
        }
        tokio::select! {
            changed = timeout_at(deadline, next_event(&mut cursor, &topics)) => {
                if let Ok(changed) = changed {
                    changed?;
                }
            }
            () = app.stop.cancelled() => return Ok(None),
        }
    }
}

/// Checks the `wait` of a request.
pub fn check_seconds(seconds: u64) -> Result<()> {
    if seconds <= WAIT_SECONDS_MAX {
        return Ok(());
    }
    Err(invalid(format!(
        "wait is {seconds}; it takes 0 to {WAIT_SECONDS_MAX} seconds"
    )))
}

async fn next_event(cursor: &mut Cursor, topics: &[Glob]) -> Result<()> {
    loop {
        let entries = cursor.read(BATCH_MAX).await?.entries;
        let is_reason = |topic: &str| topics.iter().any(|pattern| pattern.matches(topic));
        if entries.iter().any(|one| is_reason(&one.entry.topic)) {
            return Ok(());
        }
        if entries.is_empty() {
            cursor.wait().await;
        }
    }
}
