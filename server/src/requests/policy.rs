//! Policies: who decides a kind of a project, and how many of them.
//!
//! Who may change one is in [`super::keepers`].

use coro_api::limits::{DECIDERS_MAX, REQUEST_SECONDS_MAX};
use coro_api::requests::{
    BY_SESSION, BY_TOKEN, Decision, NO, NewPolicy, Policy, RequestKind, RequestStatus, Vote,
};
use serde_json::json;

use super::decide::Decider;
use super::keepers::{check_condition, check_may_set, names_human};
use super::{RequestRow, check_decider, store};
use crate::app::Ctx;
use crate::auth::record_protected;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Result, conflict, forbidden, invalid};
use crate::humans::{OR_ON_THE_PAGE, count_humans, session_humans, unknown_humans};
use crate::ids::{Hash, TenantId};
use crate::state::Condition;

/// The most policies of a tenant: a list shows them all.
const POLICIES_MAX: i64 = 5_000;

/// A policy as it is stored.
#[derive(Clone, Debug)]
pub(super) struct PolicyRow {
    pub(super) project: String,
    pub(super) kind: RequestKind,
    pub(super) quorum: i64,
    pub(super) deciders: Vec<String>,
    pub(super) deputies: Vec<String>,
    pub(super) deputies_after_seconds: i64,
    pub(super) set_by: String,
    pub(super) set_at: Time,
}

impl PolicyRow {
    /// What holds where nobody has set a policy: one of those who may.
    pub(super) fn usual(project: &str, kind: RequestKind) -> PolicyRow {
        PolicyRow {
            project: project.to_owned(),
            kind,
            quorum: 1,
            deciders: Vec::new(),
            deputies: Vec::new(),
            deputies_after_seconds: 0,
            set_by: String::new(),
            set_at: Time(0),
        }
    }

    fn is_usual(&self) -> bool {
        self.quorum == 1 && self.deciders.is_empty() && self.deputies.is_empty()
    }

    pub(super) fn names_deputy(&self, decider: &Decider) -> bool {
        names(&self.deputies, decider)
    }

    /// Whether one of those who may decide in general may decide this one now.
    pub(super) fn check(&self, request: &RequestRow, decider: &Decider, now: Time) -> Result<()> {
        if self.deciders.is_empty() || names(&self.deciders, decider) {
            return Ok(());
        }
        let number = request.number;
        if !self.names_deputy(decider) {
            return Err(forbidden(format!(
                "{} is none of those who decide {number}: {}",
                decider.actor,
                self.deciders.join(", ")
            ))
            .hint("the policy is in coro-cli requests policy"));
        }
        let from = request.asked_at.plus_seconds(self.deputies_after_seconds);
        if request.status == RequestStatus::Escalated || from <= now {
            return Ok(());
        }
        Err(forbidden(format!(
            "{} is a deputy and may decide {number} from {from} on",
            decider.actor
        ))
        .hint(format!(
            "until then it waits for {}",
            self.deciders.join(", ")
        )))
    }

    /// Whether a vote that was cast is one of those who decide now. As in
    /// [`PolicyRow::check_counts`], the policy that holds now says whether a
    /// human's token is a vote of its own.
    pub(super) fn has_vote_of(&self, vote: &Vote) -> bool {
        let name = match vote.how.as_str() {
            BY_SESSION => vote.decider.strip_prefix("human:"),
            _ => Some(vote.decider.as_str()),
        };
        let is_named = |name: &str| {
            let mut all = self.deciders.iter().chain(&self.deputies);
            all.any(|named| named == name)
        };
        if self.deciders.is_empty() {
            let is_unknown_human = vote.how == BY_TOKEN && vote.decider.starts_with("human:");
            return self.quorum == 1 || !is_unknown_human;
        }
        name.is_some_and(is_named)
    }

