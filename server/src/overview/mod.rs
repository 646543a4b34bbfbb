//! The overview: how a project stands, at a glance.
//!
//! It has no table of its own: it asks the domains, in one read. The revision
//! is read first, so that whoever goes on from it misses nothing. Whatever can
//! be much is counted, or bounded and the rest counted.

pub mod routes;

use std::collections::HashMap;

use coro_api::overview::{Overview, OverviewAgent, OverviewTask};

use crate::agents::{self, SeenAgent};
use crate::app::Ctx;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::ids::AgentId;
use crate::requests::silence;
use crate::tasks::TaskBrief;
use crate::{leases, messages, pauses, requests, tasks};

/// The most agents that are named.
const AGENTS_MAX: usize = 200;

/// The most requests that are named.
const REQUESTS_MAX: usize = 50;

/// How the project stands: the one that is named, else that of the token, else
/// all together.
pub async fn get_overview(ctx: &Ctx, project: Option<String>) -> Result<Overview> {
    let named = project.filter(|project| !project.is_empty());
    let project = match (&ctx.caller.project, named) {
        (None, None) => None,
        (_, named) => Some(ctx.caller.project_for(named)?),
    };
    // So that no request is shown as one that waits whose time is over.
    silence::settle(&ctx.app.db, &ctx.caller.tenant).await?;
    let job_ctx = ctx.clone();
    let read = move |tx: &mut Tx<'_>| collect(tx, &job_ctx, project);
    ctx.app.db.scan(read).await
}

fn collect(tx: &mut Tx<'_>, ctx: &Ctx, project: Option<String>) -> Result<Overview> {
    let tenant = &ctx.caller.tenant;
    let revision = tx.head(tenant)?.revision;
    let of = project.as_deref();
    let mut living = agents::seen_agents(tx, ctx, of)?;
    let agents_more = living.len().saturating_sub(AGENTS_MAX);
    living.truncate(AGENTS_MAX);
    let claims = first_of_each(tasks::claims(tx, tenant, of)?);
    let unread: HashMap<AgentId, i64> = messages::unread_of_agents(tx, tenant, of)?
        .into_iter()
        .collect();
    let (requests, requests_more) = requests::waiting(tx, tenant, of, REQUESTS_MAX)?;
    let now = tx.now();
    let at_a_glance = |agent| glance(agent, &claims, &unread, now);
    Ok(Overview {
        revision,
        agents: living.into_iter().map(at_a_glance).collect(),
        agents_more,
        tasks: tasks::count_by_state(tx, tenant, of)?,
        requests,
        requests_more,
        leases: leases::count_held(tx, tenant, of)?,
        undelivered: unread.values().sum(),
        pauses: pauses::seen_pauses(tx, ctx, of)?,
        project,
    })
}

/// The task that each agent has claimed first.
fn first_of_each(claims: Vec<(AgentId, TaskBrief)>) -> HashMap<AgentId, TaskBrief> {
    let mut first = HashMap::new();
    for (agent, task) in claims {
        first.entry(agent).or_insert(task);
    }
    first
}

fn glance(
    agent: SeenAgent,
    claims: &HashMap<AgentId, TaskBrief>,
    unread: &HashMap<AgentId, i64>,
    now: Time,
) -> OverviewAgent {
    let task = claims.get(&agent.id).map(|task| OverviewTask {
        number: task.number,
        title: task.title.clone(),
        attempt: task.attempt,
    });
    OverviewAgent {
        task,
        unread: unread.get(&agent.id).copied().unwrap_or(0),
        name: agent.name,
        project: agent.project,
        status: agent.status,
        intent: agent.intent,
        last_seen: agent.last_seen.to_string(),
        silent_seconds: agent.last_seen.seconds_until(now),
    }
}
