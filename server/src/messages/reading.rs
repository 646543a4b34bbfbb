//! Looking at messages: one, or the inbox of the agent that calls.

use coro_api::limits::ANSWER_BYTES_MAX;
use coro_api::messages::{AnswerState, Inbox, Message, ReceiptState};
use coro_api::numbers::MessageNumber;

use super::acknowledging::mark_read;
use super::store::Unread;
use super::{AskRow, MessageRow, ReceiptRow, Seen, TOPICS, find_seen, store};
use crate::agents::{AgentRef, caller_agent};
use crate::app::Ctx;
use crate::db::Tx;
use crate::error::{Result, conflict};
use crate::ids::AgentId;
use crate::log::wait::wait_for;

/// The most messages that one look into the inbox gives.
const INBOX_MAX: i64 = 50;

/// How many bytes of texts it gives before it leaves the rest to the next look:
/// each text is whole, and an answer may be long.
const INBOX_BYTES: usize = 1024 * 1024;

/// A message with what its caller may see of it. Where it is for the caller it
/// is read by that, unless the caller only peeks. Waits until nothing more is
/// expected of anybody.
pub async fn get_message(
    ctx: &Ctx,
    number: MessageNumber,
    wait: u64,
    peeks: bool,
) -> Result<Message> {
    let settled = wait_for(ctx, &[TOPICS], wait, move |tx, ctx| {
        let looked = Looked::at(tx, ctx, number)?;
        Ok(looked.is_settled(tx).then_some(()))
    });
    settled.await?;
    let job_ctx = ctx.clone();
    let looked = move |tx: &mut Tx<'_>| Looked::at(tx, &job_ctx, number);
    let looked = ctx.app.db.read(looked).await?;
    if peeks || !looked.changes_by_reading(ctx) {
        return looked.shown(ctx);
    }
    let job_ctx = ctx.clone();
    let tenant = &ctx.caller.tenant;
    let read = ctx.app.db.write(tenant, move |tx| {
        Looked::at(tx, &job_ctx, number)?.mark_read(tx, &job_ctx)?;
        Looked::at(tx, &job_ctx, number)
    });
    read.await?.shown(ctx)
}

/// What the agent that calls has not read, the oldest first. By that it is
/// read, unless the agent only peeks.
pub async fn read_inbox(ctx: &Ctx, wait: u64, peeks: bool) -> Result<Inbox> {
    let found = wait_for(ctx, &[TOPICS], wait, |tx, ctx| {
        let inbox = look_into(tx, ctx)?;
        Ok((!inbox.messages.is_empty()).then_some(inbox))
    });
    let Some(inbox) = found.await? else {
        return Ok(Inbox {
            messages: Vec::new(),
            more: 0,
        });
    };
    if peeks {
        return Ok(inbox);
    }
    let job_ctx = ctx.clone();
    let tenant = &ctx.caller.tenant;
    let read = ctx.app.db.write(tenant, move |tx| {
        let inbox = look_into(tx, &job_ctx)?;
        let own = require_inbox(tx, &job_ctx)?;
        for message in &inbox.messages {
            read_one(tx, &job_ctx, &own.id, message.number.0)?;
        }
        Ok(inbox)
    });
    read.await
}

fn look_into(tx: &mut Tx<'_>, ctx: &Ctx) -> Result<Inbox> {
    let (tenant, now) = (&ctx.caller.tenant, tx.now());
    let own = require_inbox(tx, ctx)?;
    let whole = i64::try_from(ANSWER_BYTES_MAX).unwrap_or(i64::MAX);
    let rows = store::unread(tx, tenant, &own.id, Unread::All, whole, INBOX_MAX)?;
    let mut messages = Vec::new();
    let mut bytes = 0;
    for row in &rows {
        bytes += row.text.len();
        if bytes > INBOX_BYTES && !messages.is_empty() {
            break;
        }
        messages.push(row.shown(&[], now)?);
    }
    let is_all = messages.len() == rows.len() && (rows.len() as i64) < INBOX_MAX;
    let more = match is_all {
        true => 0,
        false => store::count_unread(tx, tenant, &own.id, Unread::All)? - messages.len() as i64,
    };
    Ok(Inbox { messages, more })
}

