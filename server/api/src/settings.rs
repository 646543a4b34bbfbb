//! Wire types of the server's settings, as far as they are nobody's secret.

use serde::{Deserialize, Serialize};

/// How the server is set: what it keeps, what it bounds, when agents are gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Settings {
    /// Where everything is stored: `sqlite` or `postgresql`.
    #[cfg_attr(feature = "openapi", schema(example = "sqlite"))]
    pub database: String,
    /// The largest body of one request, and of one value, in bytes.
    pub body_bytes: u64,
    pub retention: RetentionSettings,
    pub liveness: LivenessSettings,
    /// Seconds of silence of an agent after which the tasks that it has claimed
    /// go back into the queue.
    pub claim_silent_after_seconds: u64,
    /// How often an agent goes on by itself until a human says something.
    pub continuations_max: i64,
}

/// What of the log is kept, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RetentionSettings {
    /// Days for which events can be read and resumed from.
    pub events_days: i64,
    /// Bytes that the log may take before the oldest events go, about.
    pub events_bytes: i64,
    /// Days for which the audit is kept.
    pub audit_days: i64,
    /// Values that are kept of each key, the present one included.
    pub history_versions: i64,
    /// Days for which a value is kept after it was replaced or deleted.
    pub history_days: i64,
}

/// When an agent counts as alive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LivenessSettings {
    /// Seconds between two looks at who was heard of.
    pub sweep_seconds: u64,
    /// Seconds of silence after which an agent is stale.
    pub stale_after_seconds: u64,
    /// Seconds of silence after which an agent has ended.
    pub ended_after_seconds: u64,
    /// Days of silence after which an agent that has ended is forgotten.
    pub forgotten_after_days: u64,
}
