//! Requests: one inbox of everything that needs a decision.
//!
//! Someone asks; what exactly is asked never changes, and its digest binds the
//! decision to it. [`decide`] says who may decide: what is protected, a human
//! with a session only, and nothing the one who asked. [`policy`] may ask for
//! several deciders. A request is decided once. Where nobody decides in time,
//! [`silence`] applies, which never allows. Some decisions have an effect, in
//! the same transaction; on others whoever asked acts.

mod by_hook;
mod decide;
mod digest;
mod keepers;
mod outcome;
pub mod policy;
pub mod routes;
pub mod silence;
mod store;

use coro_api::limits::{
    REQUEST_BODY_BYTES_MAX, REQUEST_OPTIONS_MAX, REQUEST_SECONDS_MAX, REQUEST_TITLE_BYTES_MAX,
    REQUESTS_MAX, REQUESTS_OF_PROJECT_MAX,
};
use coro_api::names::{check_name, check_prose, check_text};
use coro_api::numbers::{LeaseNumber, RequestNumber};
use coro_api::overview::OverviewRequest;
use coro_api::requests::{NO, NewRequest, Request, RequestKind, RequestStatus, Silence, Vote, YES};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use by_hook::refuse_hook;
pub use decide::decide_request;

use crate::agents::{caller_agent, project_for};
use crate::app::Ctx;
use crate::clock::Time;
use crate::db::{NewEntry, Tx};
use crate::error::{Error, Result, conflict, forbidden, invalid, not_found};
use crate::ids::TenantId;
use crate::leases::overridable_pattern;
use crate::listed::Listed;
use crate::log::wait::{check_seconds, wait_for_call, wait_in};
use crate::numbers::next_number;

/// What wakes those who wait for a decision.
const TOPICS: &str = "coro.request.*";

/// The status of a filter that stands for all that can be decided.
const WAITING: &str = "waiting";

/// How long a request is open where it names no time: a day.
const SECONDS: i64 = 24 * 3600;

/// The longest option, in bytes.
const OPTION_BYTES_MAX: usize = 100;

/// The longest reason of a decision, in bytes: it is in the log too.
const WHY_BYTES_MAX: usize = 2_000;

/// What a decision does by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Effect {
    lease: LeaseNumber,
    /// What the lease is on: a number alone says nothing to whoever decides.
    pattern: String,
    /// The agent that may then edit.
    agent: String,
}

/// A request as it is stored.
#[derive(Clone, Debug)]
struct RequestRow {
    number: RequestNumber,
    project: String,
    kind: RequestKind,
    title: String,
    body: String,
    detail: Option<Value>,
    options: Vec<String>,
    effect: Option<Effect>,
    digest: String,
    asked_by: String,
    asked_agent: Option<String>,
    asked_token: String,
    asked_at: Time,
    expires_at: Time,
    on_silence: Silence,
    status: RequestStatus,
    decision: Option<String>,
    decided_by: Option<String>,
    decided_how: Option<String>,
    decided_at: Option<Time>,
    why: Option<String>,
    /// When the last moment to decide was.
    closed_at: Option<Time>,
}

impl RequestRow {
    fn shown(self, votes: Vec<Vote>) -> Request {
        Request {
            number: self.number,
            project: self.project,
            kind: self.kind,
            protected: self.kind.is_protected(),
            title: self.title,
            body: self.body,
            detail: self.detail,
            options: self.options,
            lease: self.effect.as_ref().map(|effect| effect.lease),
            lease_pattern: self.effect.map(|effect| effect.pattern),
            digest: self.digest,
            status: self.status,
            on_silence: self.on_silence,
            asked_by: self.asked_by,
            asked_agent: self.asked_agent,
            asked_at: self.asked_at.to_string(),
            expires_at: self.expires_at.to_string(),
            decision: self.decision,
            decided_by: self.decided_by,
            decided_how: self.decided_how,
            decided_at: self.decided_at.map(|at| at.to_string()),
            why: self.why,
            votes,
        }
    }

    fn at_a_glance(self, now: Time) -> OverviewRequest {
        let is_timed = self.status != RequestStatus::Parked;
        OverviewRequest {
            number: self.number,
            project: self.project,
            kind: self.kind,
            title: self.title,
            asked_by: self.asked_by,
            expires_at: self.expires_at.to_string(),
            expires_in_seconds: is_timed.then(|| now.seconds_until(self.expires_at)),
            protected: self.kind.is_protected(),
        }
    }

