//! Asking an agent: a prompt, and an answer of a given form back.
//!
//! An ask is a message to one agent that blocks it until it answers. An answer
//! that does not fit its JSON Schema comes back with the reason, once; after a
//! second one the ask has failed, and the asker hears why. The asker gets the
//! answer as a message, and by looking at the ask.

use coro_api::limits::{ANSWER_BYTES_MAX, WAITING_MESSAGES_MAX};
use coro_api::messages::{AnswerState, Message, MessageKind, NewAsk, Sent, ToKind};
use coro_api::numbers::MessageNumber;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::acknowledging::acknowledge;
use super::ending::bounce;
use super::send::post;
use super::{
    AskRow, Draft, MessageRow, ReceiptRow, Seen, Sender, check_expiry, check_text, entry, expired,
    find_seen, schema, store, store_message,
};
use crate::agents::{agent_named, living_agent, project_for, require_agent};
use crate::app::Ctx;
use crate::db::Tx;
use crate::error::{Error, Reason, Result, conflict, forbidden, internal, invalid, unavailable};
use crate::ids::{AgentId, TenantId};

/// How long an ask waits where nobody says it, in seconds.
const EXPIRES_IN_SECONDS: i64 = 3600;

/// How many answers may fail to fit.
const TRIES_MAX: i64 = 2;

/// Asks an agent.
pub async fn ask_agent(ctx: &Ctx, new: NewAsk) -> Result<Sent> {
    check_text("prompt", &new.prompt)?;
    check_expiry(new.expires_in_seconds)?;
    let given = new.schema.clone();
    let schema = tokio::task::spawn_blocking(move || schema::check(&given));
    let schema = schema.await.map_err(internal)??;
    let job_ctx = ctx.clone();
    ctx.write(move |tx| {
        let project = project_for(tx, &job_ctx, new.project.as_deref())?;
        let to = agent_named(tx, &job_ctx, &project, &new.to)?;
        let own = job_ctx.caller.agent.as_ref();
        if own.is_some_and(|own| own.id == to.id) {
            let name = &to.name;
            return Err(conflict(format!(
                "a question to nobody: {name:?} is the asker itself"
            ))
            .hint("list the agents: coro-cli instances list"));
        }
        if let Some(own) = own {
            check_room_for_answer(tx, &job_ctx.caller.tenant, &own.id)?;
        }
        let draft = Draft {
            project,
            kind: MessageKind::Ask,
            to_kind: ToKind::Agent,
            to_name: to.name.clone(),
            text: new.prompt.clone(),
            reply_to: None,
            needs_ack: false,
            blocking: true,
            expires_in_seconds: new.expires_in_seconds.or(Some(EXPIRES_IN_SECONDS)),
            schema: Some(schema.clone()),
        };
        post(tx, &job_ctx, draft, vec![(to.id, to.name)], None)
    })
    .await
}

/// An answer always reaches its asker, so who has too much to read asks no more.
fn check_room_for_answer(tx: &mut Tx<'_>, tenant: &TenantId, asker: &AgentId) -> Result<()> {
    if store::count_queued(tx, tenant, asker)? < WAITING_MESSAGES_MAX {
        return Ok(());
    }
    Err(conflict(format!(
        "{WAITING_MESSAGES_MAX} messages wait for you already: there is no room for an answer"
    ))
    .hint("read some first: coro-cli inbox"))
}

/// What became of an answer. One that does not fit is written down too, so it
/// is no error of the transaction.
#[derive(Debug, Serialize, Deserialize)]
enum Judged {
    Taken(Box<Message>),
    /// Why it does not fit, and whether another may come.
    Refused {
        why: String,
        is_last: bool,
    },
}

/// Answers an ask that is for the caller.
pub async fn answer_ask(ctx: &Ctx, number: MessageNumber, answer: Value) -> Result<Message> {
    let text = serde_json::to_string(&answer).map_err(internal)?;
    if text.len() > ANSWER_BYTES_MAX {
        return Err(Error::new(
            Reason::TooLarge,
            format!(
                "the answer has {} bytes, more than {ANSWER_BYTES_MAX}",
                text.len()
            ),
        )
        .hint("store it with coro-cli state set, and answer with its key"));
    }
    let job_ctx = ctx.clone();
    let look = move |tx: &mut Tx<'_>| Ok(answerable(tx, &job_ctx, number)?.0);
    let asked = ctx.app.db.read(look).await;
    let judged = match asked {
        Ok(message) => {
            let judged = tokio::task::spawn_blocking(move || judge(&message, &answer));
            Some(judged.await.map_err(internal)??)
        }
        Err(error) if ctx.request.once.is_none() => return Err(error),
        // A repetition of what was taken gets its first answer from the write.
        Err(_) => None,
    };
    let job_ctx = ctx.clone();
    let judged = ctx.write(move |tx| {
        let (message, receipt) = answerable(tx, &job_ctx, number)?;
        match &judged {
            Some(None) => take(tx, &job_ctx, message, receipt, &text),
            Some(Some(why)) => refuse(tx, &job_ctx, message, receipt, why),
            None => Err(unavailable("the ask could not be read before")),
        }
    });
    match judged.await? {
        Judged::Taken(message) => Ok(*message),
        Judged::Refused { why, is_last } => {
            let error = invalid(format!("the answer to {number} does not fit: {why}"));
            Err(match is_last {
                true => error.hint("the ask has failed by that; its asker is told why"),
                false => error.hint(format!(
                    "correct it and answer once more: coro-cli answer {number} JSON"
                )),
            })
        }
    }
}

