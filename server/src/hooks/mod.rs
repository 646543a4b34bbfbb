//! What a client's hooks ask: what is new, may this be edited, is there more
//! to do.
//!
//! A hook stands in the way of its agent, so it is one request, and where
//! nothing is new nothing is written. It is what wakes an agent that works:
//! - at the start of a session the agent is registered, and told who it is and
//!   what it has to do;
//! - with each prompt and after each tool it is told what others wrote;
//! - before a tool it is asked whether the agent is paused, and whether what
//!   the tool edits is leased by another;
//! - when it is about to stop it is told to go on, where something waits
//!   ([`continuation`]).

mod continuation;
pub mod routes;
mod settings;
mod store;

use coro_api::agents::NewAgent;
use coro_api::hooks::{HookAnswer, HookCall, HookEvent, HookMessage};
use coro_api::leases::{HinderedPath, LeaseMode};
use coro_api::limits::PATHS_MAX;
use coro_api::numbers::MessageNumber;
use coro_api::tokens::Role;

pub use settings::HookSettings;

use crate::agents::{self, AgentRef, require_agent};
use crate::app::Ctx;
use crate::db::Tx;
use crate::error::{Result, conflict, invalid};
use crate::ids::{AgentId, TenantId};
use crate::leases;
use crate::messages::{self, Delivery};
use crate::pauses;
use crate::said::as_said;
use crate::tasks;

/// The most messages that one call confirms; clients tell of 200 at most.
const SHOWN_MAX: usize = 1_000;

/// How much of a task's title is shown, in characters.
const TITLE_CHARS_MAX: usize = 120;

/// How many hindrances one answer names.
const HINDRANCES_SHOWN: usize = 3;

pub async fn call_hook(ctx: &Ctx, call: HookCall) -> Result<HookAnswer> {
    if call.paths.len() > PATHS_MAX {
        let count = call.paths.len();
        return Err(invalid(format!("{count} paths are more than {PATHS_MAX}"))
            .hint("ask for them in several calls"));
    }
    let shown = call.shown.as_ref().map_or(0, Vec::len);
    if shown > SHOWN_MAX {
        return Err(
            invalid(format!("{shown} messages are more than {SHOWN_MAX}"))
                .hint("confirm what was shown in several calls"),
        );
    }
    match call.event {
        HookEvent::SessionStart => start(ctx, call).await,
        HookEvent::Prompt => {
            continuation::forget(ctx).await?;
            what_is_new(ctx, call).await
        }
        HookEvent::BeforeTool => check_tool(ctx, call).await,
        HookEvent::AfterTool => what_is_new(ctx, call).await,
        HookEvent::Stop => continuation::at_stop(ctx, call).await,
        HookEvent::SessionEnd => end(ctx).await,
    }
}

/// Registers the agent, or continues it, and says where it stands.
async fn start(ctx: &Ctx, call: HookCall) -> Result<HookAnswer> {
    if !call.continues {
        register(ctx, &call).await?;
    }
    // The registration may have bound the token just now.
    let caller = crate::auth::known_again(&ctx.app, &ctx.caller).await?;
    let ctx = Ctx {
        caller,
        ..ctx.clone()
    };
    let (job_ctx, shown) = (ctx.clone(), call.shown);
    let answer = ctx.app.db.write(&ctx.caller.tenant, move |tx| {
        let tenant = &job_ctx.caller.tenant;
        let agent = require_agent(tx, &job_ctx)?;
        let mut answer = delivered(hand_out(tx, tenant, &agent.id, shown.as_deref())?);
        let place = where_it_stands(tx, tenant, &agent)?;
        answer.context = [place, answer.context].join("\n").trim_end().to_owned();
        Ok(answer)
    });
    answer.await
}

async fn register(ctx: &Ctx, call: &HookCall) -> Result<()> {
    let caller = &ctx.caller;
    if caller.role != Role::Agent {
        return Err(
            conflict(format!("this token is {}'s, and no agent's", caller.actor)).hint(
                "start the client with the token of an agent in CORO_TOKEN; its owner makes one: \
             coro-cli tokens create NAME --role agent --project PROJECT",
            ),
        );
    }
    let new = NewAgent {
        name: caller.name.clone(),
        workspace: call.workspace.clone(),
        client: call.client.clone(),
        ..NewAgent::default()
    };
    agents::register_agent(ctx, new).await?;
    Ok(())
}

/// Who the agent is, and what it has to do, in a few lines.
fn where_it_stands(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentRef) -> Result<String> {
    let mut lines = vec![format!(
        "Coro: you are the agent {} of the project {}.",
        agent.name, agent.project
    )];
    if let Some(pause) = pauses::pause_of(tx, tenant, agent)? {
        lines.push(format!("Do nothing: {}.", pause.in_words()));
    }
    lines.push(match tasks::claimed_by(tx, tenant, &agent.id)? {
        Some(task) => format!(
            "Your task is {} {}; run coro-cli next to read it.",
            task.number,
            as_said(&task.title, TITLE_CHARS_MAX)
        ),
        None => "You have no task; coro-cli next gives you one.".to_owned(),
    });
    Ok(lines.join("\n"))
}

