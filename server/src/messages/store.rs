//! SQL of messages.

use coro_api::messages::{AnswerState, DeliveredBy, MessageKind, ReceiptState, ToKind};

use super::{AskRow, MessageRow, ReceiptRow};
use crate::clock::Time;
use crate::db::{Row, Tx};
use crate::error::{Result, internal};
use crate::ids::{AgentId, TenantId};

macro_rules! columns {
    () => {
        "message.number, message.project, message.sender, message.sender_agent, \
         message.sender_name, message.kind, message.to_kind, message.to_name, message.thread, \
         message.reply_to, message.needs_ack, message.blocking, message.created_at, \
         message.expires_at, message.due_at, message.tries, message.answer_state, \
         message.failure, length(message.text)"
    };
}
pub(super) use columns;

/// Columns of which a list takes nothing, or the beginning, after the others.
macro_rules! whole {
    () => {
        ", message.text, message.schema, message.answer"
    };
}

/// As `ReceiptRow::is_owed`. Index `receipt_owed` has the same words.
macro_rules! owed {
    () => {
        "receipt.open = 1 AND (receipt.state = 'queued' OR receipt.wanted = 1)"
    };
}

pub(in crate::messages) fn row_from(row: &dyn Row) -> Result<MessageRow> {
    let ask = match row.opt_text(16)? {
        None => None,
        Some(state) => Some(AskRow {
            state: word(state, AnswerState::from_word)?,
            tries: row.int(15)?,
            failure: row.opt_text(17)?.map(str::to_owned),
            schema: row.opt_text(20)?.map(str::to_owned),
            answer: row.opt_text(21)?.map(str::to_owned),
        }),
    };
    Ok(MessageRow {
        number: row.int(0)?,
        project: row.text(1)?.to_owned(),
        sender: row.text(2)?.to_owned(),
        sender_agent: row.opt_text(3)?.map(AgentId::from_text),
        sender_name: row.text(4)?.to_owned(),
        kind: word(row.text(5)?, MessageKind::from_word)?,
        to_kind: word(row.text(6)?, ToKind::from_word)?,
        to_name: row.text(7)?.to_owned(),
        thread: row.int(8)?,
        reply_to: row.opt_int(9)?,
        needs_ack: row.int(10)? != 0,
        blocking: row.int(11)? != 0,
        created_at: Time(row.int(12)?),
        expires_at: row.opt_int(13)?.map(Time),
        due_at: Time(row.int(14)?),
        chars: row.int(18)?,
        text: row.text(19)?.to_owned(),
        ask,
    })
}

fn receipt_from(row: &dyn Row) -> Result<ReceiptRow> {
    receipt_at(row, 0)
}

/// A receipt whose columns begin at `first`.
pub(in crate::messages) fn receipt_at(row: &dyn Row, first: usize) -> Result<ReceiptRow> {
    Ok(ReceiptRow {
        message: row.int(first)?,
        agent: AgentId::from_text(row.text(first + 1)?),
        agent_name: row.text(first + 2)?.to_owned(),
        state: word(row.text(first + 3)?, ReceiptState::from_word)?,
        open: row.int(first + 4)? != 0,
        how: match row.opt_text(first + 5)? {
            Some(how) => Some(word(how, DeliveredBy::from_word)?),
            None => None,
        },
        handed_at: row.opt_int(first + 6)?.map(Time),
        delivered_at: row.opt_int(first + 7)?.map(Time),
        read_at: row.opt_int(first + 8)?.map(Time),
        acknowledged_at: row.opt_int(first + 9)?.map(Time),
    })
}

fn word<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T> {
    parse(text).ok_or_else(|| internal(anyhow::anyhow!("the database holds the word {text:?}")))
}

pub(super) fn find(tx: &mut Tx<'_>, tenant: &TenantId, number: i64) -> Result<Option<MessageRow>> {
    tx.query_one(
        concat!(
            "SELECT ",
            columns!(),
            whole!(),
            " FROM message WHERE tenant_id = $1 AND number = $2"
        ),
        &[tenant.into(), number.into()],
        row_from,
    )
}

