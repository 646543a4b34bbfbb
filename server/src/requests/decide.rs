//! Deciding: who may, what exactly, and once.

use coro_api::names::check_prose;
use coro_api::numbers::RequestNumber;
use coro_api::requests::{BY_SESSION, BY_TOKEN, Decision, NO, Request, RequestStatus, Vote, YES};
use coro_api::tokens::{PrincipalKind, Role};
use serde_json::json;

use super::outcome::tell_asker;
use super::policy::{PolicyRow, policy_of};
use super::{RequestRow, WHY_BYTES_MAX, entry_of, find_in, silence, store};
use crate::app::Ctx;
use crate::auth::record_protected;
use crate::db::{NewEntry, Tx};
use crate::error::{Error, Result, conflict, forbidden, invalid};
use crate::humans::{OR_ON_THE_PAGE, session_human};
use crate::ids::{AgentId, Hash};
use crate::leases::override_lease;

/// Who decides, as far as it is proved.
#[derive(Clone, Debug)]
pub(super) struct Decider {
    /// The name of a human with a session.
    pub(super) human: Option<String>,
    /// Who it is in the log.
    pub(super) actor: String,
    is_owner: bool,
    /// Whether it is a human's token alone, and so nobody knows whose hand.
    pub(super) is_unknown_human: bool,
}

impl Decider {
    fn of(ctx: &Ctx, human: Option<String>) -> Decider {
        Decider {
            actor: match &human {
                Some(name) => format!("human:{name}"),
                None => ctx.caller.actor.clone(),
            },
            is_owner: ctx.caller.role == Role::Owner,
            is_unknown_human: human.is_none() && ctx.caller.kind == PrincipalKind::Human,
            human,
        }
    }

    fn how(&self) -> &'static str {
        match self.human {
            Some(_) => BY_SESSION,
            None => BY_TOKEN,
        }
    }
}

/// Decides a request, or votes where several must. Whoever is refused at a
/// protected one is written down.
pub async fn decide_request(
    ctx: &Ctx,
    number: RequestNumber,
    session: Option<Hash>,
    decision: Decision,
) -> Result<Request> {
    let how = match session {
        Some(_) => BY_SESSION,
        None => BY_TOKEN,
    };
    let option: String = decision.option.chars().take(100).collect();
    let decided = try_decide(ctx, number, session, decision).await;
    if let Err(error) = &decided
        && error.is_refusal()
    {
        record(ctx, number, how, &option, error).await?;
    }
    decided
}

async fn try_decide(
    ctx: &Ctx,
    number: RequestNumber,
    session: Option<Hash>,
    decision: Decision,
) -> Result<Request> {
    check_role(ctx)?;
    check_prose("why", &decision.why, WHY_BYTES_MAX)?;
    silence::settle(&ctx.app.db, &ctx.caller.tenant).await?;
    let job_ctx = ctx.clone();
    ctx.write(move |tx| {
        let tenant = &job_ctx.caller.tenant;
        let mut request = find_in(tx, &job_ctx, number)?;
        silence::settle_one(tx, tenant, &mut request)?;
        let policy = policy_of(tx, tenant, &request.project, request.kind)?;
        // Whoever sees it may know that it is over, and needs no session for that.
        if request.has_ended() {
            return Err(request.ending());
        }
        let human = session_human(tx, &job_ctx, session.as_ref())?;
        let decider = Decider::of(&job_ctx, human);
        check_may(tx, &job_ctx, &request, &decider, &policy)?;
        check_decision(&request, &decision)?;
        policy.check_counts(&request, &decider, &decision)?;
        let vote = cast(tx, &job_ctx, &request, &decider, &decision, &policy)?;
        let votes = store::votes(tx, tenant, number)?;
        if is_enough(&votes, &vote.option, &policy) {
            close(tx, &job_ctx, &mut request, &decider, &vote)?;
        } else {
            let entry = entry_by(&job_ctx, "coro.request.voted", &request, &decider);
            tx.emit(tenant, entry.note(json!({
                "option": vote.option, "why": vote.why, "how": vote.how, "digest": request.digest,
                "votes": votes.len(), "quorum": policy.quorum,
            })))?;
        }
        Ok(request.shown(votes))
    })
    .await
}

/// Whether this is a token with which anything is decided at all.
fn check_role(ctx: &Ctx) -> Result<()> {
    let role = ctx.caller.role;
    if matches!(role, Role::Owner | Role::Controller) {
        return Ok(());
    }
    Err(
        forbidden(format!("a token of role {} decides nothing", role.word()))
            .hint("wait for whoever leads the project; ask with coro-cli requests get --wait"),
    )
}

/// Whether this is someone who may decide this request.
fn check_may(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    request: &RequestRow,
    decider: &Decider,
    policy: &PolicyRow,
) -> Result<()> {
    let number = request.number;
    if request.kind.is_protected() && decider.human.is_none() {
        return Err(forbidden(format!(
            "{number} is protected ({}): a human decides it with their passphrase or passkey, no token does",
            request.kind.word()
        ))
        .hint(format!(
            "a person runs coro-cli yes or no {number} on a terminal{OR_ON_THE_PAGE}"
        )));
    }
    // A human may decide what was asked with their own token: it is the
    // passphrase or passkey that tells them from whatever else uses it.
    if decider.human.is_none() && request.is_asked_by(ctx) {
        return Err(
            forbidden(format!("{number} is your own: who asks does not decide"))
                .hint("wait for another, or withdraw it"),
        );
    }
    let is_escalated = request.status == RequestStatus::Escalated;
    if is_escalated && decider.human.is_none() && !decider.is_owner && !policy.names_deputy(decider)
    {
        return Err(forbidden(format!(
            "{number} is escalated: the owner or a human decides it"
        ))
        .hint("they find it with coro-cli requests"));
    }
    policy.check(request, decider, tx.now())
}

