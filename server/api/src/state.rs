//! Versioned values under keys.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One key in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StateItem {
    #[cfg_attr(feature = "openapi", schema(example = "shop/plan"))]
    pub key: String,
    /// Grows by one with each value of the key, over deletes too.
    #[cfg_attr(feature = "openapi", schema(example = 3))]
    pub version: i64,
    /// The revision of the log at which this value was written.
    #[cfg_attr(feature = "openapi", schema(example = 41))]
    pub revision: i64,
    /// SHA-256 of the value.
    pub hash: String,
    /// Length of the value in bytes.
    pub size: i64,
    #[cfg_attr(feature = "openapi", schema(example = "application/json"))]
    pub content_type: String,
    pub updated_at: String,
    /// Who wrote it, such as `agent:frontend`.
    #[cfg_attr(feature = "openapi", schema(example = "agent:frontend"))]
    pub updated_by: String,
    /// When the key deletes itself; absent where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Whether every write of the key must name the version that it replaces.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub conditional: bool,
}

/// One value of a key's past or present.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StateVersion {
    pub key: String,
    pub version: i64,
    pub revision: i64,
    pub hash: String,
    pub size: i64,
    pub content_type: String,
    pub updated_at: String,
    pub updated_by: String,
}

/// The kept values of a key, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StateHistory {
    pub key: String,
    pub versions: Vec<StateVersion>,
}

/// The difference of two JSON values, in the form that Koor gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StateDiff {
    pub key: String,
    pub v1: i64,
    pub v2: i64,
    pub diffs: Vec<DiffEntry>,
}

/// One place where two JSON values differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DiffEntry {
    /// Member names joined with dots; empty where the whole value differs.
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
    pub kind: DiffKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DiffKind {
    Added,
    Removed,
    Changed,
}

/// The answer to a rollback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RolledBack {
    #[serde(flatten)]
    pub item: StateItem,
    /// The version whose value was written again.
    pub rolled_back: i64,
}

/// The answer to a delete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Deleted {
    /// What was deleted: a key, a token's id or a consumer's name.
    pub deleted: String,
    /// The revision of the log that says so.
    pub revision: i64,
}
