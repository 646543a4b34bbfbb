//! Pauses: the emergency stop for an agent, a project or all.
//!
//! Whoever is paused gets nothing from `next`, and its hooks refuse tools.
//! Claims and leases hold: a pause takes nothing from anybody. Owner and
//! controllers pause and resume.

pub mod routes;
mod store;

use coro_api::names::{check_name, check_prose};
use coro_api::pauses::{NewPause, Pause, Resumed};

use crate::agents::{AgentRef, is_registered};
use crate::app::Ctx;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Result, conflict, forbidden, invalid, not_found};
use crate::ids::TenantId;
use crate::tokens::check_project_name;

/// The longest reason, in bytes.
const REASON_BYTES_MAX: usize = 500;

/// The most pauses of a tenant.
const PAUSES_MAX: i64 = 1_000;

/// A pause as it is stored.
#[derive(Clone, Debug)]
pub struct PauseRow {
    id: String,
    project: String,
    agent: String,
    pub reason: String,
    pub paused_by: String,
    paused_at: Time,
}

impl PauseRow {
    fn shown(&self) -> Pause {
        Pause {
            id: self.id.clone(),
            project: self.project.clone(),
            agent: self.agent.clone(),
            reason: self.reason.clone(),
            paused_by: self.paused_by.clone(),
            paused_at: self.paused_at.to_string(),
        }
    }

    /// Why an agent is held, in one line.
    pub fn in_words(&self) -> String {
        let who = match (self.agent.as_str(), self.project.as_str()) {
            ("", "") => "all agents are".to_owned(),
            ("", project) => format!("the project {project:?} is"),
            (agent, _) => format!("the agent {agent:?} is"),
        };
        let why = match self.reason.is_empty() {
            true => String::new(),
            false => format!(": {:?}", self.reason),
        };
        format!("{who} paused by {}{why}", self.paused_by)
    }
}

/// The pause that holds an agent, if one does.
pub fn pause_of(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentRef) -> Result<Option<PauseRow>> {
    store::find_any(
        tx,
        tenant,
        [
            &id_of("", ""),
            &id_of(&agent.project, ""),
            &id_of(&agent.project, &agent.name),
        ],
    )
}

/// Pauses; says so again where that is paused already.
pub async fn pause(ctx: &Ctx, new: NewPause) -> Result<Pause> {
    let (project, agent) = scope_of(ctx, new.project, new.agent)?;
    check_prose("reason", &new.reason, REASON_BYTES_MAX)?;
    let job_ctx = ctx.clone();
    ctx.write(move |tx| {
        let tenant = &job_ctx.caller.tenant;
        let id = id_of(&project, &agent);
        if let Some(pause) = store::find_any(tx, tenant, [&id, &id, &id])? {
            return Ok(pause.shown());
        }
        if !agent.is_empty() && !is_registered(tx, tenant, &project, &agent)? {
            return Err(not_found("agent", &agent)
                .hint("list those of the project: coro-cli instances list --project NAME"));
        }
        if store::count(tx, tenant)? >= PAUSES_MAX {
            return Err(conflict(format!("there are {PAUSES_MAX} pauses already"))
                .hint("resume those that are over, or pause a whole project"));
        }
        let row = PauseRow {
            id,
            project: project.clone(),
            agent: agent.clone(),
            reason: new.reason.clone(),
            paused_by: job_ctx.caller.actor.clone(),
            paused_at: tx.now(),
        };
        store::insert(tx, tenant, &row)?;
        let note = serde_json::json!({ "agent": row.agent, "reason": row.reason });
        let entry = job_ctx.entry("coro.agent.paused", &row.id, &row.project);
        tx.emit(tenant, entry.note(note))?;
        Ok(row.shown())
    })
    .await
}

/// Ends a pause. Where there is none, nothing happens.
pub async fn resume(ctx: &Ctx, project: Option<String>, agent: Option<String>) -> Result<Resumed> {
    let (project, agent) = scope_of(ctx, project, agent)?;
    let id = id_of(&project, &agent);
    end_those(ctx, move |pause| pause.id == id).await
}

