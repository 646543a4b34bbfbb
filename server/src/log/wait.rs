//! Waiting until something is so, for requests with `wait`.

use std::time::Duration;

use coro_api::limits::WAIT_SECONDS_MAX;
use tokio::time::{Instant, timeout_at};

use super::feed::{BATCH_MAX, Cursor};
use super::{Filter, Sight};
use crate::app::Ctx;
use crate::auth::check_again;
use crate::db::glob::Glob;
use crate::error::{Result, invalid};

/// Looks, and looks again after each event of a topic pattern, until there is
/// something, the seconds are over or the server stops. `look` is what
/// decides: an event is only the reason to look again.
pub async fn wait_for<T>(
    ctx: &Ctx,
    topics: &str,
    seconds: u64,
    look: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<Option<T>> {
    wait_for_any(ctx, &[topics], seconds, look).await
}

/// As [`wait_for`], where several topic patterns are a reason to look again.
pub async fn wait_for_any<T>(
    ctx: &Ctx,
    topics: &[&str],
    seconds: u64,
    mut look: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<Option<T>> {
    if seconds > WAIT_SECONDS_MAX {
        return Err(invalid(format!(
            "wait is {seconds}; it takes 0 to {WAIT_SECONDS_MAX} seconds"
        )));
    }
    if seconds == 0 {
        return look().await;
    }
    let deadline = Instant::now() + Duration::from_secs(seconds);
    // From before the first look, so that nothing falls between.
    let filter = match topics {
        [one] => Filter::new(Sight::everything(), one),
        _ => Filter::new(Sight::everything(), "*"),
    };
    let topics: Vec<Glob> = topics.iter().map(|topic| Glob::new(topic)).collect();
    let (app, tenant) = (&ctx.app, &ctx.caller.tenant);
    let mut cursor = Cursor::open(&app.feeds, &app.db, tenant, filter, None).await?;
    loop {
        check_again(app, &ctx.caller).await?;
        let found = look().await?;
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