/// The agent that calls. Anybody else finds what it got elsewhere.
fn require_inbox(tx: &mut Tx<'_>, ctx: &Ctx) -> Result<AgentRef> {
    caller_agent(tx, ctx)?.ok_or_else(|| {
        conflict("this token belongs to no registered agent, and only those have an inbox")
            .hint("see what you sent and got: coro-cli messages list; an agent begins with coro-cli register NAME")
    })
}

fn read_one(tx: &mut Tx<'_>, ctx: &Ctx, agent: &AgentId, number: i64) -> Result<()> {
    let tenant = &ctx.caller.tenant;
    let message = store::find(tx, tenant, number)?;
    let receipt = store::receipt(tx, tenant, number, agent)?;
    if let (Some(message), Some(receipt)) = (message, receipt) {
        mark_read(tx, tenant, &message, receipt)?;
    }
    Ok(())
}

/// A message with what its caller may see.
struct Looked {
    seen: Seen,
    receipts: Vec<ReceiptRow>,
    /// What tells the caller the same as an ask that is over: read with it.
    told_by: Vec<i64>,
}

impl Looked {
    fn at(tx: &mut Tx<'_>, ctx: &Ctx, number: MessageNumber) -> Result<Looked> {
        let tenant = &ctx.caller.tenant;
        let seen = find_seen(tx, ctx, number)?;
        let receipts = match (&seen.own, seen.sees_all) {
            (_, true) => store::receipts(tx, tenant, number.0)?,
            (Some(own), false) => vec![own.clone()],
            (None, false) => Vec::new(),
        };
        let told_by = match &ctx.caller.agent {
            Some(own) if seen.message.sender_agent.as_ref() == Some(&own.id) => {
                told_by(tx, ctx, &own.id, &seen.message)?
            }
            _ => Vec::new(),
        };
        Ok(Looked {
            seen,
            receipts,
            told_by,
        })
    }

    /// Whether nothing will change that the caller can wait for.
    fn is_settled(&self, tx: &Tx<'_>) -> bool {
        let (message, now) = (&self.seen.message, tx.now());
        let waits = |receipt: &ReceiptRow| {
            message.needs_ack
                && matches!(
                    receipt.state(message, now),
                    ReceiptState::Queued | ReceiptState::Delivered | ReceiptState::Read
                )
        };
        match message.ask_state(now) {
            Some(state) => state != AnswerState::Waiting,
            None => !self.receipts.iter().any(waits),
        }
    }

    fn changes_by_reading(&self, ctx: &Ctx) -> bool {
        let now = ctx.app.clock.now();
        let is_unread = |own: &ReceiptRow| own.is_unread() && !self.seen.message.is_due(now);
        self.seen.own.as_ref().is_some_and(is_unread) || !self.told_by.is_empty()
    }

    fn mark_read(self, tx: &mut Tx<'_>, ctx: &Ctx) -> Result<()> {
        let Some(own) = &ctx.caller.agent else {
            return Ok(());
        };
        if let Some(receipt) = self.seen.own {
            mark_read(tx, &ctx.caller.tenant, &self.seen.message, receipt)?;
        }
        for number in self.told_by {
            read_one(tx, ctx, &own.id, number)?;
        }
        Ok(())
    }

    fn shown(&self, ctx: &Ctx) -> Result<Message> {
        let now = ctx.app.clock.now();
        self.seen.message.shown(&self.receipts, now)
    }
}

/// The unread messages in which the server tells what became of an ask: its
/// asker learns it by looking at the ask too.
fn told_by(tx: &mut Tx<'_>, ctx: &Ctx, asker: &AgentId, message: &MessageRow) -> Result<Vec<i64>> {
    let is_over = |ask: &AskRow| ask.state != AnswerState::Waiting;
    if !message.ask.as_ref().is_some_and(is_over) {
        return Ok(Vec::new());
    }
    let tenant = &ctx.caller.tenant;
    let mut unread = Vec::new();
    for number in store::told_about(tx, tenant, message.number)? {
        let receipt = store::receipt(tx, tenant, number, asker)?;
        if receipt.is_some_and(|receipt| receipt.is_unread()) {
            unread.push(number);
        }
    }
    Ok(unread)
}