pub(super) fn insert(tx: &mut Tx<'_>, tenant: &TenantId, message: &MessageRow) -> Result<()> {
    let ask = message.ask.as_ref();
    tx.queue(
        "INSERT INTO message (tenant_id, number, project, sender, sender_agent, sender_name, kind, \
         to_kind, to_name, text, thread, reply_to, needs_ack, blocking, created_at, expires_at, \
         due_at, settled, schema, tries, answer_state) VALUES \
         ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 0, $18, 0, $19)",
        &[
            tenant.into(),
            message.number.into(),
            (&message.project).into(),
            (&message.sender).into(),
            message.sender_agent.as_ref().into(),
            (&message.sender_name).into(),
            message.kind.word().into(),
            message.to_kind.word().into(),
            (&message.to_name).into(),
            (&message.text).into(),
            message.thread.into(),
            message.reply_to.into(),
            message.needs_ack.into(),
            message.blocking.into(),
            message.created_at.into(),
            message.expires_at.into(),
            message.due_at.into(),
            ask.and_then(|ask| ask.schema.as_deref()).into(),
            ask.map(|ask| ask.state.word()).into(),
        ],
    )
}

/// A receipt of a new message. What decides about it is of the message.
pub(super) fn insert_receipt(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    message: &MessageRow,
    agent: &AgentId,
    agent_name: &str,
) -> Result<()> {
    tx.queue(
        "INSERT INTO receipt (tenant_id, message, agent, agent_name, state, open, sender, wanted, \
         blocking, due_at) VALUES ($1, $2, $3, $4, 'queued', 1, $5, $6, $7, $8)",
        &[
            tenant.into(),
            message.number.into(),
            agent.into(),
            agent_name.into(),
            message.sender_key().into(),
            message.wants_more().into(),
            message.blocking.into(),
            message.due_at.into(),
        ],
    )
}

/// Writes what becomes of an ask.
pub(super) fn set_ask(tx: &mut Tx<'_>, tenant: &TenantId, number: i64, ask: &AskRow) -> Result<()> {
    tx.execute(
        "UPDATE message SET tries = $3, answer = $4, answer_state = $5, failure = $6 \
         WHERE tenant_id = $1 AND number = $2",
        &[
            tenant.into(),
            number.into(),
            ask.tries.into(),
            ask.answer.as_deref().into(),
            ask.state.word().into(),
            ask.failure.as_deref().into(),
        ],
    )?;
    Ok(())
}

/// The receipts of a message, by the names of the agents.
pub(super) fn receipts(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    message: i64,
) -> Result<Vec<ReceiptRow>> {
    tx.query_all(
        "SELECT message, agent, agent_name, state, open, how, handed_at, delivered_at, read_at, \
         acknowledged_at FROM receipt WHERE tenant_id = $1 AND message = $2 ORDER BY agent_name",
        &[tenant.into(), message.into()],
        receipt_from,
    )
}

pub(super) fn receipt(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    message: i64,
    agent: &AgentId,
) -> Result<Option<ReceiptRow>> {
    tx.query_one(
        "SELECT message, agent, agent_name, state, open, how, handed_at, delivered_at, read_at, \
         acknowledged_at FROM receipt WHERE tenant_id = $1 AND message = $2 AND agent = $3",
        &[tenant.into(), message.into(), agent.into()],
        receipt_from,
    )
}

pub(super) fn update_receipt(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    receipt: &ReceiptRow,
) -> Result<()> {
    tx.queue(
        "UPDATE receipt SET state = $4, open = $5, how = $6, handed_at = $7, delivered_at = $8, \
         read_at = $9, acknowledged_at = $10 \
         WHERE tenant_id = $1 AND message = $2 AND agent = $3",
        &[
            tenant.into(),
            receipt.message.into(),
            (&receipt.agent).into(),
            receipt.state.word().into(),
            receipt.open.into(),
            receipt.how.map(DeliveredBy::word).into(),
            receipt.handed_at.into(),
            receipt.delivered_at.into(),
            receipt.read_at.into(),
            receipt.acknowledged_at.into(),
        ],
    )
}

/// Which of the messages to an agent are asked for.
#[derive(Clone, Copy)]
pub(super) enum Unread {
    /// Nothing has shown them.
    Queued,
    /// It has not fetched them whole.
    All,
}

