//! Looking at messages: one, a list, or the inbox of the agent that calls.

use std::collections::{HashMap, HashSet};

use coro_api::limits::MESSAGE_BYTES_MAX;
use coro_api::messages::{AnswerState, Inbox, Message, ReceiptState};
use coro_api::numbers::MessageNumber;

use super::acknowledging::mark_read;
use super::store::Unread;
use super::{
    MessageFilter, MessageRow, Place, ReceiptRow, Seen, Sight, TOPICS, find_seen, is_sender, leads,
    store,
};
use crate::agents::require_agent;
use crate::app::Ctx;
use crate::db::Tx;
use crate::error::Result;
use crate::ids::AgentId;
use crate::log::wait::wait_for;

/// The most messages that one look into the inbox gives: with whole texts.
const INBOX_MAX: i64 = 50;

/// How many characters of each text a list shows.
const LIST_CHARS_MAX: i64 = 200;

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

/// The messages that the caller sent or got, or leads the project of; the
/// newest first, and whether there are more. Those of one recipient have its
/// receipt, where the caller may see it.
pub async fn list_messages(
    ctx: &Ctx,
    filter: MessageFilter,
    before: i64,
    limit: i64,
) -> Result<(Vec<Message>, bool)> {
    let caller = &ctx.caller;
    let project = match (&caller.project, filter.project) {
        (None, None) => None,
        (_, named) => Some(caller.project_for(named)?),
    };
    let sight = Sight {
        project,
        caller: (!leads(ctx)).then(|| caller.actor.clone()),
        agent: caller.agent.as_ref().map(|agent| agent.id.clone()),
    };
    let place = Place {
        before,
        thread: filter.thread.map(|thread| thread.0),
        recipient: filter.recipient,
        limit: limit + 1,
    };
    let job_ctx = ctx.clone();
    let listed = ctx.app.db.scan(move |tx| {
        let now = tx.now();
        let rows = store::list(tx, &job_ctx.caller.tenant, &sight, &place, LIST_CHARS_MAX)?;
        let receipts = receipts_of(tx, &job_ctx, &place, &rows)?;
        rows.iter()
            .map(|row| {
                row.shown(
                    receipts.get(&row.number).map_or(&[], std::slice::from_ref),
                    now,
                )
            })
            .collect::<Result<Vec<_>>>()
    });
    let mut messages = listed.await?;
    let wanted = usize::try_from(limit).unwrap_or(0);
    let more = messages.len() > wanted;
    messages.truncate(wanted);
    Ok((messages, more))
}

/// The recipient's receipts by message, where a list is that of one: those that
/// the caller would see at the message too.
fn receipts_of(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    place: &Place,
    rows: &[MessageRow],
) -> Result<HashMap<i64, ReceiptRow>> {
    let (Some(agent), Some(newest), Some(oldest)) = (&place.recipient, rows.first(), rows.last())
    else {
        return Ok(HashMap::new());
    };
    let is_own = ctx
        .caller
        .agent
        .as_ref()
        .is_some_and(|own| own.id == *agent);
    let sees_all = is_own || leads(ctx);
    let seen = |row: &&MessageRow| sees_all || is_sender(ctx, row);
    let seen: HashSet<i64> = rows.iter().filter(seen).map(|row| row.number).collect();
    let tenant = &ctx.caller.tenant;
    let receipts = store::receipts_of(tx, tenant, agent, oldest.number, newest.number)?;
    let receipts = receipts.into_iter().map(|one| (one.message, one));
    Ok(receipts
        .filter(|(number, _)| seen.contains(number))
        .collect())
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
        let own = require_agent(tx, &job_ctx)?;
        for message in &inbox.messages {
            read_one(tx, &job_ctx, &own.id, message.number.0)?;
        }
        Ok(inbox)
    });
    read.await
}

fn look_into(tx: &mut Tx<'_>, ctx: &Ctx) -> Result<Inbox> {
    let (tenant, now) = (&ctx.caller.tenant, tx.now());
    let own = require_agent(tx, ctx)?;
    let whole = i64::try_from(MESSAGE_BYTES_MAX).unwrap_or(i64::MAX);
    let rows = store::unread(tx, tenant, &own.id, Unread::All, whole, INBOX_MAX)?;
    let mut messages = Vec::new();
    for row in &rows {
        messages.push(row.shown(&[], now)?);
    }
    let shown = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let more = match shown < INBOX_MAX {
        true => 0,
        false => store::count_unread(tx, tenant, &own.id, Unread::All)? - shown,
    };
    Ok(Inbox { messages, more })
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
    match &message.ask {
        Some(ask) if ask.state != AnswerState::Waiting => {
            store::unread_about(tx, &ctx.caller.tenant, asker, message)
        }
        _ => Ok(Vec::new()),
    }
}
