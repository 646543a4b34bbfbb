//! Going on when an agent is about to stop.
//!
//! Something may wait: a message that blocks, the task that it has claimed, a
//! task that it could claim. It is told so, each thing once: who stops again
//! all the same may stop. And no agent goes on by itself for ever: the count
//! begins anew when a human says something.

use coro_api::hooks::{HookAnswer, HookCall};
use coro_api::numbers::MessageNumber;

use super::{TITLE_CHARS_MAX, delivered, store};
use crate::agents::{AgentRef, require_agent};
use crate::app::Ctx;
use crate::db::Tx;
use crate::error::Result;
use crate::ids::TenantId;
use crate::said::as_said;
use crate::{messages, pauses, tasks};

/// How many of the things that an agent was told last are remembered.
const TOLD_MAX: usize = 64;

/// How many messages that block an agent is told of at once.
pub(super) const BLOCKING_TOLD_MAX: usize = 10;

/// How an agent went on since a human last said something to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Continuation {
    pub(super) count: i64,
    /// What it was told to go on with, the newest last.
    pub(super) told: Vec<String>,
}

impl Continuation {
    fn goes_on_with(&mut self, keys: Vec<String>) {
        self.count += 1;
        self.told.extend(keys);
        let too_many = self.told.len().saturating_sub(TOLD_MAX);
        self.told.drain(..too_many);
    }
}

/// A reason to go on.
struct Reason {
    /// Tell it from others, so that it is given once; several where it is about
    /// several messages.
    keys: Vec<String>,
    text: String,
    /// The messages that it is about.
    messages: Vec<MessageNumber>,
}

/// A human has spoken: the agent may go on by itself again.
pub(super) async fn forget(ctx: &Ctx) -> Result<()> {
    let job_ctx = ctx.clone();
    let count = ctx.app.db.read(move |tx| {
        let agent = require_agent(tx, &job_ctx)?;
        Ok(store::find(tx, &job_ctx.caller.tenant, &agent.id)?.map_or(0, |found| found.count))
    });
    if count.await? == 0 {
        return Ok(());
    }
    let job_ctx = ctx.clone();
    let reset = ctx.app.db.write(&ctx.caller.tenant, move |tx| {
        let tenant = &job_ctx.caller.tenant;
        let agent = require_agent(tx, &job_ctx)?;
        let found = store::find(tx, tenant, &agent.id)?.unwrap_or_default();
        store::put(tx, tenant, &agent.id, &Continuation { count: 0, ..found })
    });
    reset.await
}

/// Whether something waits for an agent that is about to stop. Nothing is
/// written where nothing waits.
pub(super) async fn at_stop(ctx: &Ctx, call: HookCall) -> Result<HookAnswer> {
    let continuations_max = ctx.app.config.hooks.continuations_max;
    let confirms = call.shown.as_ref().is_some_and(|shown| !shown.is_empty());
    let job_ctx = ctx.clone();
    let look = move |tx: &mut Tx<'_>| {
        let agent = require_agent(tx, &job_ctx)?;
        something_waits(tx, &job_ctx.caller.tenant, &agent, continuations_max)
    };
    if !confirms && !ctx.app.db.read(look).await? {
        return Ok(HookAnswer::default());
    }
    let job_ctx = ctx.clone();
    let answer = ctx.app.db.write(&ctx.caller.tenant, move |tx| {
        let tenant = &job_ctx.caller.tenant;
        let agent = require_agent(tx, &job_ctx)?;
        if pauses::pause_of(tx, tenant, &agent)?.is_some() {
            let shown = call.shown.as_deref().unwrap_or_default();
            messages::confirm_shown(tx, tenant, &agent.id, shown)?;
            return Ok(HookAnswer::default());
        }
        let delivery = messages::deliver(tx, tenant, &agent.id, call.shown.as_deref())?;
        let blocking = &delivery.blocking;
        let mut so_far = store::find(tx, tenant, &agent.id)?.unwrap_or_default();
        let reason = untold(tx, tenant, &agent, blocking, &so_far, continuations_max)?;
        let Some(reason) = reason else {
            return Ok(delivered(delivery));
        };
        let with = reason.keys.join(", ");
        so_far.goes_on_with(reason.keys);
        store::put(tx, tenant, &agent.id, &so_far)?;
        let note = serde_json::json!({ "count": so_far.count, "with": with });
        let entry = job_ctx.entry("coro.agent.continued", &agent.name, &agent.project);
        tx.emit(tenant, entry.note(note))?;
        let mut lines = vec![reason.text];
        lines.extend(messages::texts_besides(
            tx,
            tenant,
            &delivery,
            &reason.messages,
        )?);
        Ok(HookAnswer {
            go_on: Some(lines.join("\n")),
            ..delivered(delivery)
        })
    });
    answer.await
}

