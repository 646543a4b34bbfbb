//! The end of messages: time is over, the recipient has ended, or they are
//! forgotten.
//!
//! Whoever sent what was not dealt with hears so once, by an event and, where
//! it is an agent, by a message of the server's. About such a message nobody
//! hears again.

use std::collections::BTreeMap;

use coro_api::limits::MESSAGE_SECONDS_MAX;
use coro_api::messages::{AnswerState, MessageKind, ReceiptState, ToKind};
use serde_json::json;

use super::{AskRow, Draft, MessageRow, ReceiptRow, Sender, server_entry, store, store_message};
use crate::agents::living_agent;
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::ids::{AgentId, TenantId};

/// How many messages one transaction ends or forgets.
const STEP: i64 = 200;

/// How many names or numbers a text lists before it counts the rest.
const LISTED_MAX: usize = 10;

/// Ends the messages whose time is over, then forgets those that are old.
pub async fn sweep(db: &Db, tenant: &TenantId) -> Result<()> {
    loop {
        let of = tenant.clone();
        let due = db.read(move |tx| {
            let now = tx.now();
            Ok(!store::due(tx, &of, now, 1)?.is_empty())
        });
        if !due.await? {
            break;
        }
        let of = tenant.clone();
        db.write(tenant, move |tx| {
            let now = tx.now();
            for message in store::due(tx, &of, now, STEP)? {
                expire(tx, &of, &message)?;
            }
            Ok(())
        })
        .await?;
    }
    forget(db, tenant).await
}

/// Removes what is older than messages are kept.
async fn forget(db: &Db, tenant: &TenantId) -> Result<()> {
    loop {
        let of = tenant.clone();
        let any = db.read(move |tx| {
            let before = tx.now().plus_seconds(-MESSAGE_SECONDS_MAX);
            store::any_before(tx, &of, before)
        });
        if !any.await? {
            return Ok(());
        }
        let of = tenant.clone();
        db.write(tenant, move |tx| {
            let before = tx.now().plus_seconds(-MESSAGE_SECONDS_MAX);
            store::remove_before(tx, &of, before, STEP)
        })
        .await?;
    }
}

/// Closes what is open of a message that is due, and tells its sender.
fn expire(tx: &mut Tx<'_>, tenant: &TenantId, message: &MessageRow) -> Result<()> {
    store::settle(tx, tenant, message.number)?;
    let mut late = Vec::new();
    for receipt in store::receipts(tx, tenant, message.number)? {
        if !receipt.open {
            continue;
        }
        let is_late = receipt.is_owed(message);
        let receipt = ReceiptRow {
            open: false,
            state: match is_late {
                true => ReceiptState::Expired,
                false => receipt.state,
            },
            ..receipt
        };
        store::update_receipt(tx, tenant, &receipt)?;
        if is_late {
            late.push(receipt.agent_name);
        }
    }
    if let Some(ask) = message.ask.as_ref()
        && ask.state == AnswerState::Waiting
    {
        let state = AnswerState::Expired;
        let ask = AskRow {
            state,
            ..ask.clone()
        };
        store::set_ask(tx, tenant, message.number, &ask)?;
    }
    if late.is_empty() || !is_answered_for(message) {
        return Ok(());
    }
    let note = json!({ "from": message.sender_name, "recipients": late.len() });
    tx.emit(tenant, server_entry("coro.message.expired", message, note))?;
    let (number, names) = (message.number(), listed(&late));
    let what = match (message.is_ask(), message.needs_ack) {
        (true, _) => "unanswered",
        (false, true) => "unacknowledged",
        (false, false) => "unread",
    };
    let text = format!("{number} to {names} expired {what}");
    bounce(tx, tenant, message, text)
}

/// Returns what an agent that has ended did not read to whoever sent it.
pub fn agent_ended(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentId) -> Result<()> {
    let owed = store::owed_by_agent(tx, tenant, agent)?;
    let Some(name) = name_of(tx, tenant, &owed, agent)? else {
        return store::close_of_agent(tx, tenant, agent);
    };
    store::close_of_agent(tx, tenant, agent)?;
    let mut by_sender: BTreeMap<&AgentId, Vec<&MessageRow>> = BTreeMap::new();
    for message in owed.iter().filter(|message| is_answered_for(message)) {
        if let Some(ask) = &message.ask {
            let failed = AskRow {
                state: AnswerState::Failed,
                failure: Some(format!("the agent {name:?} has ended")),
                ..ask.clone()
            };
            store::set_ask(tx, tenant, message.number, &failed)?;
        }
        let note = json!({ "from": message.sender_name, "agent": name });
        let entry = server_entry("coro.message.bounced", message, note);
        tx.emit(tenant, entry)?;
        if let Some(sender) = &message.sender_agent {
            by_sender.entry(sender).or_default().push(message);
        }
    }
    for messages in by_sender.into_values() {
        let numbers: Vec<String> = messages.iter().map(|m| m.number().to_string()).collect();
        let text = format!("{name} has ended before it dealt with {}", listed(&numbers));
        bounce(tx, tenant, messages[0], text)?;
    }
    Ok(())
}

/// Writes to the agent that sent a message, where it lives.
pub(super) fn bounce(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    about: &MessageRow,
    text: String,
) -> Result<()> {
    let sender = match &about.sender_agent {
        Some(id) => living_agent(tx, tenant, id)?,
        None => None,
    };
    let Some(to) = sender else {
        return Ok(());
    };
    let draft = Draft {
        project: about.project.clone(),
        kind: MessageKind::Bounce,
        to_kind: ToKind::Agent,
        to_name: to.name.clone(),
        text,
        reply_to: Some((about.number, about.thread)),
        needs_ack: false,
        blocking: false,
        expires_in_seconds: None,
        schema: None,
    };
    store_message(tx, tenant, Sender::system(), draft, &[(to.id, to.name)])?;
    Ok(())
}

/// Whether anybody wants to hear what became of it.
fn is_answered_for(message: &MessageRow) -> bool {
    matches!(message.kind, MessageKind::Message | MessageKind::Ask)
}

/// The agent's name, as its receipts have it.
fn name_of(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    owed: &[MessageRow],
    agent: &AgentId,
) -> Result<Option<String>> {
    let Some(message) = owed.first() else {
        return Ok(None);
    };
    let receipt = store::receipt(tx, tenant, message.number, agent)?;
    Ok(receipt.map(|receipt| receipt.agent_name))
}

/// The first of some words, and how many there are besides.
fn listed(words: &[String]) -> String {
    let first = words.iter().take(LISTED_MAX).cloned().collect::<Vec<_>>();
    let first = first.join(", ");
    match words.len().saturating_sub(LISTED_MAX) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
