//! Pushing messages into a session of the agent, by its client's channel.
//!
//! As with a hook, what was handed out counts as delivered only once the client
//! says that it was shown, which it does with its next look. Until then it is
//! handed out again, so that nothing is lost where a connection breaks.

use coro_api::messages::{DeliveredBy, Inbox};
use coro_api::numbers::MessageNumber;

use super::delivery::mark_delivered;
use super::store::Unread;
use super::{TOPICS, store};
use crate::agents::require_agent;
use crate::app::Ctx;
use crate::db::Tx;
use crate::error::{Result, invalid};
use crate::log::wait::wait_for;

/// The most messages that one look gives, and that one confirms.
const MESSAGES_MAX: usize = 50;

/// How many characters of each text are pushed.
const TEXT_CHARS_MAX: i64 = 4_000;

/// What nothing has shown to the agent that calls, the oldest first, after
/// what its channel has shown is confirmed.
pub async fn read_channel(ctx: &Ctx, wait: u64, shown: Vec<MessageNumber>) -> Result<Inbox> {
    if shown.len() > MESSAGES_MAX {
        let count = shown.len();
        return Err(
            invalid(format!("{count} messages are more than {MESSAGES_MAX}"))
                .hint("confirm what one look gave with the next"),
        );
    }
    if !shown.is_empty() {
        let job_ctx = ctx.clone();
        let confirmed = ctx.app.db.write(&ctx.caller.tenant, move |tx| {
            confirm_all(tx, &job_ctx, &shown)
        });
        confirmed.await?;
    }
    let found = wait_for(ctx, &[TOPICS], wait, |tx, ctx| {
        let inbox = look_for_new(tx, ctx)?;
        Ok((!inbox.messages.is_empty()).then_some(inbox))
    });
    Ok(found.await?.unwrap_or(Inbox {
        messages: Vec::new(),
        more: 0,
    }))
}

/// Numbers of others say nothing.
fn confirm_all(tx: &mut Tx<'_>, ctx: &Ctx, shown: &[MessageNumber]) -> Result<()> {
    let tenant = &ctx.caller.tenant;
    let own = require_agent(tx, ctx)?;
    for number in shown {
        if let Some(receipt) = store::receipt(tx, tenant, number.0, &own.id)? {
            mark_delivered(tx, tenant, receipt, DeliveredBy::Channel)?;
        }
    }
    Ok(())
}

fn look_for_new(tx: &mut Tx<'_>, ctx: &Ctx) -> Result<Inbox> {
    let (tenant, now) = (&ctx.caller.tenant, tx.now());
    let own = require_agent(tx, ctx)?;
    let limit = i64::try_from(MESSAGES_MAX).unwrap_or(i64::MAX);
    let rows = store::unread(tx, tenant, &own.id, Unread::Queued, TEXT_CHARS_MAX, limit)?;
    let mut messages = Vec::new();
    for row in &rows {
        messages.push(row.shown(&[], now)?);
    }
    let shown = i64::try_from(messages.len()).unwrap_or(i64::MAX);
    let more = match shown < limit {
        true => 0,
        false => store::count_unread(tx, tenant, &own.id, Unread::Queued)? - shown,
    };
    Ok(Inbox { messages, more })
}