/// Whether this is a decision of what was read.
fn check_decision(request: &RequestRow, decision: &Decision) -> Result<()> {
    let option = &decision.option;
    if option != NO && !request.options.contains(option) {
        return Err(invalid(format!(
            "{} has no option {option:?}; it takes {}",
            request.number,
            request.options.join(", ")
        ))
        .hint(format!(
            "name one of them: coro-cli yes {number} --option OPTION, or say coro-cli no {number}",
            number = request.number
        )));
    }
    if decision.digest.eq_ignore_ascii_case(&request.digest) {
        return Ok(());
    }
    let given: String = decision.digest.chars().take(12).collect();
    Err(conflict(format!(
        "the digest {given:?} is not that of {}, which is {:.12}",
        request.number, request.digest
    ))
    .hint("read the request again, then decide what it says"))
}

/// Writes down what one decider says.
fn cast(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    request: &RequestRow,
    decider: &Decider,
    decision: &Decision,
    policy: &PolicyRow,
) -> Result<Vote> {
    let tenant = &ctx.caller.tenant;
    let votes = store::votes(tx, tenant, request.number)?;
    // However it was proved: a name counts once.
    let own = |vote: &&Vote| vote.decider == decider.actor;
    if let Some(vote) = votes.iter().find(own) {
        // It may be enough now: who decides can change in between.
        if vote.option == decision.option && is_enough(&votes, &vote.option, policy) {
            return Ok(vote.clone());
        }
        return Err(conflict(format!(
            "{} said {:?} to {} already, at {}",
            vote.decider, vote.option, request.number, vote.at
        ))
        .hint("others have to decide too"));
    }
    let vote = Vote {
        decider: decider.actor.clone(),
        how: decider.how().to_owned(),
        option: decision.option.clone(),
        why: decision.why.clone(),
        at: tx.now().to_string(),
    };
    store::insert_vote(tx, tenant, request.number, &vote)?;
    Ok(vote)
}

/// One `no` is enough; all else takes as many as the policy says, of those who
/// decide by it now.
fn is_enough(votes: &[Vote], option: &str, policy: &PolicyRow) -> bool {
    let agree = |vote: &&Vote| vote.option == option && policy.has_vote_of(vote);
    let count = votes.iter().filter(agree).count();
    option == NO || i64::try_from(count).is_ok_and(|count| count >= policy.quorum)
}

fn close(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    request: &mut RequestRow,
    decider: &Decider,
    vote: &Vote,
) -> Result<()> {
    let now = tx.now();
    request.status = RequestStatus::Decided;
    request.decision = Some(vote.option.clone());
    request.decided_by = Some(decider.actor.clone());
    request.decided_how = Some(vote.how.clone());
    request.decided_at = Some(now);
    request.closed_at = Some(now);
    request.why = Some(vote.why.clone()).filter(|why| !why.is_empty());
    store::update(tx, &ctx.caller.tenant, request)?;
    let note = json!({
        "decision": vote.option, "why": vote.why, "how": vote.how, "digest": request.digest,
        "kind": request.kind, "title": request.title, "asked_by": request.asked_by,
        "asked_agent": request.asked_agent, "token": ctx.caller.token_id,
    });
    let entry = entry_by(ctx, "coro.request.decided", request, decider);
    tx.emit(&ctx.caller.tenant, entry.note(note))?;
    tell_asker(tx, &ctx.caller.tenant, request)?;
    match &request.effect {
        Some(effect) if vote.option == YES => {
            let agent = AgentId::from_text(&effect.agent);
            override_lease(tx, ctx, effect.lease, &request.project, &agent)
        }
        _ => Ok(()),
    }
}

fn entry_by(ctx: &Ctx, topic: &'static str, request: &RequestRow, decider: &Decider) -> NewEntry {
    NewEntry {
        actor: decider.actor.clone(),
        ..entry_of(ctx, topic, request)
    }
}

/// Writes to the audit who tried to decide what is protected, and how.
async fn record(
    ctx: &Ctx,
    number: RequestNumber,
    how: &str,
    option: &str,
    error: &Error,
) -> Result<()> {
    let tenant = ctx.caller.tenant.clone();
    let found = ctx.app.db.read(move |tx| store::find(tx, &tenant, number));
    let Some(request) = found.await?.filter(|request| request.kind.is_protected()) else {
        return Ok(());
    };
    let note = json!({
        "how": how, "role": ctx.caller.role, "token": ctx.caller.token_id,
        "option": option, "why": error.message,
    });
    let (subject, project) = (number.to_string(), request.project);
    record_protected(ctx, "coro.request.refused", &subject, &project, note).await;
    Ok(())
}