/// The oldest messages that an agent has not read, with the first characters
/// of each. The sign in the order keeps SQLite on the index of what is open:
/// else it goes through all receipts of the tenant, the oldest first.
pub(super) fn unread(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
    which: Unread,
    chars_max: i64,
    limit: i64,
) -> Result<Vec<MessageRow>> {
    let now = tx.now();
    tx.query_all(
        concat!(
            "SELECT ",
            columns!(),
            ", substr(message.text, 1, CAST($6 AS INTEGER)), message.schema, NULL \
             FROM receipt JOIN message \
             ON message.tenant_id = receipt.tenant_id AND message.number = receipt.message \
             WHERE receipt.tenant_id = $1 AND receipt.agent = $2 AND receipt.open = 1 \
             AND receipt.state IN ('queued', $3) AND receipt.due_at > $4 \
             ORDER BY +receipt.message LIMIT $5"
        ),
        &[
            tenant.into(),
            agent.into(),
            which.also().into(),
            now.into(),
            limit.into(),
            chars_max.into(),
        ],
        row_from,
    )
}

/// The answer and the bounces about a message.
pub(super) fn told_about(tx: &mut Tx<'_>, tenant: &TenantId, number: i64) -> Result<Vec<i64>> {
    tx.query_all(
        "SELECT number FROM message WHERE tenant_id = $1 AND reply_to = $2 \
         AND kind IN ('answer', 'bounce')",
        &[tenant.into(), number.into()],
        |row| row.int(0),
    )
}

impl Unread {
    /// The state that is asked for beside `queued`.
    fn also(self) -> &'static str {
        match self {
            Unread::Queued => ReceiptState::Queued.word(),
            Unread::All => ReceiptState::Delivered.word(),
        }
    }
}

pub(super) fn count_unread(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
    which: Unread,
) -> Result<i64> {
    let now = tx.now();
    let count = tx.query_one(
        "SELECT count(*) FROM receipt WHERE tenant_id = $1 AND agent = $2 AND open = 1 \
         AND state IN ('queued', $3) AND due_at > $4",
        &[tenant.into(), agent.into(), which.also().into(), now.into()],
        |row| row.int(0),
    )?;
    Ok(count.unwrap_or(0))
}

/// How many messages each agent has not read; those that have read all are left
/// out.
pub(super) fn count_unread_of_each(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
) -> Result<Vec<(AgentId, i64)>> {
    let now = tx.now();
    tx.query_all(
        "SELECT agent, count(*) FROM receipt WHERE tenant_id = $1 AND open = 1 \
         AND state IN ('queued', 'delivered') AND due_at > $2 GROUP BY agent",
        &[tenant.into(), now.into()],
        |row| Ok((AgentId::from_text(row.text(0)?), row.int(1)?)),
    )
}

/// As [`count_unread_of_each`], of the messages of a project.
pub(super) fn count_unread_in_project(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: &str,
) -> Result<Vec<(AgentId, i64)>> {
    let now = tx.now();
    tx.query_all(
        "SELECT receipt.agent, count(*) FROM receipt JOIN message \
         ON message.tenant_id = receipt.tenant_id AND message.number = receipt.message \
         WHERE receipt.tenant_id = $1 AND receipt.open = 1 \
         AND receipt.state IN ('queued', 'delivered') AND receipt.due_at > $2 \
         AND message.project = $3 GROUP BY receipt.agent",
        &[tenant.into(), now.into(), project.into()],
        |row| Ok((AgentId::from_text(row.text(0)?), row.int(1)?)),
    )
}

/// The agents for whom at least so many messages wait, or that owe the sender
/// something about at least so many.
pub(super) fn full(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    sender: &str,
    waiting: i64,
    of_sender: i64,
) -> Result<Vec<AgentId>> {
    tx.query_all(
        concat!(
            "SELECT agent FROM receipt WHERE tenant_id = $1 AND ",
            owed!(),
            " GROUP BY agent HAVING sum(CASE WHEN state = 'queued' THEN 1 ELSE 0 END) >= $3 \
             OR sum(CASE WHEN sender = $2 THEN 1 ELSE 0 END) >= $4"
        ),
        &[
            tenant.into(),
            sender.into(),
            waiting.into(),
            of_sender.into(),
        ],
        |row| Ok(AgentId::from_text(row.text(0)?)),
    )
}

/// About how many messages of a sender an agent owes something, whether they
/// are due or not.
pub(super) fn count_owed_to(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
    sender: &str,
) -> Result<i64> {
    let count = tx.query_one(
        concat!(
            "SELECT count(*) FROM receipt WHERE tenant_id = $1 AND agent = $2 AND sender = $3 AND ",
            owed!()
        ),
        &[tenant.into(), agent.into(), sender.into()],
        |row| row.int(0),
    )?;
    Ok(count.unwrap_or(0))
}

