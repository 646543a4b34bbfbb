//! SQL of requests, votes and policies.

use coro_api::numbers::RequestNumber;
use coro_api::requests::{RequestKind, RequestStatus, Silence, Vote};

use super::policy::PolicyRow;
use super::{RequestFilter, RequestRow};
use crate::clock::Time;
use crate::db::{Row, Tx};
use crate::error::{Error, Result, internal};
use crate::ids::TenantId;

macro_rules! select {
    ($body:literal, $detail:literal, $rest:literal) => {
        concat!(
            "SELECT number, project, kind, title, ",
            $body,
            ", ",
            $detail,
            ", options, effect, digest, asked_by, asked_agent, asked_token, asked_at, expires_at, \
             on_silence, status, decision, decided_by, decided_how, decided_at, why, closed_at \
             FROM request WHERE tenant_id = $1",
            $rest
        )
    };
    ($rest:literal) => {
        select!("body", "detail", $rest)
    };
}

fn row_from(row: &dyn Row) -> Result<RequestRow> {
    let opt = |column| Ok::<_, Error>(row.opt_text(column)?.map(str::to_owned));
    Ok(RequestRow {
        number: RequestNumber(row.int(0)?),
        project: row.text(1)?.to_owned(),
        kind: kind_from(row, 2)?,
        title: row.text(3)?.to_owned(),
        body: row.text(4)?.to_owned(),
        detail: json_from(row, 5)?,
        options: serde_json::from_str(row.text(6)?).map_err(internal)?,
        effect: json_from(row, 7)?,
        digest: row.text(8)?.to_owned(),
        asked_by: row.text(9)?.to_owned(),
        asked_agent: opt(10)?,
        asked_token: row.text(11)?.to_owned(),
        asked_at: Time(row.int(12)?),
        expires_at: Time(row.int(13)?),
        on_silence: Silence::from_word(row.text(14)?)
            .ok_or_else(|| impossible("silence", row.text(14)))?,
        status: RequestStatus::from_word(row.text(15)?)
            .ok_or_else(|| impossible("status", row.text(15)))?,
        decision: opt(16)?,
        decided_by: opt(17)?,
        decided_how: opt(18)?,
        decided_at: row.opt_int(19)?.map(Time),
        why: opt(20)?,
        closed_at: row.opt_int(21)?.map(Time),
    })
}

pub(super) fn find(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    number: RequestNumber,
) -> Result<Option<RequestRow>> {
    tx.query_one(
        select!(" AND number = $2"),
        &[tenant.into(), number.0.into()],
        row_from,
    )
}

/// Requests below a number, the newest first, without their body and detail.
pub(super) fn list(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    filter: &RequestFilter,
    before: i64,
    limit: usize,
) -> Result<Vec<RequestRow>> {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    tx.query_all(
        select!(
            "''",
            "NULL",
            " AND number < $2 AND ($3 = '' OR project = $3) AND ($4 = '' OR kind = $4) \
             AND ($5 = '' OR asked_by = $5) AND ($6 = '' OR status = $6) \
             ORDER BY number DESC LIMIT $7"
        ),
        &[
            tenant.into(),
            before.into(),
            (&text(&filter.project)).into(),
            filter.kind.map_or("", RequestKind::word).into(),
            (&text(&filter.asked_by)).into(),
            (&text(&filter.status)).into(),
            i64::try_from(limit).unwrap_or(i64::MAX).into(),
        ],
        row_from,
    )
}

/// As [`list`], of those that can be decided. A text of its own, which reads
/// nothing of those that have ended.
pub(super) fn list_waiting(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    filter: &RequestFilter,
    before: i64,
    limit: usize,
) -> Result<Vec<RequestRow>> {
    tx.query_all(
        select!(
            "''",
            "NULL",
            " AND number < $2 AND ($3 = '' OR project = $3) AND ($4 = '' OR kind = $4) \
             AND ($5 = '' OR asked_by = $5) AND number IN (SELECT w.number FROM request w \
             WHERE w.tenant_id = $1 AND w.closed_at IS NULL) ORDER BY number DESC LIMIT $6"
        ),
        &[
            tenant.into(),
            before.into(),
            filter.project.as_deref().unwrap_or_default().into(),
            filter.kind.map_or("", RequestKind::word).into(),
            filter.asked_by.as_deref().unwrap_or_default().into(),
            i64::try_from(limit).unwrap_or(i64::MAX).into(),
        ],
        row_from,
    )
}

