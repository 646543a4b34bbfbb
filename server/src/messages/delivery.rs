//! Handing an agent what is new, as text for a model.
//!
//! A hook shows messages without being asked. So it gets few characters, each
//! message labelled with who wrote it and cut, with the command that shows the
//! rest. A client may die between the answer and the screen: what was handed
//! out counts as delivered only once the client says that it has shown it
//! ([`deliver`]), and is handed out again until then. So nothing is lost, and
//! nothing is shown twice by a client that remembers what it has shown.

use coro_api::messages::{DeliveredBy, Message, ReceiptState};
use coro_api::numbers::MessageNumber;

use super::store::Unread;
use super::{ReceiptRow, store};
use crate::db::Tx;
use crate::error::Result;
use crate::ids::{AgentId, TenantId};

/// The most characters that one delivery shows.
const DELIVERY_CHARS_MAX: usize = 4_000;

/// The most characters that it shows of one message.
const MESSAGE_CHARS_MAX: usize = 1_200;

/// The most messages that are looked at for one delivery: more never fit.
const CANDIDATES_MAX: i64 = 60;

/// The most blocking messages that are named.
const BLOCKING_MAX: i64 = 50;

/// What an agent has not seen yet, ready for a model to read.
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    /// The messages that the text shows, so that they can be confirmed.
    pub numbers: Vec<MessageNumber>,
    /// Labelled, cut to the budget; empty where nothing is new.
    pub text: String,
    /// The part of the text that each of the numbers has, for a client that
    /// drops what it has shown already.
    pub parts: Vec<String>,
    /// Those that hold the agent until it reads, acknowledges or answers them:
    /// whatever each asks for.
    pub blocking: Vec<MessageNumber>,
}

/// Hands an agent what is new, by its hook. What was shown is confirmed with
/// the next call (`shown`); until then it is handed out again, and the hook
/// drops what it has shown already.
pub fn deliver(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
    shown: &[MessageNumber],
) -> Result<Delivery> {
    for number in shown {
        confirm(tx, tenant, agent, *number)?;
    }
    let delivery = next_of(tx, tenant, agent)?;
    let now = tx.now();
    for number in &delivery.numbers {
        if let Some(receipt) = store::receipt(tx, tenant, number.0, agent)?
            && receipt.handed_at.is_none()
        {
            let handed_at = Some(now);
            store::update_receipt(
                tx,
                tenant,
                &ReceiptRow {
                    handed_at,
                    ..receipt
                },
            )?;
        }
    }
    Ok(delivery)
}

/// As [`deliver`], for a client that remembers nothing: what is handed out is
/// delivered by that, and is not handed out again.
pub fn deliver_once(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentId) -> Result<Delivery> {
    let delivery = next_of(tx, tenant, agent)?;
    for number in &delivery.numbers {
        if let Some(receipt) = store::receipt(tx, tenant, number.0, agent)? {
            mark_delivered(tx, tenant, receipt, DeliveredBy::Hook)?;
        }
    }
    Ok(delivery)
}

/// How many messages an agent has not read.
pub fn count_unread(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentId) -> Result<i64> {
    store::count_unread(tx, tenant, agent, Unread::All)
}

/// How many messages the agents of a project, or of all, have not read; agents
/// that have read all are left out.
pub fn unread_of_agents(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: Option<&str>,
) -> Result<Vec<(AgentId, i64)>> {
    store::count_unread_of_each(tx, tenant, project)
}

/// How many messages nothing has shown to an agent yet.
pub fn count_new(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentId) -> Result<i64> {
    store::count_unread(tx, tenant, agent, Unread::Queued)
}

/// A message that was handed out was shown. Numbers of others say nothing.
fn confirm(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
    number: MessageNumber,
) -> Result<()> {
    let found = store::receipt(tx, tenant, number.0, agent)?;
    let handed = found.filter(|receipt| receipt.handed_at.is_some());
    match handed {
        Some(receipt) => mark_delivered(tx, tenant, receipt, DeliveredBy::Hook),
        None => Ok(()),
    }
}

pub(super) fn mark_delivered(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    receipt: ReceiptRow,
    how: DeliveredBy,
) -> Result<()> {
    if !receipt.open || receipt.state != ReceiptState::Queued {
        return Ok(());
    }
    let now = tx.now();
    let receipt = ReceiptRow {
        state: ReceiptState::Delivered,
        how: Some(how),
        handed_at: receipt.handed_at.or(Some(now)),
        delivered_at: Some(now),
        ..receipt
    };
    store::update_receipt(tx, tenant, &receipt)
}

/// What fits of what nothing has shown yet, the oldest first.
fn next_of(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentId) -> Result<Delivery> {
    let chars_max = i64::try_from(MESSAGE_CHARS_MAX).unwrap_or(i64::MAX);
    let rows = store::unread(tx, tenant, agent, Unread::Queued, chars_max, CANDIDATES_MAX)?;
    let now = tx.now();
    let mut delivery = Delivery::default();
    let mut chars = 0;
    for row in &rows {
        let part = part_of(&row.shown(&[], now)?);
        chars += part.chars().count() + 1;
        if chars > DELIVERY_CHARS_MAX && !delivery.parts.is_empty() {
            break;
        }
        delivery.numbers.push(row.number());
        delivery.parts.push(part);
    }
    delivery.text = delivery.parts.join("\n");
    if delivery.parts.len() < rows.len() || rows.len() as i64 == CANDIDATES_MAX {
        let shown = i64::try_from(delivery.parts.len()).unwrap_or(i64::MAX);
        let more = store::count_unread(tx, tenant, agent, Unread::Queued)? - shown;
        if more > 0 {
            let more = format!("\nand {more} more: coro-cli inbox");
            delivery.text.push_str(&more);
        }
    }
    delivery.blocking = store::blocking(tx, tenant, agent, BLOCKING_MAX)?
        .into_iter()
        .map(MessageNumber)
        .collect();
    Ok(delivery)
}

/// A message with its label, cut.
fn part_of(message: &Message) -> String {
    let (label, quoted) = (message.label(), message.quoted());
    let given = i64::try_from(message.text.chars().count()).unwrap_or(i64::MAX);
    let is_whole = given == message.chars && quoted.chars().count() <= MESSAGE_CHARS_MAX;
    if is_whole {
        return format!("{label}\n{quoted}");
    }
    let cut: String = quoted.chars().take(MESSAGE_CHARS_MAX).collect();
    let rest = match given == message.chars && message.ask.is_some() {
        true => "the whole of it".to_owned(),
        false => format!("all {} characters", message.chars),
    };
    format!(
        "{label}\n{cut}… (coro-cli messages get {} shows {rest})",
        message.number
    )
}
