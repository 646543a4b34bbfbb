//! Sending: who a message is for, and that it is stored.

use std::collections::HashSet;

use coro_api::limits::{MESSAGES_OF_SENDER_MAX, RECIPIENTS_MAX, WAITING_MESSAGES_MAX};
use coro_api::messages::{MessageKind, NewMessage, NewReply, Sent, ToKind};
use coro_api::numbers::MessageNumber;
use coro_api::tokens::Role;
use serde_json::json;

use super::{
    Draft, MessageRow, Seen, Sender, check_expiry, check_text, entry, find_seen, is_sender, store,
    store_message,
};
use crate::agents::{AgentRef, agent_named, caller_agent, living_agents, project_for};
use crate::app::Ctx;
use crate::db::{SYSTEM, Tx};
use crate::error::{Result, conflict, invalid};
use crate::ids::{AgentId, TenantId};
use crate::messages::acknowledging::deal_with;
use crate::tokens::roles_of_agents;

/// Who is meant.
#[derive(Clone, Debug)]
enum Target {
    Agent(String),
    Role(Role),
    All,
}

/// An agent that a message is for: its id and its name.
type Recipient = (AgentId, String);

/// Sends a message to an agent, a role or a project.
pub async fn send_message(ctx: &Ctx, new: NewMessage) -> Result<Sent> {
    check_text("text", &new.text)?;
    check_expiry(new.expires_in_seconds)?;
    let target = target_of(&new)?;
    let job_ctx = ctx.clone();
    ctx.write(move |tx| {
        let replied = match new.reply_to {
            Some(number) => Some(find_seen(tx, &job_ctx, number)?),
            None => None,
        };
        let project = project_for(tx, &job_ctx, new.project.as_deref())?;
        if let Some(seen) = &replied {
            check_same_project(&seen.message, &project)?;
        }
        let (to_kind, to_name) = match &target {
            Target::Agent(name) => (ToKind::Agent, name.clone()),
            Target::Role(role) => (ToKind::Role, role.word().to_owned()),
            Target::All => (ToKind::Project, project.clone()),
        };
        let recipients = recipients_of(tx, &job_ctx, &project, &target)?;
        let draft = Draft {
            project,
            kind: MessageKind::Message,
            to_kind,
            to_name,
            text: new.text.clone(),
            reply_to: replied
                .as_ref()
                .map(|seen| (seen.message.number, seen.message.thread)),
            needs_ack: new.needs_ack,
            blocking: new.blocking,
            expires_in_seconds: new.expires_in_seconds,
            schema: None,
        };
        post(tx, &job_ctx, draft, recipients, replied)
    })
    .await
}

/// Replies to whoever sent a message, and acknowledges it.
pub async fn reply_to_message(ctx: &Ctx, number: MessageNumber, new: NewReply) -> Result<Sent> {
    check_text("text", &new.text)?;
    check_expiry(new.expires_in_seconds)?;
    let job_ctx = ctx.clone();
    ctx.write(move |tx| {
        let seen = find_seen(tx, &job_ctx, number)?;
        let message = &seen.message;
        check_may_reply(&job_ctx, message)?;
        let (to_kind, to_name, recipients) = match &message.sender_agent {
            Some(_) => {
                let name = &message.sender_name;
                let to = agent_named(tx, &job_ctx, &message.project, name)?;
                (ToKind::Agent, name.clone(), vec![(to.id, to.name)])
            }
            None => (ToKind::Caller, message.sender.clone(), Vec::new()),
        };
        let draft = Draft {
            project: message.project.clone(),
            kind: MessageKind::Message,
            to_kind,
            to_name,
            text: new.text.clone(),
            reply_to: Some((message.number, message.thread)),
            needs_ack: new.needs_ack,
            blocking: new.blocking,
            expires_in_seconds: new.expires_in_seconds,
            schema: None,
        };
        post(tx, &job_ctx, draft, recipients, Some(seen))
    })
    .await
}

/// Stores a message by the caller for those who have room, says so in the log,
/// and deals with the message that it replies to.
pub(super) fn post(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    draft: Draft,
    recipients: Vec<Recipient>,
    replied: Option<Seen>,
) -> Result<Sent> {
    let tenant = &ctx.caller.tenant;
    let sender = sender_of(tx, ctx)?;
    let (recipients, left_out) = with_room(tx, tenant, &sender, recipients)?;
    let message = store_message(tx, tenant, sender, draft, &recipients)?;
    let note = json!({
        "kind": message.kind, "from": message.sender_name, "to_kind": message.to_kind,
        "to": message.to_name, "recipients": recipients.len(), "needs_ack": message.needs_ack,
        "blocking": message.blocking, "thread": MessageNumber(message.thread),
    });
    tx.emit(tenant, entry(ctx, "coro.message.sent", &message, note))?;
    if let Some(Seen {
        message: replied,
        own: Some(receipt),
        ..
    }) = replied
    {
        deal_with(tx, ctx, &replied, receipt)?;
    }
    Ok(Sent {
        number: message.number(),
        thread: MessageNumber(message.thread),
        recipients: recipients.into_iter().map(|(_, name)| name).collect(),
        left_out,
    })
}

