//! Requests: questions that need a decision.

pub mod routes;

use coro_api::overview::OverviewRequest;

use crate::db::Tx;
use crate::error::Result;
use crate::ids::TenantId;

/// The requests of a project, or of all, that wait for a decision, the oldest
/// first, and how many wait besides.
pub fn waiting(
    _tx: &mut Tx<'_>,
    _tenant: &TenantId,
    _project: Option<&str>,
    _limit: i64,
) -> Result<(Vec<OverviewRequest>, i64)> {
    Ok((Vec::new(), 0))
}
