//! Lists of messages, the newest first, with the beginning of each text.
//!
//! Each list goes through an index of its own: a tenant keeps the messages of 30
//! days, and one agent has few of them.

mod store;

use coro_api::messages::Message;
use coro_api::numbers::MessageNumber;

use super::{MessageRow, ReceiptRow, is_sender, leads};
use crate::app::Ctx;
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
        let shown = rows.iter().map(|(row, receipt)| {
            let receipt = receipt.as_ref().filter(|one| sees(&job_ctx, row, one));
            row.shown(receipt.map_or(&[], std::slice::from_ref), now)
        });
        shown.collect::<Result<Vec<_>>>()
    });
    let mut messages = listed.await?;
    let wanted = usize::try_from(limit).unwrap_or(0);
    let more = messages.len() > wanted;
    messages.truncate(wanted);
    Ok((messages, more))
}

/// Whether the caller would see a receipt at its message too.
fn sees(ctx: &Ctx, message: &MessageRow, receipt: &ReceiptRow) -> bool {
    let own = ctx.caller.agent.as_ref();
    own.is_some_and(|own| own.id == receipt.agent) || leads(ctx) || is_sender(ctx, message)
}