    /// Whether the caller is who asked.
    fn is_asked_by(&self, ctx: &Ctx) -> bool {
        let caller = &ctx.caller;
        let agent = caller.agent.as_ref().map(|agent| agent.id.as_str());
        self.asked_token == caller.token_id
            || self.asked_by == caller.actor
            || (agent.is_some() && self.asked_agent.as_deref() == agent)
    }

    fn has_ended(&self) -> bool {
        !self.status.waits()
    }

    /// How it ended, for whoever comes too late.
    fn ending(&self) -> Error {
        let number = self.number;
        let who = self.decided_by.as_deref().unwrap_or("nobody");
        let at = self.closed_at.map_or(String::new(), |at| at.to_string());
        let message = match self.status {
            RequestStatus::Decided => {
                let decision = self.decision.as_deref().unwrap_or_default();
                format!("{number} was decided already: {decision:?} by {who} at {at}")
            }
            RequestStatus::Expired => format!("{number} expired at {at}: nobody decided in time"),
            _ => format!("{number} was withdrawn at {at} by {}", self.asked_by),
        };
        conflict(message).hint("where it is still needed, ask again with a new request")
    }
}

/// Asks for a decision.
pub async fn ask_request(ctx: &Ctx, new: NewRequest) -> Result<Request> {
    let new = checked(new)?;
    let job_ctx = ctx.clone();
    ctx.write(move |tx| {
        let tenant = &job_ctx.caller.tenant;
        let project = project_for(tx, &job_ctx, new.project.as_deref())?;
        check_room(tx, tenant, &project)?;
        let agent = caller_agent(tx, &job_ctx)?.map(|agent| agent.id.to_string());
        let effect = effect_of(tx, &job_ctx, &new, &project, agent.as_deref())?;
        let now = tx.now();
        let mut request = RequestRow {
            number: RequestNumber(next_number(tx, tenant, "request")?),
            project,
            kind: new.kind,
            title: new.title.clone(),
            body: new.body.clone(),
            detail: new.detail.clone(),
            options: new.options.clone(),
            effect,
            digest: String::new(),
            asked_by: job_ctx.caller.actor.clone(),
            asked_agent: agent,
            asked_token: job_ctx.caller.token_id.clone(),
            asked_at: now,
            expires_at: now.plus_seconds(new.expires_in.unwrap_or(SECONDS)),
            on_silence: new.on_silence,
            status: RequestStatus::Open,
            decision: None,
            decided_by: None,
            decided_how: None,
            decided_at: None,
            why: None,
            closed_at: None,
        };
        request.digest = digest::digest_of(&request);
        store::insert(tx, tenant, &request)?;
        tx.emit(tenant, asked_entry(&job_ctx, &request))?;
        Ok(request.shown(Vec::new()))
    })
    .await
}

fn asked_entry(ctx: &Ctx, request: &RequestRow) -> NewEntry {
    let note = json!({
        "kind": request.kind,
        "title": request.title,
        "options": request.options,
        "digest": request.digest,
        "expires_at": request.expires_at.to_string(),
        "on_silence": request.on_silence,
    });
    entry_of(ctx, "coro.request.asked", request).note(note)
}

fn entry_of(ctx: &Ctx, topic: &'static str, request: &RequestRow) -> NewEntry {
    ctx.entry(topic, &request.number.to_string(), &request.project)
}

/// Refuses what can't be asked, and fills in the usual options.
fn checked(mut new: NewRequest) -> Result<NewRequest> {
    check_title(&new.title)?;
    check_prose("body", &new.body, REQUEST_BODY_BYTES_MAX)?;
    if let Some(detail) = &new.detail {
        let length = detail.to_string().len();
        if length > REQUEST_BODY_BYTES_MAX {
            return Err(invalid(format!(
                "the detail has {length} bytes, more than {REQUEST_BODY_BYTES_MAX}"
            )));
        }
    }
    if let Some(seconds) = new.expires_in
        && !(1..=REQUEST_SECONDS_MAX).contains(&seconds)
    {
        return Err(invalid(format!(
            "expires_in is {seconds}; it takes 1 to {REQUEST_SECONDS_MAX} seconds"
        )));
    }
    if new.kind == RequestKind::LeaseOverride && !new.options.is_empty() {
        return Err(invalid("a lease_override takes no options of its own")
            .hint("it is decided with yes or no"));
    }
    check_options(&new.options)?;
    if new.options.is_empty() {
        new.options = vec![YES.to_owned(), NO.to_owned()];
    }
    Ok(new)
}

