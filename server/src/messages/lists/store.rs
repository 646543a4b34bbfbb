//! SQL of lists of messages. The first parameters of all are the tenant, the
//! number to begin before, how many characters of each text, and how many rows.

use super::super::store::{columns, receipt_from, row_from};
use super::super::{MessageRow, ReceiptRow};
use super::{Place, Sight};
use crate::db::{Tx, Val};
use crate::error::Result;
use crate::ids::{AgentId, TenantId};

/// The columns of a list, with the beginning of each text.
macro_rules! beginnings {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            ", substr(message.text, 1, CAST($3 AS INTEGER)), NULL, NULL FROM "
        )
    };
}

/// Whether whoever looks sees a message: all of them, or as an actor, $5, and
/// as an agent, $6; and whether it is of the project $7.
macro_rules! seen {
    () => {
        "($5 = 'all' OR (message.sender_agent IS NULL AND message.sender = $5) \
         OR (message.to_kind = 'caller' AND message.to_name = $5) OR message.sender_agent = $6 \
         OR EXISTS (SELECT 1 FROM receipt AS own WHERE own.tenant_id = $1 \
         AND own.message = message.number AND own.agent = $6)) \
         AND (CAST($7 AS TEXT) IS NULL OR message.project = $7) "
    };
}

/// The newest of the messages that are somebody's own for one reason.
macro_rules! newest {
    ($of:literal by $number:literal) => {
        concat!(
            "SELECT number FROM (SELECT message.number FROM ",
            $of,
            " AND ",
            $number,
            " < $2 AND (CAST($7 AS TEXT) IS NULL OR message.project = $7) ORDER BY ",
            $number,
            " DESC LIMIT $4) AS newest"
        )
    };
}

const ALL: &str = concat!(
    beginnings!(),
    "message WHERE tenant_id = $1 AND number < $2 ORDER BY number DESC LIMIT $4"
);

const OF_PROJECT: &str = concat!(
    beginnings!(),
    "message WHERE tenant_id = $1 AND project = $5 AND number < $2 ORDER BY number DESC LIMIT $4"
);

/// What the actor $5 or the agent $6 has sent or got, of the project $7.
const OWN: &str = concat!(
    beginnings!(),
    "message WHERE tenant_id = $1 AND number IN (",
    newest!("message WHERE message.tenant_id = $1 AND message.sender_agent = $6" by "message.number"),
    " UNION ",
    newest!("message WHERE message.tenant_id = $1 AND message.sender_agent IS NULL \
        AND message.sender = $5" by "message.number"),
    " UNION ",
    newest!("message WHERE message.tenant_id = $1 AND message.to_kind = 'caller' \
        AND message.to_name = $5" by "message.number"),
    " UNION ",
    newest!("receipt JOIN message ON message.tenant_id = receipt.tenant_id \
        AND message.number = receipt.message \
        WHERE receipt.tenant_id = $1 AND receipt.agent = $6" by "receipt.message"),
    ") ORDER BY number DESC LIMIT $4"
);

/// What of the messages for the agent $8 is seen.
const OF_RECIPIENT: &str = concat!(
    beginnings!(),
    "receipt JOIN message ON message.tenant_id = receipt.tenant_id \
     AND message.number = receipt.message \
     WHERE receipt.tenant_id = $1 AND receipt.agent = $8 AND receipt.message < $2 AND ",
    seen!(),
    "ORDER BY receipt.message DESC LIMIT $4"
);

/// What of the thread $8 is seen, where it is for the agent $9.
const OF_THREAD: &str = concat!(
    beginnings!(),
    "message WHERE tenant_id = $1 AND thread = $8 AND number < $2 AND ",
    seen!(),
    "AND (CAST($9 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM receipt AS its \
     WHERE its.tenant_id = $1 AND its.message = message.number AND its.agent = $9)) \
     ORDER BY number DESC LIMIT $4"
);

/// What of the messages somebody may see, the newest first.
pub(super) fn list(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    sight: &Sight,
    place: &Place,
    chars_max: i64,
) -> Result<Vec<MessageRow>> {
    let project = sight.project.as_deref();
    let (before, limit) = (place.before.into(), place.limit.into());
    let mut params: Vec<Val<'_>> = vec![tenant.into(), before, chars_max.into(), limit];
    let seen_by: [Val<'_>; 3] = [
        sight.caller.as_deref().unwrap_or("all").into(),
        sight.agent.as_ref().into(),
        project.into(),
    ];
    let sql = match (place.thread, &place.recipient, &sight.caller, project) {
        (Some(thread), recipient, _, _) => {
            params.extend(seen_by);
            params.push(thread.into());
            params.push(recipient.as_ref().into());
            OF_THREAD
        }
        (None, Some(recipient), _, _) => {
            params.extend(seen_by);
            params.push(recipient.into());
            OF_RECIPIENT
        }
        (None, None, Some(_), _) => {
            params.extend(seen_by);
            OWN
        }
        (None, None, None, Some(project)) => {
            params.push(project.into());
            OF_PROJECT
        }
        (None, None, None, None) => ALL,
    };
    tx.query_all(sql, &params, row_from)
}

/// The receipts of an agent for messages from one to another.
pub(super) fn receipts_of(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
    first: i64,
    last: i64,
) -> Result<Vec<ReceiptRow>> {
    tx.query_all(
        "SELECT message, agent, agent_name, state, open, how, handed_at, delivered_at, read_at, \
         acknowledged_at FROM receipt WHERE tenant_id = $1 AND agent = $2 \
         AND message BETWEEN $3 AND $4",
        &[tenant.into(), agent.into(), first.into(), last.into()],
        receipt_from,
    )
}
