//! HTTP of requests.

use axum::http::HeaderMap;
use axum::response::Response;
use coro_api::numbers::RequestNumber;
use coro_api::requests::{
    Decision, NewPolicy, NewRequest, Policy, Request, RequestKind, RequestStatus, Withdrawal,
};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::policy::{list_policies, set_policy};
use super::{
    RequestFilter, WAITING, ask_and_wait, ask_request, decide_request, get_request, list_requests,
    wait_for_decision, withdraw_request,
};
use crate::app::App;
use crate::auth::{Anyone, Leader, Reader, Writer};
use crate::error::{Result, invalid};
use crate::http::etag::write_condition;
use crate::http::extract::{Json, NoQuery, Path, Query};
use crate::http::page::{Rows, bound};
use crate::humans::routes::{SessionKey, SessionKeys};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, ask))
        .routes(routes!(policies, set))
        .routes(routes!(get))
        .routes(routes!(decide))
        .routes(routes!(withdraw))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    project: Option<String>,
    status: Option<String>,
    kind: Option<String>,
    asked_by: Option<String>,
    limit: Option<i64>,
    before: Option<i64>,
}

impl ListQuery {
    fn filter(&self) -> Result<RequestFilter> {
        let status = self.status.clone();
        if let Some(word) = &status
            && word != WAITING
            && RequestStatus::from_word(word).is_none()
        {
            let words = RequestStatus::ALL.iter().map(|status| status.word());
            let words: Vec<&str> = words.collect();
            return Err(invalid(format!(
                "status is {word:?}; it takes {WAITING}, {}",
                words.join(", ")
            )));
        }
        let kind = match &self.kind {
            Some(word) => Some(kind_of(word)?),
            None => None,
        };
        Ok(RequestFilter {
            project: self.project.clone(),
            status,
            kind,
            asked_by: self.asked_by.clone(),
        })
    }
}

fn kind_of(word: &str) -> Result<RequestKind> {
    RequestKind::from_word(word).ok_or_else(|| {
        let words: Vec<&str> = RequestKind::ALL.iter().map(|kind| kind.word()).collect();
        invalid(format!("kind is {word:?}; it takes {}", words.join(", ")))
    })
}

/// List requests
///
/// The newest first, without body, detail and votes.
#[utoipa::path(get, path = "/api/requests", operation_id = "list_requests", tag = "requests",
    params(
        ("project" = Option<String>, Query, description = "Of this project"),
        ("status" = Option<String>, Query, description = "Of this status, or `waiting` for those that can be decided", example = "waiting"),
        ("kind" = Option<String>, Query, description = "Of this kind"),
        ("asked_by" = Option<String>, Query, description = "Asked by this actor, such as `agent:frontend`"),
        ("limit" = Option<i64>, Query, description = "Rows at most", minimum = 1, maximum = 10000),
        ("before" = Option<i64>, Query, description = "Numbers below this", minimum = 1),
    ),
    responses((status = 200, description = "The requests", body = Vec<Request>)))]
async fn list(Reader(ctx): Reader, Query(query): Query<ListQuery>) -> Result<Response> {
    let rows = Rows::asked(query.limit)?;
    let before = bound("before", query.before, 1, i64::MAX)?;
    let listed = list_requests(&ctx, query.filter()?, before, rows.to_read()).await?;
    let filters = [
        ("project", &query.project),
        ("status", &query.status),
        ("kind", &query.kind),
        ("asked_by", &query.asked_by),
    ];
    rows.answer(&listed, "/api/requests", "before", &filters)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WaitQuery {
    #[serde(default)]
    wait: u64,
}

/// Ask for a decision
///
/// With `wait` the answer comes once nothing more can be decided, or after
/// these seconds.
#[utoipa::path(post, path = "/api/requests", operation_id = "ask_request", tag = "requests",
    params(
        ("wait" = Option<u64>, Query, description = "Seconds to wait for the decision", maximum = 50),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless"),
    ),
    request_body(content = NewRequest, example = json!({"title": "Use PostgreSQL for the cart?", "options": ["yes", "no", "later"]})),
    responses((status = 200, description = "The request", body = Request)))]
async fn ask(
    Writer(ctx): Writer,
    Query(query): Query<WaitQuery>,
    Json(body): Json<NewRequest>,
) -> Result<axum::Json<Request>> {
    let request = match query.wait {
        0 => ask_request(&ctx, body).await?,
        seconds => ask_and_wait(&ctx, body, seconds).await?,
    };
    Ok(axum::Json(request))
}

