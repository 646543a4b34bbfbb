//! Messages: from one to an agent, a role or a project, with a receipt for
//! each recipient.
//!
//! Whoever a message is for is resolved when it is sent ([`send`]): nobody gets
//! later what was sent before. A receipt moves forward only: queued, delivered,
//! read, acknowledged; or undeliverable, where the agent ends before that, or
//! expired. It is `open` while something is expected of the agent. That a
//! message was handed out, delivered or read is bookkeeping; that it was sent,
//! acknowledged, expired or returned is an event, without the text, which only
//! sender, recipients, owner and controllers see.
//!
//! An agent gets its messages by a hook ([`delivery`]) or by looking
//! ([`reading`]). What it does not deal with in time, or before it ends, goes
//! back to the sender as one message of the server's ([`ending`]), about which
//! nobody is told again; what became of its requests it hears the same way
//! ([`notices`]). An ask ([`asks`]) is a message that is dealt with by an
//! answer of a given form.

mod acknowledging;
mod asks;
mod channel;
mod delivery;
mod ending;
mod lists;
mod notices;
mod reading;
pub mod routes;
mod schema;
mod send;
mod store;

use coro_api::limits::{MESSAGE_BYTES_MAX, MESSAGE_SECONDS_MAX};
use coro_api::messages::{
    AnswerState, Ask, DeliveredBy, Message, MessageKind, Receipt, ReceiptState, ToKind,
};
use coro_api::names::check_prose;
use coro_api::numbers::MessageNumber;
use coro_api::tokens::Role;
use serde_json::Value;

pub use acknowledging::acknowledge_message;
pub use asks::{answer_ask, ask_agent};
pub use channel::read_channel;
pub use delivery::{
    Delivery, blocking_of, confirm_shown, count_new, deliver, texts_besides, unread_of_agents,
};
pub use ending::{agent_ended, sweep};
pub use lists::{MessageFilter, list_messages};
pub use notices::tell_agent;
pub use reading::{get_message, read_inbox};
pub use send::{reply_to_message, send_message};

use crate::app::Ctx;
use crate::clock::Time;
use crate::db::{NewEntry, SYSTEM, Tx};
use crate::error::{Error, Result, conflict, internal, invalid, not_found};
use crate::ids::{AgentId, TenantId};

/// What changes of messages that somebody may wait for are published as.
const TOPICS: &str = "coro.message.*";

/// What [`SYSTEM`] is called where it sends.
const SYSTEM_NAME: &str = "coro";

/// A message as it is stored.
#[derive(Clone, Debug)]
struct MessageRow {
    number: i64,
    project: String,
    /// The actor who sent it.
    sender: String,
    /// Absent where that is no registered agent.
    sender_agent: Option<AgentId>,
    sender_name: String,
    kind: MessageKind,
    to_kind: ToKind,
    to_name: String,
    /// All of it, or as much as was asked for.
    text: String,
    /// How many characters all of it has.
    chars: i64,
    thread: i64,
    reply_to: Option<i64>,
    needs_ack: bool,
    blocking: bool,
    created_at: Time,
    expires_at: Option<Time>,
    /// When what is open ends: at `expires_at`, else before it is forgotten.
    due_at: Time,
    ask: Option<AskRow>,
}

/// What a message asks for.
#[derive(Clone, Debug)]
struct AskRow {
    state: AnswerState,
    /// Answers that did not fit.
    tries: i64,
    /// JSON, where it was asked for.
    schema: Option<String>,
    answer: Option<String>,
    failure: Option<String>,
}

/// How far a message has come with an agent.
#[derive(Clone, Debug)]
struct ReceiptRow {
    message: i64,
    agent: AgentId,
    agent_name: String,
    state: ReceiptState,
    /// Whether something is expected of the agent.
    open: bool,
    how: Option<DeliveredBy>,
    handed_at: Option<Time>,
    delivered_at: Option<Time>,
    read_at: Option<Time>,
    acknowledged_at: Option<Time>,
}

impl MessageRow {
    fn number(&self) -> MessageNumber {
        MessageNumber(self.number)
    }

    fn is_due(&self, now: Time) -> bool {
        self.due_at <= now
    }

    fn is_ask(&self) -> bool {
        self.kind == MessageKind::Ask
    }