    /// Whether this vote counts where several must agree: one person with a
    /// token and a session would be two. To refuse takes one anyway.
    pub(super) fn check_counts(
        &self,
        request: &RequestRow,
        decider: &Decider,
        decision: &Decision,
    ) -> Result<()> {
        let is_named = names(&self.deciders, decider) || names(&self.deputies, decider);
        if self.quorum == 1 || decision.option == NO || !decider.is_unknown_human || is_named {
            return Ok(());
        }
        let number = request.number;
        Err(forbidden(format!(
            "{number} takes {} who agree, and a token does not tell whose vote this is",
            self.quorum
        ))
        .hint(format!(
            "say who you are: coro-cli yes {number} --as NAME on a terminal{OR_ON_THE_PAGE}"
        )))
    }

    fn shown(self) -> Policy {
        Policy {
            digest: self.digest().hex(),
            humans_to_change: self.keepers().map_or(0, |(_, count)| count),
            project: self.project,
            kind: self.kind,
            quorum: self.quorum,
            deciders: self.deciders,
            deputies: self.deputies,
            deputies_after_seconds: self.deputies_after_seconds,
            set_by: self.set_by,
            set_at: self.set_at.to_string(),
        }
    }
}

/// A human is known by the name, whoever comes with a token by its actor.
fn names(list: &[String], decider: &Decider) -> bool {
    let name = decider.human.as_ref().unwrap_or(&decider.actor);
    list.contains(name)
}

/// The policy of a kind in a project.
pub(super) fn policy_of(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: &str,
    kind: RequestKind,
) -> Result<PolicyRow> {
    let found = store::find_policy(tx, tenant, project, kind)?;
    Ok(found.unwrap_or_else(|| PolicyRow::usual(project, kind)))
}

/// The policies that the caller may see.
pub async fn list_policies(ctx: &Ctx) -> Result<Vec<Policy>> {
    let caller = ctx.caller.clone();
    let all = ctx
        .app
        .db
        .read(move |tx| store::list_policies(tx, &caller.tenant));
    let all = all.await?.into_iter();
    let seen = all.filter(|policy| ctx.caller.sees_project(&policy.project));
    Ok(seen.map(PolicyRow::shown).collect())
}

/// Sets who decides. What is protected takes sessions of humans: who could set
/// the deciders could decide. Whoever is refused is written down.
pub async fn set_policy(
    ctx: &Ctx,
    sessions: Vec<Hash>,
    condition: Condition,
    new: NewPolicy,
) -> Result<Policy> {
    let kind = new.kind;
    let project = ctx.caller.project_for(new.project.clone())?;
    let set = try_set(ctx, sessions, condition, new, project.clone()).await;
    if let Err(error) = &set
        && error.is_refusal()
    {
        let note = json!({ "policy": kind, "role": ctx.caller.role, "why": error.message });
        record_protected(ctx, "coro.request.refused", kind.word(), &project, note).await;
    }
    set
}

async fn try_set(
    ctx: &Ctx,
    sessions: Vec<Hash>,
    condition: Condition,
    new: NewPolicy,
    project: String,
) -> Result<Policy> {
    check(&new)?;
    let job_ctx = ctx.clone();
    ctx.write(move |tx| {
        let tenant = &job_ctx.caller.tenant;
        let humans = session_humans(tx, &job_ctx, &sessions)?;
        let before = store::find_policy(tx, tenant, &project, new.kind)?;
        check_may_set(&job_ctx, &project, new.kind, before.as_ref(), &humans)?;
        check_condition(&condition, &project, new.kind, before.as_ref())?;
        check_can_be_met(tx, tenant, &new)?;
        let policy = PolicyRow {
            quorum: new.quorum,
            deciders: new.deciders.clone(),
            deputies: new.deputies.clone(),
            deputies_after_seconds: new.deputies_after_seconds,
            set_by: humans.first().map_or_else(
                || job_ctx.caller.actor.clone(),
                |name| format!("human:{name}"),
            ),
            set_at: tx.now(),
            ..PolicyRow::usual(&project, new.kind)
        };
        save(tx, tenant, &policy)?;
        let mut entry = job_ctx.entry("coro.request.policy", new.kind.word(), &project);
        entry.actor.clone_from(&policy.set_by);
        tx.emit(
            tenant,
            entry.note(json!({
                "quorum": policy.quorum, "deciders": policy.deciders, "deputies": policy.deputies,
                "deputies_after_seconds": policy.deputies_after_seconds, "humans": humans,
            })),
        )?;
        Ok(policy.shown())
    })
    .await
}

