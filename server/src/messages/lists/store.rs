//! SQL of lists of messages. The first parameters of all are the tenant, the
//! number to begin before, how many characters of each text, and how many rows.

use super::super::store::{columns, receipt_at, row_from};
use super::super::{MessageRow, ReceiptRow};
use super::{Place, Sight};
use crate::db::{Tx, Val};
use crate::error::Result;
use crate::ids::TenantId;

/// The columns of a list, with the beginning of each text.
macro_rules! beginnings {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            ", substr(message.text, 1, CAST($3 AS INTEGER)), NULL, NULL"
        )
    };
}

/// Where the columns of the receipt begin, in the lists of one recipient.
const RECEIPT: usize = 22;

/// As [`beginnings`], and the columns of the receipt.
macro_rules! with_receipts {
    () => {
        concat!(
            beginnings!(),
            ", receipt.message, receipt.agent, receipt.agent_name, receipt.state, receipt.open, \
             receipt.how, receipt.handed_at, receipt.delivered_at, receipt.read_at, \
             receipt.acknowledged_at"
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
    " FROM message WHERE tenant_id = $1 AND number < $2 ORDER BY number DESC LIMIT $4"
);

const OF_PROJECT: &str = concat!(
    beginnings!(),
    " FROM message WHERE tenant_id = $1 AND project = $5 AND number < $2 ORDER BY number DESC LIMIT $4"
);

/// What the actor $5 or the agent $6 has sent or got, of the project $7.
const OWN: &str = concat!(
    beginnings!(),
    " FROM message WHERE tenant_id = $1 AND number IN (",
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
    with_receipts!(),
    " FROM receipt JOIN message ON message.tenant_id = receipt.tenant_id \
     AND message.number = receipt.message \
     WHERE receipt.tenant_id = $1 AND receipt.agent = $8 AND receipt.message < $2 AND ",
    seen!(),
    "ORDER BY receipt.message DESC LIMIT $4"
);

/// What of the thread $8 is seen.
const OF_THREAD: &str = concat!(
    beginnings!(),
    " FROM message WHERE tenant_id = $1 AND thread = $8 AND number < $2 AND ",
    seen!(),
    "ORDER BY number DESC LIMIT $4"
);

/// What of the thread $8 is seen, of the messages for the agent $9.
const OF_THREAD_AND_RECIPIENT: &str = concat!(
    with_receipts!(),
    " FROM message JOIN receipt ON receipt.tenant_id = message.tenant_id \
     AND receipt.message = message.number AND receipt.agent = $9 \
     WHERE message.tenant_id = $1 AND message.thread = $8 AND message.number < $2 AND ",
    seen!(),
    "ORDER BY message.number DESC LIMIT $4"
);

/// A message, and its receipt where the list is that of one recipient.
pub(super) type Found = (MessageRow, Option<ReceiptRow>);

/// What of the messages somebody may see, the newest first.
pub(super) fn list(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    sight: &Sight,
    place: &Place,
    chars_max: i64,
) -> Result<Vec<Found>> {
    let project = sight.project.as_deref();
    let (before, limit) = (place.before.into(), place.limit.into());
    let mut params: Vec<Val<'_>> = vec![tenant.into(), before, chars_max.into(), limit];
    let seen_by: [Val<'_>; 3] = [
        sight.caller.as_deref().unwrap_or("all").into(),
        sight.agent.as_ref().into(),
        project.into(),
    ];
    let sql = match (place.thread, &place.recipient, &sight.caller, project) {
        (Some(thread), None, _, _) => {
            params.extend(seen_by);
            params.push(thread.into());
            OF_THREAD
        }
        (Some(thread), Some(recipient), _, _) => {
            params.extend(seen_by);
            params.push(thread.into());
            params.push(recipient.into());
            OF_THREAD_AND_RECIPIENT
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
    let has_receipts = place.recipient.is_some();
    tx.query_all(sql, &params, |row| {
        let receipt = has_receipts.then(|| receipt_at(row, RECEIPT)).transpose()?;
        Ok((row_from(row)?, receipt))
    })
}
