//! What both engines offer: statements with parameters, and rows.

use std::time::Duration;

use super::journal::Head;
use crate::clock::Time;
use crate::error::Result;
use crate::ids::{AgentId, TenantId};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub fn name(self) -> &'static str {
        match self {
            Engine::Sqlite => "sqlite",
            Engine::Postgres => "postgresql",
        }
    }
}

/// A parameter of a statement.
#[derive(Clone, Copy, Debug)]
pub enum Val<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Blob(&'a [u8]),
}

impl From<i64> for Val<'_> {
    fn from(value: i64) -> Self {
        Val::Int(value)
    }
}

impl From<bool> for Val<'_> {
    fn from(value: bool) -> Self {
        Val::Int(i64::from(value))
    }
}

impl From<Time> for Val<'_> {
    fn from(value: Time) -> Self {
        Val::Int(value.0)
    }
}

impl<'a> From<&'a str> for Val<'a> {
    fn from(value: &'a str) -> Self {
        Val::Text(value)
    }
}

impl<'a> From<&'a String> for Val<'a> {
    fn from(value: &'a String) -> Self {
        Val::Text(value)
    }
}

impl<'a> From<&'a [u8]> for Val<'a> {
    fn from(value: &'a [u8]) -> Self {
        Val::Blob(value)
    }
}

impl<'a> From<&'a TenantId> for Val<'a> {
    fn from(value: &'a TenantId) -> Self {
        Val::Text(value.as_str())
    }
}

impl<'a> From<&'a AgentId> for Val<'a> {
    fn from(value: &'a AgentId) -> Self {
        Val::Text(value.as_str())
    }
}

impl<'a, T: Into<Val<'a>>> From<Option<T>> for Val<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Val::Null, Into::into)
    }
}

/// One row of an answer; columns count from 0.
pub trait Row {
    fn int(&self, column: usize) -> Result<i64> {
        Ok(self.opt_int(column)?.unwrap_or_default())
    }
    fn text(&self, column: usize) -> Result<&str> {
        Ok(self.opt_text(column)?.unwrap_or_default())
    }
    fn blob(&self, column: usize) -> Result<&[u8]> {
        Ok(self.opt_blob(column)?.unwrap_or_default())
    }
    fn opt_int(&self, column: usize) -> Result<Option<i64>>;
    fn opt_text(&self, column: usize) -> Result<Option<&str>>;
    fn opt_blob(&self, column: usize) -> Result<Option<&[u8]>>;
}

/// One connection to a database, used by one thread.
pub(super) trait Connection {
    fn engine(&self) -> Engine;

    /// Opens a transaction that writes. Where several processes share the
    /// database it waits for the tenant's turn and tells where its log stands;
    /// the time is the database's where it has a clock of its own.
    fn begin(&mut self, tenant: &TenantId) -> Result<Begun>;

    /// Makes the transaction durable. `proof` is the newest log row in it, by
    /// which a commit whose answer was lost can be recognised afterwards.
    fn commit(&mut self, proof: Option<(&TenantId, &Head)>) -> Result<()>;

    /// Undoes the transaction, if there is one.
    fn rollback(&mut self);

    /// Runs a statement and tells how many rows it changed.
    fn execute(&mut self, sql: &'static str, params: &[Val<'_>]) -> Result<u64>;

    /// Runs a statement whose answer nobody waits for; its error comes with a
    /// later statement or with the commit.
    fn queue(&mut self, sql: &'static str, params: &[Val<'_>]) -> Result<()>;

    /// Runs a query and calls `each` with every row, in order.
    fn query(
        &mut self,
        sql: &'static str,
        params: &[Val<'_>],
        each: &mut dyn FnMut(&dyn Row) -> Result<()>,
    ) -> Result<()>;
}

/// What an opened transaction knows.
pub(super) struct Begun {
    /// The database's clock; `None` where the process's is as good.
    pub(super) now: Option<Time>,
    /// Where the tenant's log stands, where another process may have moved it.
    pub(super) head: Option<Head>,
}

/// How long a statement may take before the server gives it up.
pub(super) const STATEMENT_TIMEOUT: Duration = Duration::from_secs(15);
