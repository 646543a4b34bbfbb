//! Wire types of leases: claims on path patterns and on free names.

use serde::{Deserialize, Serialize};

use crate::numbers::{LeaseNumber, TaskNumber};
use crate::words::words;

words!(
    /// What a lease is on.
    LeaseKind {
        /// The files that a pattern matches.
        Path = "path",
        /// A name that says nothing about files, such as `staging`.
        Name = "name",
    }
);

words!(
    /// What another's edit under a lease meets. Leases exclude each other whatever
    /// their mode is.
    #[derive(Default, PartialOrd, Ord)]
    LeaseMode {
        /// A warning.
        Warn = "warn",
        /// The question whether a human agrees.
        Confirm = "confirm",
        /// A refusal.
        #[default]
        Block = "block",
    }
);

words!(
    /// Whether a lease is held or waited for. One that has ended is gone.
    LeaseStatus {
        /// In the queue, behind those that overlap it.
        Waiting = "waiting",
        Held = "held",
    }
);

/// What to lease: a pattern or a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewLease {
    /// Files, as a line of `.gitignore` without `!` names them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "/src/api/**"))]
    pub pattern: Option<String>,
    /// In place of a pattern: anything that only one may have at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Default: the project of the token, else of the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Default: `block`.
    #[serde(default)]
    pub mode: LeaseMode,
    /// Shown to whoever is in the way. Taking again without one keeps it.
    #[serde(default)]
    pub reason: String,
    /// Seconds until it ends where it is not renewed; default 1800.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<i64>,
    /// Seconds to wait where others are in the way. Calling again keeps the
    /// place in the queue, which is lost two minutes after the last call.
    #[serde(default)]
    pub wait_seconds: u64,
    /// Nobody's, without an end, for edits only: for the owner and controllers.
    #[serde(default)]
    pub protected: bool,
}

/// A lease that is held or waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lease {
    pub id: LeaseNumber,
    pub project: String,
    pub kind: LeaseKind,
    /// The pattern, or the name.
    pub pattern: String,
    pub mode: LeaseMode,
    pub status: LeaseStatus,
    /// A protected path of the project: nobody's, and without an end.
    pub protected: bool,
    /// The name of the agent; empty for a protected path.
    pub holder: String,
    /// The id of the agent; null for a protected path.
    pub holder_id: Option<String>,
    /// The agent's registration that took it.
    pub generation: Option<i64>,
    /// The task whose claim it belongs to: it ends with that.
    pub task: Option<TaskNumber>,
    /// The lease under which this one lets its holder edit: a human agreed.
    pub overrides: Option<LeaseNumber>,
    /// Only where a lease was just taken: a protected path that it overlaps, and
    /// does not let its holder edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protected_by: Option<LeaseNumber>,
    pub reason: String,
    /// Grows with each lease that is granted: what is guarded can refuse an
    /// older one. Null while it waits.
    pub fence: Option<i64>,
    pub ttl_seconds: Option<i64>,
    pub requested_at: String,
    /// Null while it waits.
    pub granted_at: Option<String>,
    /// When it ends, or a place in the queue does, where it is not renewed. Null
    /// for a task's and for a protected path.
    pub expires_at: Option<String>,
}

/// How a lease is renewed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RenewLease {
    /// Seconds from now; default what it was taken for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<i64>,
    /// Renew only the lease with this fencing token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence: Option<i64>,
}

/// A lease that was released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReleasedLease {
    pub released: LeaseNumber,
    pub revision: i64,
}

/// Which files somebody is about to change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CheckPaths {
    /// Default: the project of the token, else of the agent, else all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// From the root of the repository, 10,000 at most.
    pub paths: Vec<String>,
}

/// A path that somebody else's lease or a protected path covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HinderedPath {
    pub path: String,
    /// The one with the worst mode, where several cover it.
    pub lease: LeaseNumber,
    /// The project of the lease.
    pub project: String,
    pub pattern: String,
    /// The name of the agent; empty for a protected path.
    pub holder: String,
    pub mode: LeaseMode,
    pub reason: String,
}

impl HinderedPath {
    /// Whether nobody holds what is in the way, so that nobody gives it back.
    pub fn is_protected(&self) -> bool {
        self.holder.is_empty()
    }
}

/// How an agent may come to edit what some leases refuse: the end of a sentence.
/// Where a protected path is among them, waiting helps nothing.
pub fn ways_to_edit(refused: &[&HinderedPath]) -> String {
    let protected = refused.iter().find(|one| one.is_protected());
    let Some(one) = protected.or(refused.first()) else {
        return String::new();
    };
    let ask = how_to_ask(one.lease);
    match protected {
        Some(_) => ask,
        None => format!("wait with coro-cli leases take PATTERN --wait 10m, or {ask}"),
    }
}

/// How an agent asks a human to let it edit under a lease.
pub fn how_to_ask(lease: LeaseNumber) -> String {
    format!("ask a human: coro-cli request 'WHY' --kind lease_override --lease {lease}")
}

/// What stands in the way of some edits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CheckedPaths {
    /// The project whose leases were looked at; null where it was all of them.
    pub project: Option<String>,
    /// The worst mode first; paths that are free are left out.
    pub hindered: Vec<HinderedPath>,
}
