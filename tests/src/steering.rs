//! Time, sweeps and faults, over the routes of the feature `testing`.

use serde::Serialize;
use serde_json::{Value, json};

use crate::Server;

/// What goes wrong with a later write.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The database may not grow any more, until `None`.
    DiskFull,
    /// The commit fails with an I/O error.
    IoError,
    /// The commit happens, the news of it is lost; PostgreSQL only.
    CommitLost,
    /// There is space again.
    None,
}

impl Server {
    /// Moves the server's present.
    pub fn advance(&self, ms: i64) {
        self.steer("clock", json!({ "advance_ms": ms }));
    }

    pub fn advance_seconds(&self, seconds: i64) {
        self.advance(seconds * 1000);
    }

    pub fn advance_days(&self, days: i64) {
        self.advance(days * 24 * 3600 * 1000);
    }

    /// Runs every sweep once.
    pub fn sweep(&self) {
        self.steer("sweep", json!({}));
    }

    /// Lets the write after the next `after_writes` writes fail.
    pub fn fault(&self, kind: Fault, after_writes: u32) {
        self.steer("fault", json!({"kind": kind, "after_writes": after_writes}));
    }

    /// Removes the log up to a revision, itself included.
    pub fn compact(&self, through: i64) {
        self.steer("compact", json!({ "through": through }));
    }

    fn steer(&self, what: &str, body: Value) {
        self.post(&format!("/testing/{what}"), body)
            .send()
            .expect(200);
    }
}