/// What others wrote. Nothing is written where nothing is new.
async fn what_is_new(ctx: &Ctx, call: HookCall) -> Result<HookAnswer> {
    let has_news = {
        let job_ctx = ctx.clone();
        ctx.app.db.read(move |tx| {
            let agent = require_agent(tx, &job_ctx)?;
            let new = messages::count_new(tx, &job_ctx.caller.tenant, &agent.id)?;
            Ok(new > 0)
        })
    };
    let confirms = call.shown.as_ref().is_some_and(|shown| !shown.is_empty());
    if !has_news.await? && !confirms {
        return Ok(HookAnswer::default());
    }
    let job_ctx = ctx.clone();
    let delivery = ctx.app.db.write(&ctx.caller.tenant, move |tx| {
        let agent = require_agent(tx, &job_ctx)?;
        let shown = call.shown.as_deref();
        hand_out(tx, &job_ctx.caller.tenant, &agent.id, shown)
    });
    Ok(delivered(delivery.await?))
}

/// Hands out what is new: to a client that keeps no list it is shown by that.
fn hand_out(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
    shown: Option<&[MessageNumber]>,
) -> Result<Delivery> {
    match shown {
        Some(shown) => messages::deliver(tx, tenant, agent, shown),
        None => messages::deliver_once(tx, tenant, agent),
    }
}

fn delivered(delivery: Delivery) -> HookAnswer {
    // What the text says besides the messages.
    let messages = delivery.parts.join("\n");
    let rest = delivery.text.strip_prefix(&messages).unwrap_or_default();
    let messages = delivery.numbers.into_iter().zip(delivery.parts);
    HookAnswer {
        context: rest.trim().to_owned(),
        messages: messages
            .map(|(number, text)| HookMessage { number, text })
            .collect(),
        ..HookAnswer::default()
    }
}

/// Whether a tool may be used: nobody has paused the agent, and nobody else has
/// leased what it edits.
async fn check_tool(ctx: &Ctx, call: HookCall) -> Result<HookAnswer> {
    let job_ctx = ctx.clone();
    let found = ctx.app.db.read(move |tx| {
        let tenant = &job_ctx.caller.tenant;
        let agent = require_agent(tx, &job_ctx)?;
        if let Some(pause) = pauses::pause_of(tx, tenant, &agent)? {
            return Ok(Err(pause.in_words()));
        }
        let hindrances =
            leases::hindered_paths(tx, tenant, &agent.project, Some(&agent.id), &call.paths)?;
        Ok(Ok(hindrances))
    });
    Ok(match found.await? {
        Err(paused) => HookAnswer {
            refuse: Some(format!("{paused}; stop and wait")),
            ..HookAnswer::default()
        },
        Ok(hindrances) => judged(&hindrances),
    })
}

/// What hindrances make of an edit: the worst decides.
fn judged(hindered: &[HinderedPath]) -> HookAnswer {
    let Some(worst) = hindered.iter().map(|one| one.mode).max() else {
        return HookAnswer::default();
    };
    let of_worst = hindered.iter().filter(|one| one.mode == worst);
    let said: Vec<String> = of_worst.take(HINDRANCES_SHOWN).map(in_words).collect();
    let said = said.join("; ");
    let mut answer = HookAnswer::default();
    match worst {
        LeaseMode::Block => {
            answer.refuse = Some(format!("{said}; work elsewhere, or ask its holder"));
        }
        LeaseMode::Confirm => answer.confirm = Some(said),
        LeaseMode::Warn => answer.context = format!("Careful: {said}"),
    }
    answer
}

/// Who stands in the way of an edit, and why.
fn in_words(hindered: &HinderedPath) -> String {
    let (path, lease) = (&hindered.path, hindered.lease);
    let pattern = as_said(&hindered.pattern, TITLE_CHARS_MAX);
    let by = match hindered.holder.is_empty() {
        true => "is protected".to_owned(),
        false => format!(
            "is leased by {}",
            as_said(&hindered.holder, TITLE_CHARS_MAX)
        ),
    };
    let why = match hindered.reason.is_empty() {
        true => String::new(),
        false => format!(": {}", as_said(&hindered.reason, TITLE_CHARS_MAX)),
    };
    format!(
        "{} {by} ({lease} {pattern}){why}",
        as_said(path, TITLE_CHARS_MAX)
    )
}

/// The session is over. The agent keeps what it has: it may be continued.
async fn end(ctx: &Ctx) -> Result<HookAnswer> {
    let job_ctx = ctx.clone();
    let ended = ctx.app.db.write(&ctx.caller.tenant, move |tx| {
        let agent = require_agent(tx, &job_ctx)?;
        let entry = job_ctx.entry("coro.agent.session_ended", &agent.name, &agent.project);
        tx.emit(&job_ctx.caller.tenant, entry)?;
        Ok(HookAnswer::default())
    });
    ended.await
}

/// Forgets how an agent went on, with the agent.
pub fn agent_forgotten(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentId) -> Result<()> {
    store::delete(tx, tenant, agent)
}
