//! HTTP of the server itself.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use coro_api::clients::{self, ClientSetups};
use coro_api::settings::Settings;
use coro_api::system::{Health, MetricsReset, Ready, ServerMetrics, Whoami};
use coro_api::tokens::Role;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::uptime;
use crate::app::App;
use crate::auth::{Admin, Anyone, Reader};
use crate::error::{Result, forbidden, unavailable};
use crate::http::extract::NoQuery;
use crate::http::page::json_at;

/// Prometheus asks for this version of its text form.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(ready))
        .routes(routes!(prometheus))
        .routes(routes!(whoami))
        .routes(routes!(server_metrics))
        .routes(routes!(reset_metrics))
        .routes(routes!(settings))
        .routes(routes!(client_setups))
}

/// Whether the server lives
#[utoipa::path(get, path = "/health", operation_id = "get_health", tag = "server", security(()),
    responses((status = 200, description = "It does", body = Health)))]
async fn health(State(app): State<App>) -> axum::Json<Health> {
    axum::Json(Health {
        status: "ok".to_owned(),
        uptime: uptime(app.uptime_seconds()),
    })
}

/// Whether the server can serve
///
/// Its database answers, and it is not stopping.
#[utoipa::path(get, path = "/ready", operation_id = "get_ready", tag = "server", security(()),
    responses((status = 200, description = "It can", body = Ready)))]
async fn ready(State(app): State<App>) -> Result<axum::Json<Ready>> {
    if app.stop.is_cancelled() {
        return Err(unavailable("the server is stopping"));
    }
    let answered = app.db.ping().await;
    answered.map_err(|error| {
        unavailable("the database does not answer").source(anyhow::Error::from(error))
    })?;
    Ok(axum::Json(Ready {
        status: "ready".to_owned(),
    }))
}

/// Counters for Prometheus
#[utoipa::path(get, path = "/metrics", operation_id = "get_prometheus_metrics", tag = "server",
    responses((status = 200, description = "OpenMetrics text", body = String, content_type = "application/openmetrics-text")))]
async fn prometheus(Reader(ctx): Reader, _: NoQuery) -> Result<Response> {
    // They count the whole process, not a project's part of it.
    ctx.caller.check_whole_tenant()?;
    if !matches!(
        ctx.caller.role,
        Role::Owner | Role::Controller | Role::Viewer
    ) {
        return Err(forbidden(
            "/metrics takes a token of role owner, controller or viewer",
        ));
    }
    Ok((
        [(header::CONTENT_TYPE, OPENMETRICS)],
        ctx.app.metrics.text(),
    )
        .into_response())
}

/// Who the caller is
#[utoipa::path(get, path = "/api/whoami", operation_id = "whoami", tag = "server",
    responses((status = 200, description = "The caller", body = Whoami)))]
async fn whoami(Anyone(ctx): Anyone, _: NoQuery) -> Result<Response> {
    let whoami = super::whoami(&ctx).await?;
    Ok(json_at(whoami.revision, &whoami))
}

/// Counters in Koor's form
#[utoipa::path(get, path = "/api/metrics", operation_id = "get_metrics", tag = "server",
    responses((status = 200, description = "The counters", body = ServerMetrics)))]
async fn server_metrics(Reader(ctx): Reader, _: NoQuery) -> Result<axum::Json<ServerMetrics>> {
    Ok(axum::Json(super::server_metrics(&ctx).await?))
}

/// Set the counters to zero
#[utoipa::path(post, path = "/api/metrics/reset", operation_id = "reset_metrics", tag = "server",
    responses((status = 200, description = "They are zero", body = MetricsReset)))]
async fn reset_metrics(Admin(ctx): Admin, _: NoQuery) -> axum::Json<MetricsReset> {
    ctx.app.metrics.reset();
    axum::Json(MetricsReset { reset: true })
}

/// How the server is set
///
/// What it keeps and for how long, what it bounds, and when an agent counts as
/// gone. Nothing of it is secret.
#[utoipa::path(get, path = "/api/settings", operation_id = "get_settings", tag = "server",
    responses((status = 200, description = "The settings", body = Settings)))]
async fn settings(Reader(ctx): Reader, _: NoQuery) -> axum::Json<Settings> {
    axum::Json(super::settings(&ctx.app.config))
}

/// How MCP clients are set up
///
/// For each client that is known: the file and its text, for this server by the
/// address at which it was called. No text has a token.
#[utoipa::path(get, path = "/api/clients", operation_id = "list_clients", tag = "server",
    responses((status = 200, description = "The clients", body = ClientSetups)))]
async fn client_setups(
    Reader(ctx): Reader,
    _: NoQuery,
    headers: HeaderMap,
) -> axum::Json<ClientSetups> {
    let config = &ctx.app.config;
    // Whoever asks by the dashboard has called its port, and clients don't.
    let url = match ctx.caller.session {
        Some(_) => config.api_url_beside(&headers, ctx.app.address),
        None => config.url_of(&headers, ctx.app.address),
    };
    axum::Json(clients::setups(&url))
}