/// The first of a project, or of the tenant, that can be decided, the oldest
/// first, without their body and detail.
pub(super) fn first_waiting(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: Option<&str>,
    limit: usize,
) -> Result<Vec<RequestRow>> {
    tx.query_all(
        select!(
            "''",
            "NULL",
            " AND ($2 = '' OR project = $2) AND number IN (SELECT w.number FROM request w \
             WHERE w.tenant_id = $1 AND w.closed_at IS NULL) ORDER BY number LIMIT $3"
        ),
        &[
            tenant.into(),
            project.unwrap_or_default().into(),
            i64::try_from(limit).unwrap_or(i64::MAX).into(),
        ],
        row_from,
    )
}

/// How many requests of a project, or of the tenant, can be decided.
pub(super) fn count_waiting(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: Option<&str>,
) -> Result<i64> {
    let count = tx.query_one(
        "SELECT count(*) FROM request WHERE tenant_id = $1 AND closed_at IS NULL \
         AND ($2 = '' OR project = $2)",
        &[tenant.into(), project.unwrap_or_default().into()],
        |row| row.int(0),
    )?;
    Ok(count.unwrap_or(0))
}

pub(super) fn any_due(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<bool> {
    let now = tx.now();
    let found = tx.query_one(
        "SELECT 1 FROM request WHERE tenant_id = $1 AND closed_at IS NULL AND expires_at <= $2 \
         AND status IN ('open', 'escalated') LIMIT 1",
        &[tenant.into(), now.into()],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

/// Some requests whose time is over and that silence was not applied to.
pub(super) fn due(tx: &mut Tx<'_>, tenant: &TenantId, limit: i64) -> Result<Vec<RequestRow>> {
    let now = tx.now();
    tx.query_all(
        select!(
            " AND closed_at IS NULL AND expires_at <= $2 AND status IN ('open', 'escalated') \
             ORDER BY expires_at, number LIMIT $3"
        ),
        &[tenant.into(), now.into(), limit.into()],
        row_from,
    )
}

pub(super) fn ended_before(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    before: Time,
    limit: i64,
) -> Result<Vec<RequestNumber>> {
    tx.query_all(
        "SELECT number FROM request WHERE tenant_id = $1 AND closed_at < $2 \
         ORDER BY closed_at LIMIT $3",
        &[tenant.into(), before.into(), limit.into()],
        |row| Ok(RequestNumber(row.int(0)?)),
    )
}

pub(super) fn insert(tx: &mut Tx<'_>, tenant: &TenantId, request: &RequestRow) -> Result<()> {
    let detail = request.detail.as_ref().map(ToString::to_string);
    let options = serde_json::to_string(&request.options).map_err(internal)?;
    let effect = request.effect.as_ref().map(serde_json::to_string);
    let effect = effect.transpose().map_err(internal)?;
    tx.execute(
        "INSERT INTO request (tenant_id, number, project, kind, title, body, detail, options, \
         effect, digest, asked_by, asked_agent, asked_token, asked_at, expires_at, on_silence, \
         status) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        &[
            tenant.into(),
            request.number.0.into(),
            (&request.project).into(),
            request.kind.word().into(),
            (&request.title).into(),
            (&request.body).into(),
            detail.as_ref().into(),
            (&options).into(),
            effect.as_ref().into(),
            (&request.digest).into(),
            (&request.asked_by).into(),
            request.asked_agent.as_ref().into(),
            (&request.asked_token).into(),
            request.asked_at.into(),
            request.expires_at.into(),
            request.on_silence.word().into(),
            request.status.word().into(),
        ],
    )?;
    Ok(())
}

/// Writes how a request stands; what was asked never changes.
pub(super) fn update(tx: &mut Tx<'_>, tenant: &TenantId, request: &RequestRow) -> Result<()> {
    tx.execute(
        "UPDATE request SET expires_at = $3, status = $4, decision = $5, decided_by = $6, \
         decided_how = $7, decided_at = $8, why = $9, closed_at = $10 \
         WHERE tenant_id = $1 AND number = $2",
        &[
            tenant.into(),
            request.number.0.into(),
            request.expires_at.into(),
            request.status.word().into(),
            request.decision.as_ref().into(),
            request.decided_by.as_ref().into(),
            request.decided_how.as_ref().into(),
            request.decided_at.into(),
            request.why.as_ref().into(),
            request.closed_at.into(),
        ],
    )?;
    Ok(())
}

pub(super) fn delete(tx: &mut Tx<'_>, tenant: &TenantId, number: RequestNumber) -> Result<()> {
    tx.execute(
        "DELETE FROM request_vote WHERE tenant_id = $1 AND number = $2",
        &[tenant.into(), number.0.into()],
    )?;
    tx.execute(
        "DELETE FROM request WHERE tenant_id = $1 AND number = $2",
        &[tenant.into(), number.0.into()],
    )?;
    Ok(())
}

/// The votes on a request, in order.
pub(super) fn votes(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    number: RequestNumber,
) -> Result<Vec<Vote>> {
    tx.query_all(
        "SELECT decider, how, choice, why, voted_at FROM request_vote \
         WHERE tenant_id = $1 AND number = $2 ORDER BY voted_at, decider",
        &[tenant.into(), number.0.into()],
        |row| {
            Ok(Vote {
                decider: row.text(0)?.to_owned(),
                how: row.text(1)?.to_owned(),
                option: row.text(2)?.to_owned(),
                why: row.text(3)?.to_owned(),
                at: Time(row.int(4)?).to_string(),
            })
        },
    )
}

pub(super) fn insert_vote(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    number: RequestNumber,
    vote: &Vote,
) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO request_vote (tenant_id, number, decider, how, choice, why, voted_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            tenant.into(),
            number.0.into(),
            (&vote.decider).into(),
            (&vote.how).into(),
            (&vote.option).into(),
            (&vote.why).into(),
            now.into(),
        ],
    )?;
    Ok(())
}