/// Read a request
///
/// With `wait` the answer comes once nothing more can be decided, or after
/// these seconds.
#[utoipa::path(get, path = "/api/requests/{number}", operation_id = "get_request", tag = "requests",
    params(
        ("number" = String, Path, description = "Its number", example = "R-1"),
        ("wait" = Option<u64>, Query, description = "Seconds to wait for the decision", maximum = 50),
    ),
    responses((status = 200, description = "The request", body = Request)))]
async fn get(
    Reader(ctx): Reader,
    Path(number): Path<String>,
    Query(query): Query<WaitQuery>,
) -> Result<axum::Json<Request>> {
    let number = number_of(&number)?;
    let request = match query.wait {
        0 => get_request(&ctx, number).await?,
        seconds => wait_for_decision(&ctx, number, seconds).await?,
    };
    Ok(axum::Json(request))
}

/// Decide a request
///
/// Protected kinds take a human's session; plain ones the owner, a human or a
/// controller of the project, never who asked. The digest binds the decision
/// to what was read. Where a policy asks for several deciders, this is a vote.
#[utoipa::path(post, path = "/api/requests/{number}/decide", operation_id = "decide_request", tag = "requests",
    params(
        ("number" = String, Path, description = "Its number", example = "R-1"),
        ("Coro-Human" = Option<String>, Header, description = "A human's session"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless"),
    ),
    request_body(content = Decision, example = json!({"option": "yes", "digest": "0000000000000000000000000000000000000000000000000000000000000000"})),
    responses((status = 200, description = "The request as it is now", body = Request)))]
async fn decide(
    Anyone(ctx): Anyone,
    _: NoQuery,
    Path(number): Path<String>,
    SessionKey(session): SessionKey,
    Json(body): Json<Decision>,
) -> Result<axum::Json<Request>> {
    let number = number_of(&number)?;
    let request = decide_request(&ctx, number, session, body).await?;
    Ok(axum::Json(request))
}

/// Withdraw a request
///
/// For whoever asked, while nothing is decided.
#[utoipa::path(post, path = "/api/requests/{number}/withdraw", operation_id = "withdraw_request", tag = "requests",
    params(
        ("number" = String, Path, description = "Its number", example = "R-1"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless"),
    ),
    request_body(content = Withdrawal, example = json!({"why": "the question is answered"})),
    responses((status = 200, description = "The request as it is now", body = Request)))]
async fn withdraw(
    Writer(ctx): Writer,
    _: NoQuery,
    Path(number): Path<String>,
    Json(body): Json<Withdrawal>,
) -> Result<axum::Json<Request>> {
    let request = withdraw_request(&ctx, number_of(&number)?, body.why).await?;
    Ok(axum::Json(request))
}

/// List who decides
///
/// Kinds and projects without a policy are decided by one of those who may.
#[utoipa::path(get, path = "/api/requests/policies", operation_id = "list_policies", tag = "requests",
    responses((status = 200, description = "The policies", body = Vec<Policy>)))]
async fn policies(Reader(ctx): Reader, _: NoQuery) -> Result<axum::Json<Vec<Policy>>> {
    Ok(axum::Json(list_policies(&ctx).await?))
}

/// Set who decides
///
/// For one kind in one project. Protected kinds, and policies that name humans,
/// take as many of those who decide as the policy before asks for; all else the
/// owner. A quorum of 1 without names removes the policy.
#[utoipa::path(put, path = "/api/requests/policies", operation_id = "set_policy", tag = "requests",
    params(
        ("Coro-Human" = Option<String>, Header, description = "A human's session; of several with commas between"),
        ("If-Match" = Option<String>, Header, description = "The digest of the policy that this replaces, in quotes"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only where no policy is set"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless"),
    ),
    request_body(content = NewPolicy, example = json!({"project": "shop", "kind": "checkpoint", "quorum": 2})),
    responses((status = 200, description = "The policy", body = Policy)))]
async fn set(
    Leader(ctx): Leader,
    _: NoQuery,
    SessionKeys(sessions): SessionKeys,
    headers: HeaderMap,
    Json(body): Json<NewPolicy>,
) -> Result<axum::Json<Policy>> {
    let condition = write_condition(&headers)?;
    Ok(axum::Json(
        set_policy(&ctx, sessions, condition, body).await?,
    ))
}

fn number_of(text: &str) -> Result<RequestNumber> {
    text.parse()
        .map_err(|error: coro_api::numbers::NumberError| invalid(error.to_string()))
}
