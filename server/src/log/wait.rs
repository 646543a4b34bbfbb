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
    wait_for_either(ctx, [topics, topics], seconds, look).await
}

/// As [`wait_for`], where two topic patterns are a reason to look again.
pub async fn wait_for_either<T>(
    ctx: &Ctx,
    [topics, or_topics]: [&str; 2],
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
    let filter = Filter {
        or_topic: Some(Glob::new(or_topics)),
        ..Filter::new(Sight::everything(), topics)
    };
    let (app, tenant) = (&ctx.app, &ctx.caller.tenant);
    let mut cursor = Cursor::open(&app.feeds, &app.db, tenant, filter, None).await?;
    loop {
        check_again(app, &ctx.caller).await?;
        let found = look().await?;
        if found.is_some() || Instant::now() >= deadline {
            return Ok(found);
        }
        tokio::select! {
            changed = timeout_at(deadline, next_event(&mut cursor)) => {
                if let Ok(changed) = changed {
                    changed?;
                }
            }
            () = app.stop.cancelled() => return Ok(None),
        }
    }
}

async fn next_event(cursor: &mut Cursor) -> Result<()> {
    loop {
        if !cursor.read(BATCH_MAX).await?.entries.is_empty() {
            return Ok(());
        }
        cursor.wait().await;
    }
}