/// Writes a policy in place of the one before; the usual one needs no row.
fn save(tx: &mut Tx<'_>, tenant: &TenantId, policy: &PolicyRow) -> Result<()> {
    store::delete_policy(tx, tenant, &policy.project, policy.kind)?;
    if policy.is_usual() {
        return Ok(());
    }
    if store::count_policies(tx, tenant)? >= POLICIES_MAX {
        return Err(conflict(format!(
            "there are {POLICIES_MAX} policies already"
        )));
    }
    store::insert_policy(tx, tenant, policy)
}

fn check(new: &NewPolicy) -> Result<()> {
    for (what, list) in [("deciders", &new.deciders), ("deputies", &new.deputies)] {
        if list.len() > DECIDERS_MAX {
            return Err(invalid(format!(
                "{what} has more than {DECIDERS_MAX} names"
            )));
        }
        for (at, name) in list.iter().enumerate() {
            check_decider(name)?;
            if list[..at].contains(name) {
                return Err(invalid(format!("{name:?} is twice in {what}")));
            }
        }
    }
    let most = i64::try_from(DECIDERS_MAX).unwrap_or(i64::MAX);
    if !(1..=most).contains(&new.quorum) {
        return Err(invalid(format!(
            "quorum is {}; it takes 1 to {most}",
            new.quorum
        )));
    }
    if !(0..=REQUEST_SECONDS_MAX).contains(&new.deputies_after_seconds) {
        return Err(invalid(format!(
            "deputies_after_seconds is {}; it takes 0 to {REQUEST_SECONDS_MAX}",
            new.deputies_after_seconds
        )));
    }
    if new.deciders.is_empty() && !new.deputies.is_empty() {
        return Err(invalid(
            "there are deputies, and no deciders whom they stand for",
        ));
    }
    Ok(())
}

/// A policy that nobody can meet would close a door for good.
fn check_can_be_met(tx: &mut Tx<'_>, tenant: &TenantId, new: &NewPolicy) -> Result<()> {
    let humans = count_humans(tx, tenant)?;
    let named = [new.deciders.as_slice(), &new.deputies].concat();
    let people: Vec<String> = named
        .iter()
        .filter(|name| names_human(name))
        .cloned()
        .collect();
    if let Some(actor) = named.iter().find(|name| !names_human(name))
        && new.kind.is_protected()
    {
        return Err(
            invalid(format!("{actor:?} is no human, and the kind is protected"))
                .hint("name humans; list them with coro-cli humans list"),
        );
    }
    if let Some(unknown) = unknown_humans(tx, tenant, &people)?.first() {
        return Err(invalid(format!("there is no human {unknown:?}"))
            .hint("list them with coro-cli humans list"));
    }
    let most = match (new.kind.is_protected(), new.deciders.is_empty()) {
        (true, true) => humans,
        (false, true) => i64::MAX,
        (_, false) => {
            let mut distinct = named;
            distinct.sort();
            distinct.dedup();
            i64::try_from(distinct.len()).unwrap_or(i64::MAX)
        }
    };
    if new.quorum > most {
        return Err(
            invalid(format!("a quorum of {} can't be met by {most}", new.quorum))
                .hint("name more deciders, or take a smaller quorum"),
        );
    }
    Ok(())
}
