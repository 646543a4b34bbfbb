//! Lists of messages, the newest first, with the beginning of each text.
//!
//! Each list goes through an index of its own: a tenant keeps the messages of 30
//! days, and one agent has few of them.

mod store;

use std::collections::{HashMap, HashSet};

use coro_api::messages::Message;
use coro_api::numbers::MessageNumber;

use super::{MessageRow, ReceiptRow, is_sender, leads};
use crate::app::Ctx;
use crate::db::Tx;
use crate::error::Result;
use crate::ids::AgentId;

/// How many characters of each text a list shows.
const CHARS_MAX: i64 = 200;

/// What a list is narrowed to; each part that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct MessageFilter {
    pub project: Option<String>,
    pub thread: Option<MessageNumber>,
    /// An agent that they are for.
    pub recipient: Option<AgentId>,
}

/// Whose messages are asked for.
struct Sight {
    project: Option<String>,
    /// The actor, where only its own are seen.
    caller: Option<String>,
    agent: Option<AgentId>,
}

/// Where in a list.
struct Place {
    before: i64,
    thread: Option<i64>,
    recipient: Option<AgentId>,
    limit: i64,
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
        let rows = store::list(tx, &job_ctx.caller.tenant, &sight, &place, CHARS_MAX)?;
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
