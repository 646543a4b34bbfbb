//! Named consumers: cursors over the log that the server keeps.

use serde::{Deserialize, Serialize};

/// What a client says to make a consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewConsumer {
    #[cfg_attr(feature = "openapi", schema(example = "frontend-inbox"))]
    pub name: String,
    /// Topics that it gets, `*` for anything; the default is all.
    #[serde(default = "everything")]
    #[cfg_attr(feature = "openapi", schema(example = "shop.*"))]
    pub pattern: String,
    /// The last revision that it does not get; the default is the present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<i64>,
}

/// A consumer as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Consumer {
    pub name: String,
    pub pattern: String,
    /// The last revision that was acknowledged.
    pub acknowledged: i64,
    /// Who made it; it sees what that principal may see.
    pub owner: String,
    pub created_at: String,
    pub updated_at: String,
}

/// What a client says to acknowledge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Acknowledge {
    /// Everything up to this revision was dealt with. A lower one than before
    /// changes nothing.
    #[cfg_attr(feature = "openapi", schema(example = 1))]
    pub revision: i64,
}

fn everything() -> String {
    "*".into()
}
