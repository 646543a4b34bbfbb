//! What a client's hooks ask: what is new, may this be edited, is there more
//! to do.
//!
//! A hook stands in the way of its agent, so it is one request, and where
//! nothing is new nothing is written. It is what wakes an agent that works:
//! - at the start of a session the agent is registered, and told who it is and
//!   what it has to do;
//! - with each prompt and tool it is told what others wrote;
//! - before a tool it is asked whether the agent is paused, and whether what
//!   the tool edits is leased by another;
//! - when it is about to stop it is told to go on, where something waits
//!   ([`continuation`]).

mod continuation;
pub mod routes;
mod settings;
mod store;

use coro_api::agents::NewAgent;
use coro_api::hooks::{DECIDING_MEMBERS, HookAnswer, HookCall, HookEvent, HookMessage, strings_of};
use coro_api::leases::{HinderedPath, LeaseMode, ways_to_edit};
use coro_api::limits::HOOK_SHOWN_MAX;
use coro_api::numbers::MessageNumber;
use coro_api::tokens::Role;
use serde_json::{Map, Value};

pub use settings::HookSettings;

use crate::agents::{self, AgentRef, require_agent};
use crate::app::Ctx;
use crate::db::Tx;
use crate::error::{Result, conflict, invalid};
use crate::ids::{AgentId, TenantId};
use crate::leases;
use crate::messages::{self, Delivery};
use crate::pauses;
use crate::requests::refuse_hook;
use crate::said::as_said;
use crate::tasks;

/// How much of a task's title is shown, in characters.
const TITLE_CHARS_MAX: usize = 120;

/// How many paths are checked where short reads are: a tool edits few files,
/// and a patch may edit many.
const PATHS_FEW: usize = 32;

/// How many hindrances one answer names.
const HINDRANCES_SHOWN: usize = 3;

pub async fn call_hook(ctx: &Ctx, call: HookCall) -> Result<HookAnswer> {
    leases::check_askable(&call.paths)?;
    let shown = call.shown.as_ref().map_or(0, Vec::len);
    if shown > HOOK_SHOWN_MAX {
        return Err(invalid(format!(
            "{shown} shown messages are more than {HOOK_SHOWN_MAX}"
        ))
        .hint("confirm them with several calls"));
    }
    let refusal = match &call.decides {
        Some(words) => refuse_hook(ctx, words, words).await?,
        None => None,
    };
    let Some(refusal) = refusal else {
        return happens(ctx, call).await;
    };
    // A tool is refused by the answer; all else goes on, and is told.
    if call.event == HookEvent::BeforeTool {
        confirm(ctx, call.shown).await?;
        return Ok(HookAnswer {
            refuse: Some(refusal.message),
            ..HookAnswer::default()
        });
    }
    let answer = happens(ctx, call).await?;
    Ok(HookAnswer {
        context: format!(
            "Nothing is decided: {}\n{}",
            refusal.message, answer.context
        )
        .trim_end()
        .to_owned(),
        ..answer
    })
}

/// A call as it was sent. No client sends members of a decision: a call with
/// them is refused, and written down unless it names plain requests only.
pub async fn read_call(ctx: &Ctx, sent: Map<String, Value>) -> Result<HookCall> {
    let tries = DECIDING_MEMBERS.iter().any(|name| sent.contains_key(*name));
    let all = Value::Object(sent);
    if tries && let Some(refusal) = refuse_hook(ctx, &all.to_string(), &strings_of(&all)).await? {
        return Err(refusal);
    }
    serde_json::from_value(all).map_err(|error| invalid(format!("invalid JSON body: {error}")))
}

