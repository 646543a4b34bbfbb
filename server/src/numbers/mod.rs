//! The numbers that people say: `T-12`, `R-7`, `M-40`, `L-3`.
//!
//! They count within a tenant. Writes of a tenant are one serial program, so
//! the next one is what the row says, and a write that is undone takes its
//! number back.

mod store;

use crate::db::Tx;
use crate::error::Result;
use crate::ids::TenantId;

/// Takes the next number of a kind, such as `task`; the first is 1.
pub fn next_number(tx: &mut Tx<'_>, tenant: &TenantId, kind: &'static str) -> Result<i64> {
    take_numbers(tx, tenant, kind, 1)
}

/// Takes so many numbers in a row, and tells the first.
pub fn take_numbers(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    kind: &'static str,
    count: i64,
) -> Result<i64> {
    let taken = store::taken(tx, tenant, kind)?;
    store::set_taken(tx, tenant, kind, taken + count)?;
    Ok(taken + 1)
}

/// Whether a number of a kind was given to anything yet.
pub fn was_taken(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    kind: &'static str,
    number: i64,
) -> Result<bool> {
    Ok((1..=store::taken(tx, tenant, kind)?).contains(&number))
}