fn check_title(title: &str) -> Result<()> {
    if title.trim().is_empty() {
        return Err(invalid("the title is empty").hint("say in one line what is to be decided"));
    }
    check_prose("title", title, REQUEST_TITLE_BYTES_MAX)?;
    if title.contains(['\n', '\t']) {
        return Err(invalid("the title has more than one line").hint("put the rest into the body"));
    }
    Ok(())
}

fn check_options(options: &[String]) -> Result<()> {
    if options.len() > REQUEST_OPTIONS_MAX {
        return Err(invalid(format!(
            "a request takes at most {REQUEST_OPTIONS_MAX} options"
        )));
    }
    for (at, option) in options.iter().enumerate() {
        check_text("option", option)?;
        if option.len() > OPTION_BYTES_MAX {
            return Err(invalid(format!(
                "an option has {} bytes, more than {OPTION_BYTES_MAX}",
                option.len()
            )));
        }
        if options[..at].contains(option) {
            return Err(invalid(format!("the option {option:?} is there twice")));
        }
    }
    match options {
        [only] if only == NO => Err(invalid("there is nothing to allow: the only option is no")),
        _ => Ok(()),
    }
}

fn effect_of(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    new: &NewRequest,
    project: &str,
    agent: Option<&str>,
) -> Result<Option<Effect>> {
    match (new.kind, new.lease, agent) {
        (RequestKind::LeaseOverride, Some(lease), Some(agent)) => Ok(Some(Effect {
            lease,
            pattern: overridable_pattern(tx, ctx, lease, project)?,
            agent: agent.to_owned(),
        })),
        (RequestKind::LeaseOverride, None, _) => Err(invalid("a lease_override names no lease")
            .hint("name the one that is in the way, such as L-3")),
        (RequestKind::LeaseOverride, Some(_), None) => {
            Err(conflict("only an agent can edit under another's lease")
                .hint("ask with the agent's token"))
        }
        (kind, Some(_), _) => Err(invalid(format!(
            "a request of kind {} is about no lease",
            kind.word()
        ))
        .hint("take the kind lease_override")),
        (_, None, _) => Ok(None),
    }
}

fn check_room(tx: &mut Tx<'_>, tenant: &TenantId, project: &str) -> Result<()> {
    let full = |most: i64, of: &str| {
        conflict(format!("{most} requests {of} wait for a decision already"))
            .hint("withdraw those that are over, or wait for decisions")
    };
    if store::count_waiting(tx, tenant, Some(project))? >= REQUESTS_OF_PROJECT_MAX {
        return Err(full(REQUESTS_OF_PROJECT_MAX, &format!("of {project:?}")));
    }
    if store::count_waiting(tx, tenant, None)? >= REQUESTS_MAX {
        return Err(full(REQUESTS_MAX, "of the tenant"));
    }
    Ok(())
}

/// Which requests are asked for; each that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct RequestFilter {
    pub project: Option<String>,
    /// A status, or `waiting` for those that can be decided.
    pub status: Option<String>,
    pub kind: Option<RequestKind>,
    pub asked_by: Option<String>,
}

/// The requests below a number that the caller may see, the newest first.
pub async fn list_requests(
    ctx: &Ctx,
    mut filter: RequestFilter,
    before: i64,
    limit: usize,
) -> Result<Listed<Request>> {
    match (&ctx.caller.project, &filter.project) {
        (Some(own), Some(asked)) if own != asked => {
            filter.project = Some(ctx.caller.project_for(Some(asked.clone()))?);
        }
        (Some(own), _) => filter.project = Some(own.clone()),
        _ => {}
    }
    silence::settle(&ctx.app.db, &ctx.caller.tenant).await?;
    let tenant = ctx.caller.tenant.clone();
    let job = move |tx: &mut Tx<'_>| {
        let revision = tx.head(&tenant)?.revision;
        let mut rows = match filter.status.as_deref() {
            Some(WAITING) => store::list_waiting(tx, &tenant, &filter, before, limit + 1)?,
            _ => store::list(tx, &tenant, &filter, before, limit + 1)?,
        };
        let more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| more);
        Ok(Listed {
            revision,
            next: last.map(|row| row.number.0.to_string()),
            items: rows.into_iter().map(|row| row.shown(Vec::new())).collect(),
        })
    };
    ctx.app.db.scan(job).await
}

