//! What the server itself writes to an agent: what became of its messages and
//! of its requests.

use coro_api::limits::NOTICES_MAX;
use coro_api::messages::{MessageKind, ToKind};
use serde_json::json;

use super::{Draft, MessageRow, Sender, server_entry, store, store_message};
use crate::agents::{AgentRef, living_agent};
use crate::db::Tx;
use crate::error::Result;
use crate::ids::{AgentId, TenantId};

/// What the last message of the server's says that an agent has room for.
const LAST_NOTICE: &str = "; you are told no more of this kind until you read some, and";

/// Tells an agent something, where it lives and has room. `elsewhere` says
/// where it finds what it is not told.
pub fn tell_agent(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
    text: String,
    elsewhere: &str,
) -> Result<()> {
    let Some(to) = living_agent(tx, tenant, agent)? else {
        return Ok(());
    };
    let name = to.name.clone();
    let draft = Draft {
        kind: MessageKind::Notice,
        ..draft_to(&to, text)
    };
    if let Some(message) = store_notice(tx, tenant, to, draft, elsewhere)? {
        let note = json!({
            "kind": message.kind, "from": message.sender_name, "to_kind": message.to_kind,
            "to": name, "recipients": 1, "needs_ack": false, "blocking": false,
            "thread": message.number(),
        });
        tx.emit(tenant, server_entry("coro.message.sent", &message, note))?;
    }
    Ok(())
}

/// A message of the server's to an agent: a bounce that is about no message,
/// unless told otherwise.
pub(super) fn draft_to(to: &AgentRef, text: String) -> Draft {
    Draft {
        project: to.project.clone(),
        kind: MessageKind::Bounce,
        to_kind: ToKind::Agent,
        to_name: to.name.clone(),
        text,
        reply_to: None,
        needs_ack: false,
        blocking: false,
        expires_in_seconds: None,
        schema: None,
    }
}

/// Stores a message of the server's. So much may wait for an agent that it is
/// told no more, which the last one says.
pub(super) fn store_notice(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    to: AgentRef,
    mut draft: Draft,
    elsewhere: &str,
) -> Result<Option<MessageRow>> {
    let from = Sender::system();
    match NOTICES_MAX - store::count_owed_to(tx, tenant, &to.id, from.key())? {
        ..=0 => return Ok(None),
        1 => draft.text.push_str(&format!("{LAST_NOTICE} {elsewhere}")),
        _ => {}
    }
    store_message(tx, tenant, from, draft, &[(to.id, to.name)]).map(Some)
}