/// How many messages nothing has shown to an agent, whether they are due or
/// not.
pub(super) fn count_queued(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentId) -> Result<i64> {
    let count = tx.query_one(
        "SELECT count(*) FROM receipt WHERE tenant_id = $1 AND agent = $2 AND open = 1 \
         AND state = 'queued'",
        &[tenant.into(), agent.into()],
        |row| row.int(0),
    )?;
    Ok(count.unwrap_or(0))
}

/// What holds an agent: blocking messages of which it still owes something, the
/// oldest first.
pub(super) fn blocking(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
    limit: i64,
) -> Result<Vec<i64>> {
    let now = tx.now();
    tx.query_all(
        "SELECT message FROM receipt WHERE tenant_id = $1 AND agent = $2 AND open = 1 \
         AND blocking = 1 AND due_at > $3 ORDER BY message LIMIT $4",
        &[tenant.into(), agent.into(), now.into(), limit.into()],
        |row| row.int(0),
    )
}

/// The messages whose senders hear where an agent does nothing more, the
/// oldest first; but not those that are due: they expire.
pub(super) fn owed_by_agent(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
) -> Result<Vec<MessageRow>> {
    let now = tx.now();
    tx.query_all(
        concat!(
            "SELECT ",
            columns!(),
            ", '', NULL, NULL FROM receipt JOIN message \
             ON message.tenant_id = receipt.tenant_id AND message.number = receipt.message \
             WHERE receipt.tenant_id = $1 AND receipt.agent = $2 AND receipt.due_at > $3 AND ",
            owed!(),
            " ORDER BY +receipt.message"
        ),
        &[tenant.into(), agent.into(), now.into()],
        row_from,
    )
}

/// Closes the receipts of an agent that are not due: what it owes is
/// undeliverable, and the rest stays as it is.
pub(super) fn close_of_agent(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentId) -> Result<()> {
    let now = tx.now();
    tx.execute(
        concat!(
            "UPDATE receipt SET state = 'undeliverable', open = 0 \
             WHERE tenant_id = $1 AND agent = $2 AND due_at > $3 AND ",
            owed!()
        ),
        &[tenant.into(), agent.into(), now.into()],
    )?;
    tx.execute(
        "UPDATE receipt SET open = 0 \
         WHERE tenant_id = $1 AND agent = $2 AND open = 1 AND due_at > $3",
        &[tenant.into(), agent.into(), now.into()],
    )?;
    Ok(())
}

/// Messages that are due and were not looked at, the longest due first.
pub(super) fn due(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    now: Time,
    limit: i64,
) -> Result<Vec<MessageRow>> {
    tx.query_all(
        concat!(
            "SELECT ",
            columns!(),
            ", '', NULL, NULL FROM message \
             WHERE tenant_id = $1 AND settled = 0 AND due_at <= $2 ORDER BY due_at LIMIT $3"
        ),
        &[tenant.into(), now.into(), limit.into()],
        row_from,
    )
}

pub(super) fn settle(tx: &mut Tx<'_>, tenant: &TenantId, number: i64) -> Result<()> {
    tx.queue(
        "UPDATE message SET settled = 1 WHERE tenant_id = $1 AND number = $2",
        &[tenant.into(), number.into()],
    )
}

/// Whether there is a message that was looked at and is older than a moment.
pub(super) fn any_before(tx: &mut Tx<'_>, tenant: &TenantId, before: Time) -> Result<bool> {
    let found = tx.query_one(
        "SELECT 1 FROM message WHERE tenant_id = $1 AND created_at < $2 AND settled = 1 LIMIT 1",
        &[tenant.into(), before.into()],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

/// Removes some such messages with their receipts, and tells how many.
pub(super) fn remove_before(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    before: Time,
    limit: i64,
) -> Result<u64> {
    let numbers = tx.query_all(
        "SELECT number FROM message WHERE tenant_id = $1 AND created_at < $2 AND settled = 1 \
         ORDER BY created_at LIMIT $3",
        &[tenant.into(), before.into(), limit.into()],
        |row| row.int(0),
    )?;
    for number in &numbers {
        tx.queue(
            "DELETE FROM receipt WHERE tenant_id = $1 AND message = $2",
            &[tenant.into(), (*number).into()],
        )?;
        tx.queue(
            "DELETE FROM message WHERE tenant_id = $1 AND number = $2",
            &[tenant.into(), (*number).into()],
        )?;
    }
    Ok(numbers.len() as u64)
}
