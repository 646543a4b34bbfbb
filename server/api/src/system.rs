//! The server itself: health, who calls, counters.

use serde::{Deserialize, Serialize};

use crate::tokens::{PrincipalKind, Role};

/// The server lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    #[cfg_attr(feature = "openapi", schema(example = "ok"))]
    pub status: String,
    /// Such as `3h24m10s`.
    #[cfg_attr(feature = "openapi", schema(example = "3h24m10s"))]
    pub uptime: String,
}

/// The server can serve: its database answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Ready {
    #[cfg_attr(feature = "openapi", schema(example = "ready"))]
    pub status: String,
}

/// Who the caller is, and where the log stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Whoami {
    pub tenant: String,
    pub name: String,
    pub kind: PrincipalKind,
    pub role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_prefixes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// The agent that the token belongs to, where one has registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    /// The newest revision of the tenant.
    pub revision: i64,
    /// The server's version.
    pub server_version: String,
}

/// Counters of the server, in the form that Koor gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServerMetrics {
    pub uptime: String,
    /// Keys of the tenant that exist now.
    pub state_keys: i64,
    /// Agents of the tenant that are registered.
    pub instances: i64,
    /// The newest revision of the tenant.
    pub last_event_id: i64,
    pub api_bind: String,
    pub dashboard_bind: String,
    pub token_tax: TokenTax,
}

/// How many calls went around the model's context window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenTax {
    pub mcp_calls: u64,
    pub rest_calls: u64,
    pub total_calls: u64,
    /// An estimate: 300 tokens for each MCP call.
    pub mcp_estimated_tokens: u64,
    /// An estimate: what the REST calls would have cost over MCP.
    pub rest_tokens_saved: u64,
    pub savings_percent: f64,
}

/// The counters were set to zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MetricsReset {
    pub reset: bool,
}
