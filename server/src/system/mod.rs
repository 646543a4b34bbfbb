//! The server itself: health, who calls, counters, settings, and how its clients
//! are set up.

pub mod routes;

use coro_api::settings::{LivenessSettings, RetentionSettings, Settings};
use coro_api::system::{ServerMetrics, TokenTax, Whoami};

use crate::app::Ctx;
use crate::config::Config;
use crate::error::Result;
use crate::metrics::MCP_CALL_TOKENS;
use crate::{agents, state};

/// Who the caller is, and where the log stands.
pub async fn whoami(ctx: &Ctx) -> Result<Whoami> {
    let caller = &ctx.caller;
    let tenant = caller.tenant.clone();
    let revision = ctx.app.db.read(move |tx| tx.head(&tenant)).await?.revision;
    Ok(Whoami {
        tenant: caller.tenant_name.clone(),
        name: caller.name.clone(),
        kind: caller.kind,
        role: caller.role,
        project: caller.project.clone(),
        key_prefixes: caller.key_prefixes.clone(),
        expires_at: caller.expires_at.map(|at| at.to_string()),
        instance_id: caller.agent.as_ref().map(|agent| agent.id.to_string()),
        revision,
        server_version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// Counters in Koor's form. They count the whole process, not a project's
/// part of it.
pub async fn server_metrics(ctx: &Ctx) -> Result<ServerMetrics> {
    ctx.caller.check_whole_tenant()?;
    let tenant = ctx.caller.tenant.clone();
    let last_event_id = ctx.app.db.read(move |tx| tx.head(&tenant)).await?.revision;
    Ok(ServerMetrics {
        uptime: uptime(ctx.app.uptime_seconds()),
        state_keys: state::count_state(ctx).await?,
        instances: agents::count_agents(ctx).await?,
        last_event_id,
        api_bind: ctx.app.address.to_string(),
        dashboard_bind: match ctx.app.config.dashboard_bind {
            Some(bind) => bind.to_string(),
            None => String::new(),
        },
        token_tax: token_tax(ctx.app.metrics.mcp_calls(), ctx.app.metrics.rest_calls()),
    })
}

/// How the server is set, without what a caller need not know: paths, addresses
/// and whatever may hold a secret.
pub fn settings(config: &Config) -> Settings {
    let (retention, liveness) = (&config.retention, &config.liveness);
    let database = match config.database_url {
        None => "sqlite",
        Some(_) => "postgresql",
    };
    Settings {
        database: database.to_owned(),
        body_bytes: config.limits.body_bytes as u64,
        retention: RetentionSettings {
            events_days: retention.events_days,
            events_bytes: retention.events_bytes,
            audit_days: retention.audit_days,
            history_versions: retention.history_versions,
            history_days: retention.history_days,
        },
        liveness: LivenessSettings {
            sweep_seconds: liveness.sweep_seconds,
            stale_after_seconds: liveness.stale_after_seconds,
            ended_after_seconds: liveness.ended_after_seconds,
            forgotten_after_days: liveness.forgotten_after_days,
        },
        claim_silent_after_seconds: config.tasks.silent_after_seconds,
        continuations_max: config.hooks.continuations_max,
    }
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
pub fn uptime(seconds: u64) -> String {
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
