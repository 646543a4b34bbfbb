//! Wire types of the overview: how a project stands, at a glance.

use serde::{Deserialize, Serialize};

use crate::agents::AgentStatus;
use crate::numbers::{RequestNumber, TaskNumber};
use crate::pauses::Pause;
use crate::requests::RequestKind;

/// How a project stands, or all that the caller sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Overview {
    /// Null where all projects are meant.
    pub project: Option<String>,
    /// The revision of the log that it was read at.
    pub revision: i64,
    /// Those that have not ended, the one heard of last first; at most 200.
    pub agents: Vec<OverviewAgent>,
    /// How many agents there are besides.
    pub agents_more: usize,
    pub tasks: TaskCounts,
    /// Those that wait for a decision, the oldest first; at most 50.
    pub requests: Vec<OverviewRequest>,
    /// How many requests wait besides.
    pub requests_more: i64,
    /// Leases that agents hold.
    pub leases: i64,
    /// How often a message was not read by an agent that it is for.
    pub undelivered: i64,
    pub pauses: Vec<Pause>,
}

/// An agent at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OverviewAgent {
    pub name: String,
    pub project: String,
    pub status: AgentStatus,
    pub intent: String,
    /// When it last called.
    pub last_seen: String,
    /// Seconds since then.
    pub silent_seconds: u64,
    /// What it has claimed, the first of several; null where that is nothing.
    pub task: Option<OverviewTask>,
    /// Messages to it that it has not read.
    pub unread: i64,
}

/// A task that an agent has claimed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OverviewTask {
    pub number: TaskNumber,
    pub title: String,
    /// How often it was begun.
    pub attempt: i64,
}

/// How many tasks there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskCounts {
    /// Nothing that they depend on is undone.
    pub ready: i64,
    /// They wait for other tasks.
    pub waiting: i64,
    pub claimed: i64,
    /// Until they are forgotten, as the next two.
    pub done: i64,
    pub failed: i64,
    pub cancelled: i64,
}

/// A request that waits for a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OverviewRequest {
    pub number: RequestNumber,
    pub project: String,
    pub kind: RequestKind,
    pub title: String,
    #[cfg_attr(feature = "openapi", schema(example = "agent:backend"))]
    pub asked_by: String,
    pub expires_at: String,
    /// Seconds until then; null where that is over, and it waits all the same.
    pub expires_in_seconds: Option<u64>,
    /// Whether a human who has unlocked decides it, and no token alone.
    pub protected: bool,
}
