//! The log read as an audit.

use serde::{Deserialize, Serialize};

/// One entry of the audit, in the form that Koor gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    /// The revision.
    pub id: i64,
    pub timestamp: String,
    pub actor: String,
    /// The topic without `coro.`, such as `state.put`.
    #[cfg_attr(feature = "openapi", schema(example = "state.put"))]
    pub action: String,
    /// What it was done to.
    pub resource: String,
    /// JSON as text.
    pub detail: String,
    /// `success`, or `refused` for an attempt that was not allowed.
    pub outcome: String,
}

/// What checking the log's hash chain found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditVerification {
    /// Whether every entry fits the one before it, and the noted head, where one
    /// was given, is the log's.
    pub ok: bool,
    /// The first and the last revision that were checked.
    pub first: i64,
    pub last: i64,
    /// How many entries were checked.
    pub checked: i64,
    /// Hash of the last entry. Keep it elsewhere: whoever could rewrite the
    /// whole log could not rewrite that.
    pub head: String,
    /// What is wrong, with the revision where it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Why the noted head is not the log's. Looked for only in a log that fits
    /// together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_fault: Option<String>,
}
