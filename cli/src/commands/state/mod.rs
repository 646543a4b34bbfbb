//! Versioned values under keys.

mod delete;
mod diff;
mod get;
mod history;
mod list;
mod patch;
mod rollback;
mod set;
mod watch;

use coro_api::names;

use crate::commands::{Node, leaf};
use crate::error::{Result, invalid};
use crate::http::{Method, Request};

pub(crate) static COMMANDS: &[Node] = &[
    leaf::<get::Get>("get"),
    leaf::<set::Set>("set"),
    leaf::<patch::Patch>("patch"),
    leaf::<delete::Delete>("delete"),
    leaf::<list::List>("list"),
    leaf::<history::History>("history"),
    leaf::<rollback::Rollback>("rollback"),
    leaf::<diff::Diff>("diff"),
    leaf::<watch::Watch>("watch"),
];

/// A request about one key. The key is checked here: with an empty one or
/// dots for a segment, the path would mean something else.
fn request(method: Method, key: &str) -> Result<Request> {
    names::check_key(key).map_err(|error| invalid(error.to_string()))?;
    Ok(Request::new(method, "/api/state").key(key))
}

/// Makes a write depend on the version that the key has; version 0 is that of
/// a key that does not exist. Of an `ETag` the server compares the version, so
/// that the part with the hash is left empty.
fn if_version(request: Request, version: Option<i64>) -> Request {
    match version {
        Some(0) => request.header("If-None-Match", "*"),
        Some(version) => request.header("If-Match", format!("\"v{version}-\"")),
        None => request,
    }
}
