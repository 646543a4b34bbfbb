//! Waiting for events, for clients that ask again and again.

use std::sync::Arc;
use std::time::Duration;

use coro_api::limits::LIST_ROWS_MAX;
use tokio::time::{Instant, timeout_at};

use super::feed::{Cursor, Published};
use super::wait::check_seconds;
use super::{Filter, PAGE_BYTES_MAX};
use crate::app::Ctx;
use crate::auth::check_again;
use crate::error::{Result, invalid};

/// How many events there are at most where the request names no limit.
const LIMIT: i64 = 100;

/// What a request asks for.
pub struct Poll {
    /// The last revision already seen; `None` is the present.
    pub from: Option<i64>,
    /// Seconds to wait for the first event.
    pub wait: Option<u64>,
    /// Events at most.
    pub limit: Option<i64>,
}

/// Events in order, and where to go on.
pub struct EventPage {
    pub events: Vec<Arc<Published>>,
    pub next: i64,
    pub more: bool,
}

/// Waits for events, and answers with those that there are then.
pub async fn poll(ctx: &Ctx, filter: Filter, request: Poll) -> Result<EventPage> {
    let wait = request.wait.unwrap_or(0);
    check_seconds(wait)?;
    let limit = request.limit.unwrap_or(LIMIT);
    if !(1..=LIST_ROWS_MAX).contains(&limit) {
        return Err(invalid(format!(
            "limit is {limit}; it takes 1 to {LIST_ROWS_MAX}"
        )));
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let deadline = Instant::now() + Duration::from_secs(wait);
    let tenant = &ctx.caller.tenant;
    let mut cursor =
        Cursor::open(&ctx.app.feeds, &ctx.app.db, tenant, filter, request.from).await?;
    // Whose events are there already does not wait.
    let mut slot = None;
    loop {
        check_again(&ctx.app, &ctx.caller).await?;
        let page = read_page(&mut cursor, limit).await?;
        if !page.events.is_empty() || Instant::now() >= deadline {
            return Ok(page);
        }
        if slot.is_none() {
            slot = Some(ctx.stream_slot()?);
        }
        tokio::select! {
            waited = timeout_at(deadline, cursor.wait()) => {
                if waited.is_err() {
                    return Ok(page);
                }
            }
            () = ctx.app.stop.cancelled() => return Ok(page),
        }
    }
}

async fn read_page(cursor: &mut Cursor, limit: usize) -> Result<EventPage> {
    let mut page = EventPage {
        events: Vec::new(),
        next: cursor.at(),
        more: true,
    };
    let mut bytes = 0;
    while page.more && page.events.len() < limit && bytes < PAGE_BYTES_MAX {
        let before = cursor.at();
        let batch = cursor.read(limit - page.events.len()).await?;
        bytes += batch
            .entries
            .iter()
            .map(|published| published.entry.size)
            .sum::<i64>();
        page.events.extend(batch.entries);
        page.next = batch.next;
        page.more = page.next > before;
    }
    page.more = page.next < cursor.head();
    Ok(page)
}
