//! Handing an agent what is new, as text for a model.
//!
//! A hook shows messages without being asked. So it gets few characters, each
//! message labelled with who wrote it and cut, with the command that shows the
//! rest. A client may die between the answer and the screen: what was handed
//! out counts as delivered only once the client says that it has shown it, and
//! is handed out again until then. So nothing is lost, and nothing is shown
//! twice by a client that remembers what it has shown. One that remembers
//! nothing could never say so: with it, handing out is delivering.

use coro_api::limits::MESSAGE_CHARS_SHOWN_MAX;
use coro_api::messages::{DeliveredBy, ReceiptState};
use coro_api::numbers::MessageNumber;

use super::store::Unread;
use super::{ReceiptRow, store};
use crate::db::Tx;
use crate::error::Result;
use crate::ids::{AgentId, TenantId};

/// The most characters that one delivery shows.
const DELIVERY_CHARS_MAX: usize = 4_000;

/// The most messages that are looked at for one delivery: more never fit.
const CANDIDATES_MAX: i64 = 60;

/// The most blocking messages that are named.
const BLOCKING_MAX: i64 = 50;

/// What an agent has not seen yet, ready for a model to read.
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    /// The oldest first, each with its label and cut.
    pub messages: Vec<(MessageNumber, String)>,
    /// How many more nothing has shown to it.
    pub more: i64,
    /// Those that hold the agent until it reads, acknowledges or answers them:
    /// whatever each asks for.
    pub blocking: Vec<MessageNumber>,
}

impl Delivery {
    /// Whether a message comes with it.
    pub fn hands_out(&self, number: MessageNumber) -> bool {
        self.messages.iter().any(|(one, _)| *one == number)
    }
}

/// Hands an agent what is new, by its hook.
///
/// A client that remembers what it has shown confirms it with its next call;
/// until then it is handed out again, and the client drops it. To a client that
/// remembers nothing (`shown` is `None`) what is handed out is delivered by that.
pub fn deliver(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
    shown: Option<&[MessageNumber]>,
) -> Result<Delivery> {
    confirm_shown(tx, tenant, agent, shown.unwrap_or_default())?;
    let delivery = next_of(tx, tenant, agent)?;
    for (number, _) in &delivery.messages {
        let Some(receipt) = store::receipt(tx, tenant, number.0, agent)? else {
            continue;
        };
        match shown {
            Some(_) => mark_handed(tx, tenant, receipt)?,
            None => mark_delivered(tx, tenant, receipt, DeliveredBy::Hook)?,
        }
    }
    Ok(delivery)
}

/// A client has shown messages that were handed out. Numbers of others say
/// nothing.
pub fn confirm_shown(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
    shown: &[MessageNumber],
) -> Result<()> {
    for number in shown {
        let found = store::receipt(tx, tenant, number.0, agent)?;
        if let Some(receipt) = found.filter(|receipt| receipt.handed_at.is_some()) {
            mark_delivered(tx, tenant, receipt, DeliveredBy::Hook)?;
        }
    }
    Ok(())
}

/// How many messages the agents of a project, or of all, have not read; agents
/// that have read all are left out.
pub fn unread_of_agents(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: Option<&str>,
) -> Result<Vec<(AgentId, i64)>> {
    match project {
        Some(project) => store::count_unread_in_project(tx, tenant, project),
        None => store::count_unread_of_each(tx, tenant),
    }
}

/// How many messages nothing has shown to an agent yet.
pub fn count_new(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentId) -> Result<i64> {
    store::count_unread(tx, tenant, agent, Unread::Queued)
}

/// The messages that hold an agent, see [`Delivery::blocking`].
pub fn blocking_of(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
) -> Result<Vec<MessageNumber>> {
    let numbers = store::blocking(tx, tenant, agent, BLOCKING_MAX)?;
    Ok(numbers.into_iter().map(MessageNumber).collect())
}

/// The texts of some messages that do not come with a delivery, as far as that
/// has left room; of the others the labels.
pub fn texts_besides(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    delivery: &Delivery,
    numbers: &[MessageNumber],
) -> Result<Vec<String>> {
    let now = tx.now();
    let taken: usize = delivery
        .messages
        .iter()
        .map(|(_, text)| text.chars().count())
        .sum();
    let mut room = DELIVERY_CHARS_MAX.saturating_sub(taken);
    let mut texts = Vec::new();
    for number in numbers
        .iter()
        .filter(|number| !delivery.hands_out(**number))
    {
        let Some(row) = store::find(tx, tenant, number.0)? else {
            continue;
        };
        let message = row.shown(&[], now)?;
        let text = message.brief();
        let chars = text.chars().count();
        texts.push(if chars <= room { text } else { message.label() });
        room = room.saturating_sub(chars);
    }
    Ok(texts)
}

fn mark_handed(tx: &mut Tx<'_>, tenant: &TenantId, receipt: ReceiptRow) -> Result<()> {
    if receipt.handed_at.is_some() {
        return Ok(());
    }
    let receipt = ReceiptRow {
        handed_at: Some(tx.now()),
        ..receipt
    };
    store::update_receipt(tx, tenant, &receipt)
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
    let chars_max = i64::try_from(MESSAGE_CHARS_SHOWN_MAX).unwrap_or(i64::MAX);
    let rows = store::unread(tx, tenant, agent, Unread::Queued, chars_max, CANDIDATES_MAX)?;
    let now = tx.now();
    let mut delivery = Delivery::default();
    let mut chars = 0;
    for row in &rows {
        let text = row.shown(&[], now)?.brief();
        chars += text.chars().count() + 1;
        if chars > DELIVERY_CHARS_MAX && !delivery.messages.is_empty() {
            break;
        }
        delivery.messages.push((row.number(), text));
    }
    let shown = delivery.messages.len();
    if shown < rows.len() || rows.len() as i64 == CANDIDATES_MAX {
        let shown = i64::try_from(shown).unwrap_or(i64::MAX);
        delivery.more = store::count_unread(tx, tenant, agent, Unread::Queued)? - shown;
    }
    delivery.blocking = blocking_of(tx, tenant, agent)?;
    Ok(delivery)
}
