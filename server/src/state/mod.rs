//! State: versioned values under keys.
//!
//! A value is stored once, as the payload of the log row that wrote it. The
//! key's row points to the present one, the kept log rows are its history.
//! Versions of a key count up over deletes and are never used twice, so
//! `(key, version)` names one value for good. A key may delete itself (TTL),
//! and may demand that every write names the version that it replaces.

mod apply;
mod condition;
pub mod diff;
mod expiry;
pub mod patch;
mod ranges;
mod read;
pub mod routes;
mod store;
mod value;
mod write;

use crate::db::{Prefetch, Tx};
use crate::error::{Error, Result, not_found};
use crate::ids::TenantId;

pub use condition::{Condition, Tag, etag};
pub use expiry::sweep;
pub use patch::{Patch, patch_state};
pub use read::{
    count_state, get_state, get_state_item, get_state_version, list_state, list_state_history,
};
pub use store::Value;
pub use value::{Current, NewValue};
pub use write::{delete, delete_state, put, put_state, rollback_state, stale};

pub const PUT: &str = "coro.state.put";
pub const ROLLED_BACK: &str = "coro.state.rolled_back";
pub const DELETED: &str = "coro.state.deleted";
pub const EXPIRED: &str = "coro.state.expired";

/// Says beforehand which keys a write reads.
pub fn prefetch<'a>(keys: impl IntoIterator<Item = &'a str>) -> Prefetch {
    Prefetch {
        keys: keys.into_iter().map(str::to_owned).collect(),
        load: store::load_current,
    }
}

/// The present row of a key, where it has a value.
pub fn living(tx: &mut Tx<'_>, tenant: &TenantId, key: &str) -> Result<Option<Current>> {
    let now = tx.now();
    Ok(store::current(tx, tenant, key)?.filter(|current| current.lives(now)))
}

/// In Koor's words.
pub fn unknown_key(key: &str) -> Error {
    not_found("key", key).hint("list the keys with GET /api/state")
}