    /// Who sent it, as receipts count it: the agent, else the actor.
    fn sender_key(&self) -> &str {
        sender_key(self.sender_agent.as_ref(), &self.sender)
    }

    /// Whether more is expected than that it arrives.
    fn wants_more(&self) -> bool {
        self.needs_ack || self.is_ask() || self.expires_at.is_some()
    }

    /// What became of an ask, as it is now.
    fn ask_state(&self, now: Time) -> Option<AnswerState> {
        let ask = self.ask.as_ref()?;
        Some(match ask.state {
            AnswerState::Waiting if self.is_due(now) => AnswerState::Expired,
            state => state,
        })
    }

    fn shown(&self, receipts: &[ReceiptRow], now: Time) -> Result<Message> {
        let json = |text: &Option<String>| -> Result<Option<Value>> {
            let text = text.as_deref();
            text.map(|text| serde_json::from_str(text).map_err(internal))
                .transpose()
        };
        let ask = match (&self.ask, self.ask_state(now)) {
            (Some(ask), Some(state)) => Some(Ask {
                state,
                schema: json(&ask.schema)?,
                tries: ask.tries,
                answer: json(&ask.answer)?,
                failure: ask.failure.clone(),
            }),
            _ => None,
        };
        Ok(Message {
            number: self.number(),
            kind: self.kind,
            project: self.project.clone(),
            sender: self.sender.clone(),
            from: self.sender_name.clone(),
            to_kind: self.to_kind,
            to: self.to_name.clone(),
            text: self.text.clone(),
            chars: self.chars,
            thread: MessageNumber(self.thread),
            reply_to: self.reply_to.map(MessageNumber),
            needs_ack: self.needs_ack,
            blocking: self.blocking,
            created_at: self.created_at.to_string(),
            expires_at: self.expires_at.map(|at| at.to_string()),
            ask,
            receipts: receipts
                .iter()
                .map(|receipt| receipt.shown(self, now))
                .collect(),
        })
    }
}

impl ReceiptRow {
    /// The state as it is now: what is due is over, whether a sweep was there
    /// or not.
    fn state(&self, message: &MessageRow, now: Time) -> ReceiptState {
        match self.open && message.is_due(now) && self.is_owed(message) {
            true => ReceiptState::Expired,
            false => self.state,
        }
    }

    /// Whether its sender hears where the agent does nothing more.
    fn is_owed(&self, message: &MessageRow) -> bool {
        self.open && (self.state == ReceiptState::Queued || message.wants_more())
    }

    fn is_unread(&self) -> bool {
        self.open && matches!(self.state, ReceiptState::Queued | ReceiptState::Delivered)
    }

    fn shown(&self, message: &MessageRow, now: Time) -> Receipt {
        Receipt {
            message: MessageNumber(self.message),
            agent_id: self.agent.to_string(),
            agent: self.agent_name.clone(),
            state: self.state(message, now),
            how: self.how,
            delivered_at: self.delivered_at.map(|at| at.to_string()),
            read_at: self.read_at.map(|at| at.to_string()),
            acknowledged_at: self.acknowledged_at.map(|at| at.to_string()),
        }
    }
}

/// A message that the caller may see.
struct Seen {
    message: MessageRow,
    /// The caller's own receipt, where it is for the caller.
    own: Option<ReceiptRow>,
    /// Whether the caller sees all receipts.
    sees_all: bool,
}

/// The message of a number, where the caller sent it, got it, or leads its
/// project. For anybody else there is none.
fn find_seen(tx: &mut Tx<'_>, ctx: &Ctx, number: MessageNumber) -> Result<Seen> {
    let caller = &ctx.caller;
    let found = store::find(tx, &caller.tenant, number.0)?;
    if let Some(message) = found.filter(|message| caller.sees_project(&message.project)) {
        let own = match &caller.agent {
            Some(agent) => store::receipt(tx, &caller.tenant, number.0, &agent.id)?,
            None => None,
        };
        let sees_all = is_sender(ctx, &message) || leads(ctx);
        let is_to_caller = message.to_kind == ToKind::Caller && message.to_name == caller.actor;
        if sees_all || is_to_caller || own.is_some() {
            return Ok(Seen {
                message,
                own,
                sees_all,
            });
        }
    }
    Err(not_found("message", &number.to_string()).hint("list yours: coro-cli messages list"))
}