async fn happens(ctx: &Ctx, call: HookCall) -> Result<HookAnswer> {
    match call.event {
        HookEvent::SessionStart => start(ctx, call).await,
        HookEvent::Prompt => {
            continuation::forget(ctx).await?;
            what_is_new(ctx, call).await
        }
        HookEvent::BeforeTool => check_tool(ctx, call).await,
        HookEvent::AfterTool => what_is_new(ctx, call).await,
        HookEvent::Stop => continuation::at_stop(ctx, call).await,
        HookEvent::SessionEnd => end(ctx, call).await,
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
        // Its client has hooks, and they reach the server.
        agents::has_begun_work(tx, &job_ctx, &agent)?;
        let delivery = messages::deliver(tx, tenant, &agent.id, shown.as_deref())?;
        let place = where_it_stands(tx, tenant, &agent, &delivery)?;
        let mut answer = delivered(delivery);
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
fn where_it_stands(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentRef,
    delivery: &Delivery,
) -> Result<String> {
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
    // Its session before may have seen them, and this one knows nothing of it.
    let mut blocking = delivery.blocking.clone();
    blocking.retain(|number| !delivery.hands_out(*number));
    blocking.truncate(continuation::BLOCKING_TOLD_MAX);
    if !blocking.is_empty() {
        lines.push(continuation::wait_for_it(&blocking));
    }
    Ok(lines.join("\n"))
}

/// What others wrote.
async fn what_is_new(ctx: &Ctx, call: HookCall) -> Result<HookAnswer> {
    let job_ctx = ctx.clone();
    let new = ctx.app.db.read(move |tx| {
        let agent = require_agent(tx, &job_ctx)?;
        messages::count_new(tx, &job_ctx.caller.tenant, &agent.id)
    });
    hand_out(ctx, new.await?, call.shown).await
}

/// Hands out what is new. Nothing is written where nothing is new.
async fn hand_out(ctx: &Ctx, new: i64, shown: Option<Vec<MessageNumber>>) -> Result<HookAnswer> {
    let confirms = shown.as_ref().is_some_and(|shown| !shown.is_empty());
    if new == 0 && !confirms {
        return Ok(HookAnswer::default());
    }
    let job_ctx = ctx.clone();
    let delivery = ctx.app.db.write(&ctx.caller.tenant, move |tx| {
        let agent = require_agent(tx, &job_ctx)?;
        let tenant = &job_ctx.caller.tenant;
        messages::deliver(tx, tenant, &agent.id, shown.as_deref())
    });
    Ok(delivered(delivery.await?))
}

/// Hands out nothing, and takes what the client has shown.
async fn confirm(ctx: &Ctx, shown: Option<Vec<MessageNumber>>) -> Result<()> {
    let Some(shown) = shown.filter(|shown| !shown.is_empty()) else {
        return Ok(());
    };
    let job_ctx = ctx.clone();
    let confirmed = ctx.app.db.write(&ctx.caller.tenant, move |tx| {
        let agent = require_agent(tx, &job_ctx)?;
        messages::confirm_shown(tx, &job_ctx.caller.tenant, &agent.id, &shown)
    });
    confirmed.await
}

fn delivered(delivery: Delivery) -> HookAnswer {
    let context = match delivery.more {
        0 => String::new(),
        1 => "1 more message waits: coro-cli inbox".to_owned(),
        more => format!("{more} more messages wait: coro-cli inbox"),
    };
    let messages = delivery.messages.into_iter();
    HookAnswer {
        context,
        messages: messages
            .map(|(number, text)| HookMessage { number, text })
            .collect(),
        ..HookAnswer::default()
    }
}

/// Whether a tool may be used, and what is new where it may.
async fn check_tool(ctx: &Ctx, call: HookCall) -> Result<HookAnswer> {
    let (job_ctx, paths) = (ctx.clone(), call.paths);
    let has_few = paths.len() <= PATHS_FEW;
    let look = move |tx: &mut Tx<'_>| {
        let tenant = &job_ctx.caller.tenant;
        let agent = require_agent(tx, &job_ctx)?;
        let verdict = verdict(tx, tenant, &agent, &paths)?;
        Ok((verdict, messages::count_new(tx, tenant, &agent.id)?))
    };
    let (verdict, new) = match has_few {
        true => ctx.app.db.read(look).await?,
        false => ctx.app.db.scan(look).await?,
    };
    // A refusal is its reason alone: not every client reads on.
    if verdict.refuse.is_some() || verdict.confirm.is_some() {
        confirm(ctx, call.shown).await?;
        return Ok(verdict);
    }
    let news = hand_out(ctx, new, call.shown).await?;
    Ok(HookAnswer {
        context: [verdict.context, news.context].join("\n").trim().to_owned(),
        ..news
    })
}

/// Nobody has paused the agent, and nobody else has leased what it edits.
fn verdict(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentRef,
    paths: &[String],
) -> Result<HookAnswer> {
    if let Some(pause) = pauses::pause_of(tx, tenant, agent)? {
        return Ok(HookAnswer {
            refuse: Some(format!("{}; stop and wait", pause.in_words())),
            ..HookAnswer::default()
        });
    }
    if paths.is_empty() {
        return Ok(HookAnswer::default());
    }
    let hindered = leases::hindered_paths(tx, tenant, &agent.project, Some(&agent.id), paths)?;
    Ok(judged(&hindered))
}

/// What hindrances make of an edit: the worst decides.
fn judged(hindered: &[HinderedPath]) -> HookAnswer {
    let Some(worst) = hindered.iter().map(|one| one.mode).max() else {
        return HookAnswer::default();
    };
    let of_worst = hindered.iter().filter(|one| one.mode == worst);
    let of_worst: Vec<&HinderedPath> = of_worst.collect();
    let shown = of_worst.iter().take(HINDRANCES_SHOWN);
    let said: Vec<String> = shown.map(|one| in_words(one)).collect();
    let said = said.join("; ");
    let mut answer = HookAnswer::default();
    match worst {
        LeaseMode::Block => {
            let ways = ways_to_edit(&of_worst);
            answer.refuse = Some(format!("{said}; work elsewhere; or {ways}"));
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
    let by = match hindered.is_protected() {
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
async fn end(ctx: &Ctx, call: HookCall) -> Result<HookAnswer> {
    let job_ctx = ctx.clone();
    let ended = ctx.app.db.write(&ctx.caller.tenant, move |tx| {
        let tenant = &job_ctx.caller.tenant;
        let agent = require_agent(tx, &job_ctx)?;
        let shown = call.shown.as_deref().unwrap_or_default();
        messages::confirm_shown(tx, tenant, &agent.id, shown)?;
        let entry = job_ctx.entry("coro.agent.session_ended", &agent.name, &agent.project);
        tx.emit(tenant, entry)?;
        Ok(HookAnswer::default())
    });
    ended.await
}

/// Forgets how an agent went on, with the agent.
pub fn agent_forgotten(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentId) -> Result<()> {
    store::delete(tx, tenant, agent)
}
