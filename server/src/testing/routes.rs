//! HTTP of steering.

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use coro_api::numbers::MessageNumber;
use serde::{Deserialize, Serialize};

use super::Fault;
use crate::agents::require_agent;
use crate::app::App;
use crate::auth::{Admin, Writer};
use crate::error::Result;
use crate::log::retention;
use crate::messages;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/testing/clock", post(advance_clock))
        .route("/testing/sweep", post(sweep))
        .route("/testing/fault", post(plan_fault))
        .route("/testing/compact", post(compact))
        .route("/testing/deliver", post(deliver))
}

#[derive(Deserialize)]
struct Advance {
    advance_ms: i64,
}

#[derive(Serialize)]
struct Done {
    now: String,
}

fn done(app: &App) -> Json<Done> {
    Json(Done {
        now: app.clock.now().to_string(),
    })
}

async fn advance_clock(
    State(app): State<App>,
    _: Admin,
    Json(body): Json<Advance>,
) -> Result<Json<Done>> {
    app.clock.advance_ms(body.advance_ms);
    Ok(done(&app))
}

async fn sweep(State(app): State<App>, _: Admin) -> Result<Json<Done>> {
    crate::sweeps::run_all(&app).await?;
    Ok(done(&app))
}

#[derive(Deserialize)]
struct Deliver {
    /// What a client that remembers has shown; absent for one that does not.
    shown: Option<Vec<MessageNumber>>,
}

#[derive(Serialize)]
struct Delivered {
    numbers: Vec<MessageNumber>,
    text: String,
    parts: Vec<String>,
    blocking: Vec<MessageNumber>,
    /// How many it has not read, and how many nothing has shown.
    unread: i64,
    new: i64,
}

/// What a hook of the agent that calls gets.
async fn deliver(Writer(ctx): Writer, Json(body): Json<Deliver>) -> Result<Json<Delivered>> {
    let tenant = ctx.caller.tenant.clone();
    let job_ctx = ctx.clone();
    let delivered = ctx.app.db.write(&tenant, move |tx| {
        let tenant = &job_ctx.caller.tenant;
        let agent = require_agent(tx, &job_ctx)?.id;
        let delivery = match &body.shown {
            Some(shown) => messages::deliver(tx, tenant, &agent, shown)?,
            None => messages::deliver_once(tx, tenant, &agent)?,
        };
        Ok(Delivered {
            numbers: delivery.numbers,
            text: delivery.text,
            parts: delivery.parts,
            blocking: delivery.blocking,
            unread: messages::count_unread(tx, tenant, &agent)?,
            new: messages::count_new(tx, tenant, &agent)?,
        })
    });
    Ok(Json(delivered.await?))
}

#[derive(Deserialize)]
struct PlanFault {
    kind: Fault,
    #[serde(default)]
    after_writes: u64,
}

async fn plan_fault(
    State(app): State<App>,
    _: Admin,
    Json(body): Json<PlanFault>,
) -> Result<Json<Done>> {
    app.db.faults().plan(body.kind, body.after_writes);
    Ok(done(&app))
}

#[derive(Deserialize)]
struct Compact {
    through: i64,
}

async fn compact(
    State(app): State<App>,
    Admin(ctx): Admin,
    Json(body): Json<Compact>,
) -> Result<Json<Done>> {
    retention::compact(&app.db, &ctx.caller.tenant, body.through).await?;
    Ok(done(&app))
}