fn target_of(new: &NewMessage) -> Result<Target> {
    match (&new.to, new.role, new.all) {
        (Some(name), None, false) => Ok(Target::Agent(name.clone())),
        (None, Some(role), false) => Ok(Target::Role(role)),
        (None, None, true) => Ok(Target::All),
        (None, None, false) => Err(invalid("a message to nobody: no recipient is named")
            .hint("name an agent (to), a role, or all")),
        _ => Err(invalid("to, role and all exclude each other")
            .hint("send one message for each of them")),
    }
}

/// The living agents that are meant, but not the sender itself.
fn recipients_of(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    project: &str,
    target: &Target,
) -> Result<Vec<Recipient>> {
    let tenant = &ctx.caller.tenant;
    let mut meant: Vec<AgentRef> = match target {
        Target::Agent(name) => vec![agent_named(tx, ctx, project, name)?],
        Target::Role(role) => {
            let roles = roles_of_agents(tx, tenant)?;
            let mut living = living_agents(tx, tenant, project)?;
            living.retain(|agent| roles.get(&agent.id) == Some(role));
            living
        }
        Target::All => living_agents(tx, tenant, project)?,
    };
    let own = ctx.caller.agent.as_ref().map(|own| &own.id);
    meant.retain(|agent| Some(&agent.id) != own);
    if meant.len() > RECIPIENTS_MAX {
        let count = meant.len();
        return Err(conflict(format!(
            "{count} recipients are more than {RECIPIENTS_MAX}"
        )));
    }
    if meant.is_empty() {
        let who = match target {
            Target::Agent(name) => format!("{name:?} is the sender itself"),
            Target::Role(role) => format!(
                "no other agent of the project {project:?} has the role {}",
                role.word()
            ),
            Target::All => format!("no other agent of the project {project:?} lives"),
        };
        return Err(conflict(format!("a message to nobody: {who}"))
            .hint("list the agents: coro-cli instances list"));
    }
    Ok(meant.into_iter().map(|to| (to.id, to.name)).collect())
}

/// Those for whom not too much waits already, and the names of the others. A
/// message that nobody has room for is refused.
fn with_room(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    sender: &Sender,
    recipients: Vec<Recipient>,
) -> Result<(Vec<Recipient>, Vec<String>)> {
    match recipients.as_slice() {
        [] => return Ok((recipients, Vec::new())),
        [(id, name)] => {
            check_room(tx, tenant, sender, id, name)?;
            return Ok((recipients, Vec::new()));
        }
        _ => {}
    }
    let (waiting, of_sender) = (WAITING_MESSAGES_MAX, MESSAGES_OF_SENDER_MAX);
    let full = store::full(tx, tenant, sender.key(), waiting, of_sender)?;
    let full: HashSet<AgentId> = full.into_iter().collect();
    let (left_out, with_room): (Vec<_>, Vec<_>) = recipients
        .into_iter()
        .partition(|(id, _)| full.contains(id));
    if let (true, Some((id, name))) = (with_room.is_empty(), left_out.first()) {
        check_room(tx, tenant, sender, id, name)?;
    }
    let left_out = left_out.into_iter().map(|(_, name)| name).collect();
    Ok((with_room, left_out))
}

/// Not too much waits for an agent already, from all or from the sender.
fn check_room(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    sender: &Sender,
    id: &AgentId,
    name: &str,
) -> Result<()> {
    if store::count_queued(tx, tenant, id)? >= WAITING_MESSAGES_MAX {
        return Err(conflict(format!(
            "{WAITING_MESSAGES_MAX} messages wait for {name:?} already"
        ))
        .hint("it has to read some first; coro-cli instances list tells whether it lives"));
    }
    if store::count_owed_to(tx, tenant, id, sender.key())? >= MESSAGES_OF_SENDER_MAX {
        return Err(conflict(format!(
            "{name:?} has {MESSAGES_OF_SENDER_MAX} messages of yours still to read or acknowledge"
        ))
        .hint("wait until it has; coro-cli messages list shows them"));
    }
    Ok(())
}

fn sender_of(tx: &mut Tx<'_>, ctx: &Ctx) -> Result<Sender> {
    let agent = caller_agent(tx, ctx)?;
    Ok(Sender {
        actor: ctx.caller.actor.clone(),
        name: agent
            .as_ref()
            .map_or(&ctx.caller.name, |agent| &agent.name)
            .clone(),
        agent: agent.map(|agent| agent.id),
    })
}

fn check_same_project(message: &MessageRow, project: &str) -> Result<()> {
    if message.project == project {
        return Ok(());
    }
    Err(conflict(format!(
        "{} is of the project {:?}, not of {project:?}",
        message.number(),
        message.project
    ))
    .hint("send it without reply_to"))
}

fn check_may_reply(ctx: &Ctx, message: &MessageRow) -> Result<()> {
    let number = message.number();
    if message.sender == SYSTEM {
        return Err(conflict(format!(
            "{number} is from the server, which reads no replies"
        ))
        .hint("write to the agent that it is about: coro-cli send TEXT --to AGENT"));
    }
    if is_sender(ctx, message) {
        return Err(
            conflict(format!("{number} is your own: a message to nobody")).hint(format!(
                "write to somebody in its thread: coro-cli send TEXT --to AGENT --reply-to {number}"
            )),
        );
    }
    Ok(())
}