fn leads(ctx: &Ctx) -> bool {
    matches!(ctx.caller.role, Role::Owner | Role::Controller)
}

fn is_sender(ctx: &Ctx, message: &MessageRow) -> bool {
    match (&message.sender_agent, &ctx.caller.agent) {
        (Some(sender), Some(own)) => *sender == own.id,
        (None, _) => message.sender == ctx.caller.actor,
        (Some(_), None) => false,
    }
}

fn check_text(what: &str, text: &str) -> Result<()> {
    if text.trim().is_empty() {
        return Err(invalid(format!("the {what} is empty")));
    }
    Ok(check_prose(what, text, MESSAGE_BYTES_MAX)?)
}

fn check_expiry(seconds: Option<i64>) -> Result<()> {
    match seconds {
        Some(seconds) if !(1..=MESSAGE_SECONDS_MAX).contains(&seconds) => Err(invalid(format!(
            "expires_in_seconds is {seconds}; it takes 1 to {MESSAGE_SECONDS_MAX} (30 days)"
        ))),
        _ => Ok(()),
    }
}

/// It is too late for a message.
fn expired(message: &MessageRow) -> Error {
    let (number, at) = (message.number(), message.due_at);
    conflict(format!(
        "{number} has expired at {at}; its sender is told so"
    ))
    .hint(format!("write to the sender: coro-cli reply {number} TEXT"))
}

/// An entry by the server itself.
fn server_entry(topic: &'static str, message: &MessageRow, note: Value) -> NewEntry {
    let subject = message.number().to_string();
    NewEntry::new(topic, SYSTEM, &subject, &message.project).note(note)
}

/// An entry by the caller.
fn entry(ctx: &Ctx, topic: &'static str, message: &MessageRow, note: Value) -> NewEntry {
    let subject = message.number().to_string();
    ctx.entry(topic, &subject, &message.project).note(note)
}

/// What is to be stored of a new message; the rest is known.
struct Draft {
    project: String,
    kind: MessageKind,
    to_kind: ToKind,
    to_name: String,
    text: String,
    /// The message that it belongs to.
    reply_to: Option<(i64, i64)>,
    needs_ack: bool,
    blocking: bool,
    expires_in_seconds: Option<i64>,
    /// Of an ask.
    schema: Option<String>,
}

/// Who sends.
struct Sender {
    actor: String,
    agent: Option<AgentId>,
    name: String,
}

impl Sender {
    fn system() -> Sender {
        Sender {
            actor: SYSTEM.to_owned(),
            agent: None,
            name: SYSTEM_NAME.to_owned(),
        }
    }

    fn key(&self) -> &str {
        sender_key(self.agent.as_ref(), &self.actor)
    }
}

fn sender_key<'a>(agent: Option<&'a AgentId>, actor: &'a str) -> &'a str {
    agent.map_or(actor, AgentId::as_str)
}

/// Stores a message and a receipt for each recipient.
fn store_message(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    sender: Sender,
    draft: Draft,
    recipients: &[(AgentId, String)],
) -> Result<MessageRow> {
    let now = tx.now();
    let number = crate::numbers::next_number(tx, tenant, "message")?;
    let expires_at = draft
        .expires_in_seconds
        .map(|seconds| now.plus_seconds(seconds));
    let message = MessageRow {
        number,
        project: draft.project,
        sender: sender.actor,
        sender_agent: sender.agent,
        sender_name: sender.name,
        kind: draft.kind,
        to_kind: draft.to_kind,
        to_name: draft.to_name,
        chars: i64::try_from(draft.text.chars().count()).unwrap_or(i64::MAX),
        text: draft.text,
        thread: draft.reply_to.map_or(number, |(_, thread)| thread),
        reply_to: draft.reply_to.map(|(number, _)| number),
        needs_ack: draft.needs_ack,
        blocking: draft.blocking,
        created_at: now,
        expires_at,
        due_at: expires_at.unwrap_or(now.plus_seconds(MESSAGE_SECONDS_MAX)),
        ask: draft.schema.map(|schema| AskRow {
            state: AnswerState::Waiting,
            tries: 0,
            schema: Some(schema),
            answer: None,
            failure: None,
        }),
    };
    store::insert(tx, tenant, &message)?;
    for (id, name) in recipients {
        store::insert_receipt(tx, tenant, &message, id, name)?;
    }
    Ok(message)
}
