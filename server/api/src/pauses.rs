//! Wire types of pauses: the emergency stop.

use serde::{Deserialize, Serialize};

/// Who is to stand still: an agent, a project, or all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewPause {
    /// The agent's name; without it all agents of the project are meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "frontend"))]
    pub agent: Option<String>,
    /// Default: the token's project. Without either, all projects are meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "shop"))]
    pub project: Option<String>,
    /// Shown to whoever is held.
    #[serde(default)]
    pub reason: String,
}

/// A pause that holds now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pause {
    /// `all`, `project:shop` or `agent:shop/frontend`.
    pub id: String,
    /// Empty where all projects are meant.
    pub project: String,
    /// The agent's name; empty where all agents are meant.
    pub agent: String,
    pub reason: String,
    pub paused_by: String,
    pub paused_at: String,
}

impl Pause {
    /// Whether an agent stands still by it.
    pub fn holds(&self, project: &str, agent: &str) -> bool {
        let is_project = self.project.is_empty() || self.project == project;
        is_project && (self.agent.is_empty() || self.agent == agent)
    }
}

/// The pauses that are over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Resumed {
    /// Their ids; empty where there was none.
    pub ended: Vec<String>,
}
