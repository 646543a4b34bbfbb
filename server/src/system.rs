//! The server itself: health, who calls, counters, documents.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use coro_api::system::{Health, MetricsReset, Ready, ServerMetrics, TokenTax, Whoami};
use coro_api::tokens::Role;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{Admin, Anyone, Reader};
use crate::error::{Result, forbidden, unavailable};
use crate::http::page::json_at;
use crate::metrics::MCP_CALL_TOKENS;
use crate::{state, tokens};

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
    let answered = app
        .db
        .read(|tx| tx.query("SELECT 1", &[], |_| Ok(())))
        .await;
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
async fn prometheus(Reader(ctx): Reader) -> Result<Response> {
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
async fn whoami(Anyone(ctx): Anyone) -> Result<Response> {
    let caller = &ctx.caller;
    let tenant = caller.tenant.clone();
    let revision = ctx.app.db.read(move |tx| tx.head(&tenant)).await?.revision;
    let whoami = Whoami {
        tenant: caller.tenant_name.clone(),
        name: caller.name.clone(),
        kind: caller.kind,
        role: caller.role,
        project: caller.project.clone(),
        key_prefixes: caller.key_prefixes.clone(),
        expires_at: caller.expires_at.map(|at| at.to_string()),
        revision,
        server_version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Ok(json_at(revision, &whoami))
}

/// Counters in Koor's form
#[utoipa::path(get, path = "/api/metrics", operation_id = "get_metrics", tag = "server",
    responses((status = 200, description = "The counters", body = ServerMetrics)))]
async fn server_metrics(Reader(ctx): Reader) -> Result<axum::Json<ServerMetrics>> {
    ctx.caller.check_whole_tenant()?;
    let tenant = ctx.caller.tenant.clone();
    let last_event_id = ctx.app.db.read(move |tx| tx.head(&tenant)).await?.revision;
    let rest_calls = ctx.app.metrics.rest_calls();
    Ok(axum::Json(ServerMetrics {
        uptime: uptime(ctx.app.uptime_seconds()),
        state_keys: state::count_state(&ctx).await?,
        instances: tokens::count_agents(&ctx).await?,
        last_event_id,
        api_bind: ctx.app.config.bind.to_string(),
        dashboard_bind: String::new(),
        token_tax: token_tax(0, rest_calls),
    }))
}

/// Set the counters to zero
#[utoipa::path(post, path = "/api/metrics/reset", operation_id = "reset_metrics", tag = "server",
    responses((status = 200, description = "They are zero", body = MetricsReset)))]
async fn reset_metrics(Admin(ctx): Admin) -> axum::Json<MetricsReset> {
    ctx.app.metrics.reset();
    axum::Json(MetricsReset { reset: true })
}

fn token_tax(mcp_calls: u64, rest_calls: u64) -> TokenTax {
    let total_calls = mcp_calls + rest_calls;
    let share = rest_calls as f64 / total_calls.max(1) as f64;
    TokenTax {
        mcp_calls,
        rest_calls,
        total_calls,
        mcp_estimated_tokens: mcp_calls * MCP_CALL_TOKENS,
        rest_tokens_saved: rest_calls * MCP_CALL_TOKENS,
        savings_percent: (share * 1000.0).round() / 10.0,
    }
}

/// As Koor writes a duration: `3h24m10s`.
fn uptime(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn uptime_is_written_as_koor_does() {
        assert_eq!(super::uptime(7), "7s");
        assert_eq!(super::uptime(3600 * 3 + 24 * 60 + 10), "3h24m10s");
        assert_eq!(super::uptime(60), "1m0s");
    }
}
