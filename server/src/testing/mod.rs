//! Steering time and faults from outside, for black-box tests. Compiled with
//! the feature `testing` only.

pub mod mcp;
pub mod routes;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use serde::Deserialize;

use crate::error::{Error, Reason, Result};

/// The failure that the next commits meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The database file may not grow any more: SQLite's own error.
    DiskFull,
    /// The commit fails with an I/O error.
    IoError,
    /// The commit happens and its answer is lost (PostgreSQL).
    CommitLost,
    /// There is space again, and nothing fails.
    None,
}

/// The faults of one database. Clones share them.
#[derive(Clone, Default)]
pub struct Faults {
    next: Arc<Mutex<Option<(Fault, u64)>>>,
}

impl Faults {
    pub fn plan(&self, fault: Fault, after_writes: u64) {
        *self.next.lock().expect("no panic while held") = Some((fault, after_writes));
    }

    /// The fault that is due with this commit.
    pub fn take(&self) -> Option<Fault> {
        let mut next = self.next.lock().expect("no panic while held");
        match next.as_mut() {
            Some((_, after)) if *after > 0 => {
                *after -= 1;
                None
            }
            Some(_) => next.take().map(|(fault, _)| fault),
            None => None,
        }
    }

    /// Called by the writer of SQLite before each batch: space comes back here,
    /// since without it no batch gets as far as its commit.
    pub fn before_batch(&self, conn: &rusqlite::Connection) {
        let mut next = self.next.lock().expect("no panic while held");
        if matches!(*next, Some((Fault::None, _))) {
            *next = None;
            let _ = conn.query_row("PRAGMA max_page_count = 1073741823", [], |_| Ok(()));
        }
    }

    /// Called by the writer of SQLite before each commit.
    pub fn before_commit(&self, conn: &rusqlite::Connection) -> Result<()> {
        match self.take() {
            Some(Fault::DiskFull) => {
                let _ = conn.query_row("PRAGMA max_page_count = 1", [], |_| Ok(()));
                Err(Error::new(Reason::StorageFull, "planned: the disk is full").from_database())
            }
            Some(Fault::IoError) => Err(Error::new(
                Reason::Internal,
                "the database can't be read or written; nothing was changed",
            )
            .from_database()),
            Some(Fault::CommitLost | Fault::None) | None => Ok(()),
        }
    }
}

/// The statements that SQLite has run, so that a test can ask for their plans.
static STATEMENTS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

pub fn note_statement(sql: &str) {
    let mut statements = STATEMENTS.lock().expect("no panic while held");
    statements.insert(sql.to_owned());
}

/// `PRAGMA synchronous`: the crash harness turns it off to prove that it would
/// find a loss.
pub fn synchronous() -> &'static str {
    #[expect(clippy::disallowed_methods, reason = "no setting of the product")]
    match std::env::var("CORO_TESTING_SYNCHRONOUS").as_deref() {
        Ok("OFF") => "OFF",
        _ => "FULL",
    }
}
