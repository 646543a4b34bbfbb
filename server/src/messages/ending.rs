//! The end of messages: time is over, the recipient has ended, or they are
//! forgotten.
//!
//! Whoever sent what was not dealt with hears so once, by an event of each and,
//! where it is an agent, by one message of the server's about all that ended
//! together. About such a message nobody hears again.

use std::collections::BTreeMap;

use coro_api::limits::MESSAGE_SECONDS_MAX;
use coro_api::messages::{AnswerState, MessageKind, ReceiptState};
use serde_json::json;

use super::notices::{draft_to, store_notice};
use super::{AskRow, Draft, MessageRow, ReceiptRow, server_entry, store};
use crate::agents::living_agent;
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::ids::{AgentId, TenantId};

/// How many messages one transaction ends or forgets.
const STEP: i64 = 200;

/// How many receipts one transaction closes before it leaves the next message
/// to another: one to a project may have a thousand.
const RECEIPTS_OF_STEP: usize = 2_000;

/// How many names or numbers a text lists before it counts the rest.
const LISTED_MAX: usize = 10;

/// How many names it lists of each message, where it tells of several.
const LISTED_OF_EACH_MAX: usize = 3;

/// Where an agent finds what it is told no more.
const ELSEWHERE: &str = "coro-cli messages get tells how far a message is";

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
        db.write(tenant, move |tx| expire_some(tx, &of)).await?;
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

/// A message that was not dealt with in time, and the names of those who did
/// not.
struct Late {
    message: MessageRow,
    names: Vec<String>,
}

impl Late {
    fn in_words(&self, names_max: usize) -> String {
        let (number, names) = (self.message.number(), listed(&self.names, names_max));
        format!("{number} to {names}")
    }

    fn what(&self) -> &'static str {
        match (self.message.is_ask(), self.message.needs_ack) {
            (true, _) => "unanswered",
            (false, true) => "unacknowledged",
            (false, false) => "unread",
        }
    }
}

/// Ends some messages whose time is over, and tells each sender once.
fn expire_some(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<()> {
    let now = tx.now();
    let mut by_sender: BTreeMap<AgentId, Vec<Late>> = BTreeMap::new();
    let mut closed = 0;
    for message in store::due(tx, tenant, now, STEP)? {
        let receipts = store::receipts(tx, tenant, message.number)?;
        closed += receipts.len();
        let names = expire(tx, tenant, &message, receipts)?;
        if let (false, Some(sender)) = (names.is_empty(), message.sender_agent.clone()) {
            by_sender
                .entry(sender)
                .or_default()
                .push(Late { message, names });
        }
        if closed >= RECEIPTS_OF_STEP {
            break;
        }
    }
    for late in by_sender.into_values() {
        let about: Vec<&MessageRow> = late.iter().map(|one| &one.message).collect();
        bounce(tx, tenant, &about, told_of(&late))?;
    }
    Ok(())
}

fn told_of(late: &[Late]) -> String {
    if let [one] = late {
        return format!("{} expired {}", one.in_words(LISTED_MAX), one.what());
    }
    let each = |one: &Late| format!("{} {}", one.in_words(LISTED_OF_EACH_MAX), one.what());
    let texts: Vec<String> = late.iter().map(each).collect();
    let texts = listed(&texts, LISTED_MAX);
    format!("{} messages expired: {texts}", late.len())
}

/// Closes what is open of a message that is due, and tells who did not deal
/// with it, where anybody wants to hear it.
fn expire(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    message: &MessageRow,
    receipts: Vec<ReceiptRow>,
) -> Result<Vec<String>> {
    store::settle(tx, tenant, message.number)?;
    let mut late = Vec::new();
    for receipt in receipts.into_iter().filter(|receipt| receipt.open) {
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
        return Ok(Vec::new());
    }
    let note = json!({ "from": message.sender_name, "recipients": late.len() });
    tx.emit(tenant, server_entry("coro.message.expired", message, note))?;
    Ok(late)
}

/// Returns what an agent that has ended did not read to whoever sent it. What is
/// due is left to the sweep: it has expired.
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
        let numbers = listed(&numbers, LISTED_MAX);
        let text = format!("{name} has ended before it dealt with {numbers}");
        bounce(tx, tenant, &messages, text)?;
    }
    Ok(())
}

/// Writes to the agent that sent some messages, where it lives. So much may wait
/// for it that it is told no more: the receipts and the log have it all.
pub(super) fn bounce(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    messages: &[&MessageRow],
    text: String,
) -> Result<()> {
    let Some((about, others)) = messages.split_first() else {
        return Ok(());
    };
    let sender = match &about.sender_agent {
        Some(id) => living_agent(tx, tenant, id)?,
        None => None,
    };
    let Some(to) = sender else {
        return Ok(());
    };
    // One about several answers none of them: whoever looks at one of them has
    // not heard of the others by that.
    let reply_to = match others.is_empty() {
        true => Some((about.number, about.thread)),
        false => None,
    };
    let draft = Draft {
        project: about.project.clone(),
        reply_to,
        ..draft_to(&to, text)
    };
    store_notice(tx, tenant, to, draft, ELSEWHERE)?;
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
fn listed(words: &[String], max: usize) -> String {
    let first = words.iter().take(max).cloned().collect::<Vec<_>>();
    let first = first.join(", ");
    match words.len().saturating_sub(max) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