/// The ask of a number that the caller may answer now, and its receipt.
fn answerable(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    number: MessageNumber,
) -> Result<(MessageRow, ReceiptRow)> {
    let Seen { message, own, .. } = find_seen(tx, ctx, number)?;
    let Some(state) = message.ask_state(tx.now()) else {
        return Err(conflict(format!("{number} asks for no answer"))
            .hint(format!("reply to it: coro-cli reply {number} TEXT")));
    };
    let Some(receipt) = own else {
        let name = &message.to_name;
        return Err(
            forbidden(format!("only the agent {name:?} answers {number}")).hint(format!(
                "see what became of it: coro-cli messages get {number}"
            )),
        );
    };
    match state {
        AnswerState::Waiting => {}
        AnswerState::Expired => return Err(expired(&message)),
        AnswerState::Answered => {
            return Err(conflict(format!("{number} is answered already"))
                .hint(format!("add to it: coro-cli reply {number} TEXT")));
        }
        AnswerState::Failed => {
            let why = message.ask.as_ref().and_then(|ask| ask.failure.clone());
            let why = why.unwrap_or_default();
            return Err(conflict(format!("{number} has failed: {why}"))
                .hint(format!("write to the asker: coro-cli reply {number} TEXT")));
        }
    }
    require_agent(tx, ctx)?;
    Ok((message, receipt))
}

/// Why an answer does not fit, where it does not.
fn judge(message: &MessageRow, answer: &Value) -> Result<Option<String>> {
    let schema = message.ask.as_ref().and_then(|ask| ask.schema.as_deref());
    schema::judge(schema.unwrap_or("{}"), answer)
}

fn take(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    message: MessageRow,
    receipt: ReceiptRow,
    text: &str,
) -> Result<Judged> {
    let tenant = &ctx.caller.tenant;
    let ask = AskRow {
        state: AnswerState::Answered,
        answer: Some(text.to_owned()),
        ..ask_of(&message)?
    };
    let (receipt, message) = finish(tx, ctx, message, receipt, ask)?;
    let note = json!({ "agent": receipt.agent_name, "from": message.sender_name });
    tx.emit(tenant, entry(ctx, "coro.message.answered", &message, note))?;
    if let Some(asker) = &message.sender_agent
        && let Some(to) = living_agent(tx, tenant, asker)?
    {
        let sender = Sender {
            actor: ctx.caller.actor.clone(),
            agent: Some(receipt.agent.clone()),
            name: receipt.agent_name.clone(),
        };
        let draft = Draft {
            project: message.project.clone(),
            kind: MessageKind::Answer,
            to_kind: ToKind::Agent,
            to_name: to.name.clone(),
            text: text.to_owned(),
            reply_to: Some((message.number, message.thread)),
            needs_ack: false,
            blocking: false,
            expires_in_seconds: None,
            schema: None,
        };
        store_message(tx, tenant, sender, draft, &[(to.id, to.name)])?;
    }
    let shown = message.shown(&[receipt], tx.now())?;
    Ok(Judged::Taken(Box::new(shown)))
}

fn refuse(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    message: MessageRow,
    receipt: ReceiptRow,
    why: &str,
) -> Result<Judged> {
    let tenant = &ctx.caller.tenant;
    let mut ask = ask_of(&message)?;
    ask.tries += 1;
    let is_last = ask.tries >= TRIES_MAX;
    if !is_last {
        store::set_ask(tx, tenant, message.number, &ask)?;
    } else {
        ask.state = AnswerState::Failed;
        ask.failure = Some(format!("{TRIES_MAX} answers did not fit; the last: {why}"));
        let (receipt, message) = finish(tx, ctx, message, receipt, ask)?;
        let note = json!({ "agent": receipt.agent_name, "from": message.sender_name });
        let entry = entry(ctx, "coro.message.answer_failed", &message, note);
        tx.emit(tenant, entry)?;
        let (number, name) = (message.number(), &receipt.agent_name);
        let text = format!("{number} to {name} failed: {TRIES_MAX} answers did not fit: {why}");
        bounce(tx, tenant, &[&message], text)?;
    }
    Ok(Judged::Refused {
        why: why.to_owned(),
        is_last,
    })
}

/// Writes what became of an ask; its agent has dealt with it.
fn finish(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    message: MessageRow,
    receipt: ReceiptRow,
    ask: AskRow,
) -> Result<(ReceiptRow, MessageRow)> {
    store::set_ask(tx, &ctx.caller.tenant, message.number, &ask)?;
    let receipt = acknowledge(tx, ctx, &message, receipt)?;
    let message = MessageRow {
        ask: Some(ask),
        ..message
    };
    Ok((receipt, message))
}

fn ask_of(message: &MessageRow) -> Result<AskRow> {
    let ask = message.ask.clone();
    ask.ok_or_else(|| internal(anyhow::anyhow!("an ask without what it asks for")))
}
