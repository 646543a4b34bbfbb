//! HTTP of steering.

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use super::{Fault, STATEMENTS};
use crate::app::App;
use crate::auth::Admin;
use crate::error::Result;
use crate::log::retention;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/testing/clock", post(advance_clock))
        .route("/testing/sweep", post(sweep))
        .route("/testing/fault", post(plan_fault))
        .route("/testing/compact", post(compact))
        .route("/testing/statements", get(list_statements))
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

async fn list_statements(_: Admin) -> Json<Vec<String>> {
    let statements = STATEMENTS.lock().expect("no panic while held");
    Json(statements.iter().cloned().collect())
}