macro_rules! select_policy {
    ($rest:literal) => {
        concat!(
            "SELECT project, kind, quorum, deciders, deputies, deputies_after_seconds, set_by, \
             set_at FROM request_policy WHERE tenant_id = $1",
            $rest
        )
    };
}

fn policy_from(row: &dyn Row) -> Result<PolicyRow> {
    Ok(PolicyRow {
        project: row.text(0)?.to_owned(),
        kind: kind_from(row, 1)?,
        quorum: row.int(2)?,
        deciders: serde_json::from_str(row.text(3)?).map_err(internal)?,
        deputies: serde_json::from_str(row.text(4)?).map_err(internal)?,
        deputies_after_seconds: row.int(5)?,
        set_by: row.text(6)?.to_owned(),
        set_at: Time(row.int(7)?),
    })
}

pub(super) fn find_policy(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: &str,
    kind: RequestKind,
) -> Result<Option<PolicyRow>> {
    tx.query_one(
        select_policy!(" AND project = $2 AND kind = $3"),
        &[tenant.into(), project.into(), kind.word().into()],
        policy_from,
    )
}

pub(super) fn list_policies(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Vec<PolicyRow>> {
    tx.query_all(
        select_policy!(" ORDER BY project, kind"),
        &[tenant.into()],
        policy_from,
    )
}

pub(super) fn count_policies(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<i64> {
    let count = tx.query_one(
        "SELECT count(*) FROM request_policy WHERE tenant_id = $1",
        &[tenant.into()],
        |row| row.int(0),
    )?;
    Ok(count.unwrap_or(0))
}

pub(super) fn insert_policy(tx: &mut Tx<'_>, tenant: &TenantId, policy: &PolicyRow) -> Result<()> {
    let deciders = serde_json::to_string(&policy.deciders).map_err(internal)?;
    let deputies = serde_json::to_string(&policy.deputies).map_err(internal)?;
    tx.execute(
        "INSERT INTO request_policy (tenant_id, project, kind, quorum, deciders, deputies, \
         deputies_after_seconds, set_by, set_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &[
            tenant.into(),
            (&policy.project).into(),
            policy.kind.word().into(),
            policy.quorum.into(),
            (&deciders).into(),
            (&deputies).into(),
            policy.deputies_after_seconds.into(),
            (&policy.set_by).into(),
            policy.set_at.into(),
        ],
    )?;
    Ok(())
}

pub(super) fn delete_policy(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    project: &str,
    kind: RequestKind,
) -> Result<()> {
    tx.execute(
        "DELETE FROM request_policy WHERE tenant_id = $1 AND project = $2 AND kind = $3",
        &[tenant.into(), project.into(), kind.word().into()],
    )?;
    Ok(())
}

fn kind_from(row: &dyn Row, column: usize) -> Result<RequestKind> {
    RequestKind::from_word(row.text(column)?).ok_or_else(|| impossible("kind", row.text(column)))
}

fn json_from<T: serde::de::DeserializeOwned>(row: &dyn Row, column: usize) -> Result<Option<T>> {
    let json = row.opt_text(column)?.map(serde_json::from_str);
    json.transpose().map_err(internal)
}

fn impossible(what: &str, found: Result<&str>) -> Error {
    let found = found.unwrap_or_default();
    internal(anyhow::anyhow!("the database holds the {what} {found:?}"))
}
