//! Wire types of leases.

use serde::{Deserialize, Serialize};

/// What a lease does to an edit of another, the mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LeaseMode {
    /// It is told that the path is leased.
    Warn,
    /// A human confirms it.
    Confirm,
    /// It is refused.
    Block,
}
