//! Agents: who is registered, what each is doing, and since when.
//!
//! The paths and the JSON of an agent are those of Koor's instances, which
//! answer more here.

use serde::{Deserialize, Serialize};

use crate::words::words;

/// Stands for the caller's own agent where a path takes an agent's id.
pub const OWN: &str = "self";

words!(
    /// How an agent is, as far as the server knows.
    AgentStatus {
        /// Registered, and not activated yet.
        Pending = "pending",
        /// Activated, and heard of lately.
        Active = "active",
        /// Not heard of for a while; comes back with its next call.
        Stale = "stale",
        /// Deregistered, or not heard of for long; comes back by registering.
        Ended = "ended",
    }
);

impl AgentStatus {
    /// What an agent of this status is once it calls: a stale one comes back.
    pub fn when_heard(self, activated: bool) -> AgentStatus {
        match self {
            AgentStatus::Stale if activated => AgentStatus::Active,
            AgentStatus::Stale => AgentStatus::Pending,
            status => status,
        }
    }
}

/// What an agent says to register.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewAgent {
    /// Identifies the agent within its project; registering it again continues
    /// it.
    #[cfg_attr(feature = "openapi", schema(example = "frontend"))]
    pub name: String,
    /// Default: the project of the caller's token, else `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "shop"))]
    pub project: Option<String>,
    /// Where it works, such as a folder or a repository.
    #[serde(default)]
    pub workspace: String,
    /// What it is about to do.
    #[serde(default)]
    pub intent: String,
    /// What it works with, such as `rust`.
    #[serde(default)]
    pub stack: String,
    /// What it can do, in words that others search for.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// The program that it runs in, such as `claude-code`.
    #[serde(default)]
    pub client: String,
    #[serde(default)]
    pub client_version: String,
    /// Continue an agent of this name though it seems to be alive.
    #[serde(default)]
    pub takeover: bool,
}

/// A registered agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Agent {
    pub id: String,
    pub project: String,
    pub name: String,
    pub workspace: String,
    pub intent: String,
    pub stack: String,
    pub capabilities: Vec<String>,
    pub status: AgentStatus,
    /// How often it was registered: a session of an earlier generation is over.
    pub generation: i64,
    pub client: String,
    pub client_version: String,
    pub registered_at: String,
    /// When it last called.
    pub last_seen: String,
}

/// An agent that was just registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RegisteredAgent {
    #[serde(flatten)]
    pub agent: Agent,
    /// Its secret, for `Authorization: Bearer …`, shown this once; absent where
    /// the caller's token is the agent's already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// An agent that was activated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActivatedAgent {
    pub id: String,
    pub status: AgentStatus,
}

/// A sign of life was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Alive {
    pub id: String,
    #[cfg_attr(feature = "openapi", schema(example = "ok"))]
    pub status: String,
}

/// What an agent is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewIntent {
    #[cfg_attr(feature = "openapi", schema(example = "build the cart"))]
    pub intent: String,
}

/// The intent as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Intent {
    pub id: String,
    pub intent: String,
}

/// All that an agent can do; replaces what was there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewCapabilities {
    /// `null` means none.
    pub capabilities: Option<Vec<String>>,
}

/// The capabilities as they are now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Capabilities {
    pub id: String,
    pub capabilities: Vec<String>,
}

/// An agent was deregistered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Deregistered {
    /// The agent's id.
    pub deleted: String,
}

/// What a look at the agents' liveness found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LivenessCheck {
    pub checked: bool,
    /// Those that have just become stale.
    pub newly_stale: Vec<Agent>,
    pub count: usize,
}