/// Ends the pause of an id, such as `project:shop`. Where there is none,
/// nothing happens.
pub async fn resume_id(ctx: &Ctx, id: String) -> Result<Resumed> {
    let (project, _) = scope_of_id(&id)?;
    match (project.is_empty(), &ctx.caller.project) {
        (true, Some(own)) => {
            return Err(forbidden(format!(
                "this token is for the project {own:?}, not for all"
            ))
            .hint("the owner ends that pause"));
        }
        (true, None) => {}
        (false, _) => {
            ctx.caller.project_for(Some(project.to_owned()))?;
        }
    }
    end_those(ctx, move |pause| pause.id == id).await
}

/// Ends every pause that the caller may end: those of its project, else all.
pub async fn resume_all(ctx: &Ctx) -> Result<Resumed> {
    let own = ctx.caller.project.clone();
    let is_own = move |pause: &PauseRow| own.as_ref().is_none_or(|own| *own == pause.project);
    end_those(ctx, is_own).await
}

/// Ends some of the pauses, and says which.
async fn end_those(
    ctx: &Ctx,
    is_meant: impl Fn(&PauseRow) -> bool + Send + Sync + 'static,
) -> Result<Resumed> {
    let job_ctx = ctx.clone();
    ctx.write(move |tx| {
        let tenant = &job_ctx.caller.tenant;
        let mut ended = Vec::new();
        for pause in store::list(tx, tenant)?.into_iter().filter(&is_meant) {
            store::delete(tx, tenant, &pause.id)?;
            let note = serde_json::json!({ "agent": pause.agent });
            let entry = job_ctx.entry("coro.agent.resumed", &pause.id, &pause.project);
            tx.emit(tenant, entry.note(note))?;
            ended.push(pause.id);
        }
        Ok(Resumed { ended })
    })
    .await
}

/// The pauses that the caller sees.
pub async fn list_pauses(ctx: &Ctx) -> Result<Vec<Pause>> {
    let job_ctx = ctx.clone();
    let db = &ctx.app.db;
    db.read(move |tx| seen_pauses(tx, &job_ctx, None)).await
}

/// The pauses that the caller sees and that concern a project, or any.
pub fn seen_pauses(tx: &mut Tx<'_>, ctx: &Ctx, project: Option<&str>) -> Result<Vec<Pause>> {
    let all = store::list(tx, &ctx.caller.tenant)?;
    let concerns = |pause: &PauseRow| project.is_none_or(|project| pause.project == project);
    let seen = all.into_iter().filter(|pause| {
        pause.project.is_empty() || (ctx.caller.sees_project(&pause.project) && concerns(pause))
    });
    Ok(seen.map(|pause| pause.shown()).collect())
}

/// Which project and which agent are meant; empty for all.
fn scope_of(ctx: &Ctx, project: Option<String>, agent: Option<String>) -> Result<(String, String)> {
    let agent = agent.filter(|name| !name.is_empty()).unwrap_or_default();
    let named = project.filter(|project| !project.is_empty());
    let project = match (&ctx.caller.project, named) {
        (None, None) => String::new(),
        (_, named) => ctx.caller.project_for(named)?,
    };
    if !project.is_empty() {
        check_project_name(&project)?;
    }
    if !agent.is_empty() {
        check_name("agent", &agent)?;
        if project.is_empty() {
            return Err(
                invalid(format!("the project of the agent {agent:?} is missing"))
                    .hint("name its project: --project NAME, or CORO_PROJECT"),
            );
        }
    }
    Ok((project, agent))
}

/// The project and the agent of an id, see [`id_of`].
fn scope_of_id(id: &str) -> Result<(&str, &str)> {
    let of_agent = id.strip_prefix("agent:").and_then(|of| of.split_once('/'));
    let of_project = id.strip_prefix("project:").map(|project| (project, ""));
    let of_all = (id == "all").then_some(("", ""));
    let found = of_agent.or(of_project).or(of_all);
    let named = found.filter(|(project, _)| id == "all" || !project.is_empty());
    named.ok_or_else(|| {
        let shown: String = id.chars().take(100).collect();
        invalid(format!("{shown:?} is no id of a pause"))
            .hint("it is as coro-cli pause --list prints it, such as project:shop")
    })
}

fn id_of(project: &str, agent: &str) -> String {
    match (project, agent) {
        ("", _) => "all".to_owned(),
        (project, "") => format!("project:{project}"),
        // No name has a slash: those of two agents never make the same.
        (project, agent) => format!("agent:{project}/{agent}"),
    }
}