/// Whether there is anything to hand out or to go on with.
fn something_waits(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentRef,
    continuations_max: i64,
) -> Result<bool> {
    if pauses::pause_of(tx, tenant, agent)?.is_some() {
        return Ok(false);
    }
    if messages::count_new(tx, tenant, &agent.id)? > 0 {
        return Ok(true);
    }
    let blocking = messages::blocking_of(tx, tenant, &agent.id)?;
    let so_far = store::find(tx, tenant, &agent.id)?.unwrap_or_default();
    let reason = untold(tx, tenant, agent, &blocking, &so_far, continuations_max)?;
    Ok(reason.is_some())
}

/// The most pressing reason to go on that the agent was not given yet, where it
/// may go on by itself at all.
fn untold(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentRef,
    blocking: &[MessageNumber],
    so_far: &Continuation,
    continuations_max: i64,
) -> Result<Option<Reason>> {
    if so_far.count >= continuations_max {
        return Ok(None);
    }
    let is_new = |key: &String| !so_far.told.contains(key);
    let untold = blocking
        .iter()
        .copied()
        .filter(|number| is_new(&number.to_string()));
    let untold: Vec<MessageNumber> = untold.take(BLOCKING_TOLD_MAX).collect();
    if !untold.is_empty() {
        return Ok(Some(Reason {
            keys: untold.iter().map(MessageNumber::to_string).collect(),
            text: wait_for_it(&untold),
            messages: untold,
        }));
    }
    let reason = task_reason(tx, tenant, agent)?;
    Ok(reason.filter(|reason| reason.keys.iter().all(is_new)))
}

/// That messages hold an agent up, and what it does about them.
pub(super) fn wait_for_it(numbers: &[MessageNumber]) -> String {
    if let [number] = numbers {
        return format!(
            "{number} waits for you: answer or acknowledge it; coro-cli messages get {number} shows \
             all of it."
        );
    }
    let numbers: Vec<String> = numbers.iter().map(MessageNumber::to_string).collect();
    format!(
        "{} wait for you: answer or acknowledge each; coro-cli messages get NUMBER shows all of it.",
        numbers.join(", ")
    )
}

/// The task that waits for an agent.
fn task_reason(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentRef) -> Result<Option<Reason>> {
    if let Some(task) = tasks::claimed_by(tx, tenant, &agent.id)? {
        let (number, title) = (task.number, as_said(&task.title, TITLE_CHARS_MAX));
        return Ok(Some(Reason {
            keys: vec![format!("{number} claimed {}", task.attempt)],
            messages: Vec::new(),
            text: format!(
                "{number} {title} is still yours. Go on with it, or say how it ended: coro-cli \
                 done {number}, fail {number} --why TEXT, or tasks release {number}."
            ),
        }));
    }
    let best = tasks::best_for(tx, tenant, agent)?;
    Ok(best.map(|task| {
        let (number, title) = (task.number, as_said(&task.title, TITLE_CHARS_MAX));
        Reason {
            keys: vec![format!("{number} ready {}", task.attempt)],
            messages: Vec::new(),
            text: format!("{number} {title} is ready for you: run coro-cli next, and do it."),
        }
    }))
}