/// The requests of a project, or of all, that wait for a decision, the oldest
/// first, and how many wait besides.
pub fn waiting(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: Option<&str>,
    limit: usize,
) -> Result<(Vec<OverviewRequest>, i64)> {
    let now = tx.now();
    let rows = store::first_waiting(tx, tenant, project, limit)?;
    let shown = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let more = store::count_waiting(tx, tenant, project)? - shown;
    let briefs = rows.into_iter().map(|row| row.at_a_glance(now));
    Ok((briefs.collect(), more.max(0)))
}

/// A request, with the votes.
pub async fn get_request(ctx: &Ctx, number: RequestNumber) -> Result<Request> {
    silence::settle(&ctx.app.db, &ctx.caller.tenant).await?;
    let job_ctx = ctx.clone();
    let job = move |tx: &mut Tx<'_>| {
        let row = find_in(tx, &job_ctx, number)?;
        let votes = store::votes(tx, &job_ctx.caller.tenant, number)?;
        Ok(row.shown(votes))
    };
    ctx.app.db.read(job).await
}

/// As [`ask_request`]; answers once nothing more can be decided, or after some
/// seconds with the request as it is then. Who can't wait has not asked.
pub async fn ask_and_wait(ctx: &Ctx, new: NewRequest, seconds: u64) -> Result<Request> {
    check_seconds(seconds)?;
    let slot = ctx.stream_slot()?;
    let number = ask_request(ctx, new).await?.number;
    let look = move |ctx| decided(ctx, number);
    match wait_in(ctx, slot, &[TOPICS], seconds, look).await? {
        Some(request) => Ok(request),
        None => get_request(ctx, number).await,
    }
}

/// As [`get_request`], once nothing more can be decided, or after some seconds
/// as it is then.
pub async fn wait_for_decision(ctx: &Ctx, number: RequestNumber, seconds: u64) -> Result<Request> {
    let look = move |ctx| decided(ctx, number);
    match wait_for_call(ctx, &[TOPICS], seconds, look).await? {
        Some(request) => Ok(request),
        None => get_request(ctx, number).await,
    }
}

async fn decided(ctx: Ctx, number: RequestNumber) -> Result<Option<Request>> {
    let request = get_request(&ctx, number).await?;
    Ok((!request.status.waits()).then_some(request))
}

/// Takes a request back. Only whoever asked can.
pub async fn withdraw_request(ctx: &Ctx, number: RequestNumber, why: String) -> Result<Request> {
    check_prose("why", &why, WHY_BYTES_MAX)?;
    silence::settle(&ctx.app.db, &ctx.caller.tenant).await?;
    let job_ctx = ctx.clone();
    ctx.write(move |tx| {
        let tenant = &job_ctx.caller.tenant;
        let mut request = find_in(tx, &job_ctx, number)?;
        silence::settle_one(tx, tenant, &mut request)?;
        if !request.is_asked_by(&job_ctx) {
            return Err(forbidden(format!(
                "{number} was asked by {}, who alone can withdraw it",
                request.asked_by
            ))
            .hint("decide it with no, where you may"));
        }
        if request.has_ended() {
            return Err(request.ending());
        }
        request.status = RequestStatus::Withdrawn;
        request.closed_at = Some(tx.now());
        request.why = Some(why.clone()).filter(|why| !why.is_empty());
        store::update(tx, tenant, &request)?;
        let note = json!({ "why": request.why });
        let entry = entry_of(&job_ctx, "coro.request.withdrawn", &request);
        tx.emit(tenant, entry.note(note))?;
        let votes = store::votes(tx, tenant, number)?;
        Ok(request.shown(votes))
    })
    .await
}

/// A request that the caller may see.
fn find_in(tx: &mut Tx<'_>, ctx: &Ctx, number: RequestNumber) -> Result<RequestRow> {
    store::find(tx, &ctx.caller.tenant, number)?
        .filter(|request| ctx.caller.sees_project(&request.project))
        .ok_or_else(|| {
            not_found("request", &number.to_string()).hint("list them with coro-cli requests")
        })
}

/// Reads a name of a decider: a human's, or an actor such as `agent:lead`.
fn check_decider(name: &str) -> Result<()> {
    Ok(check_name("decider", name)?)
}
