//! What crosses the wire between Coro's programs: request and response types,
//! the names that are allowed, the closed set of error reasons, and limits.
//! Beside it the table of MCP clients and their files, for all who show or
//! write one.
//!
//! The server, the CLI and every other client share this crate, so a field is
//! named once. It knows no HTTP framework and no database. Sibling modules are
//! named as the resource that they describe.
//!
//! Conventions of all types: a revision and a version are positive integers,
//! a time is RFC 3339 in UTC with microseconds, a hash is lower-case
//! hexadecimal SHA-256 of the stored bytes.

pub mod a2a;
pub mod agents;
pub mod audit;
pub mod clients;
pub mod consumers;
pub mod dashboard;
pub mod errors;
pub mod events;
pub mod hooks;
pub mod humans;
pub mod leases;
pub mod limits;
pub mod messages;
pub mod names;
pub mod numbers;
pub mod overview;
pub mod pauses;
pub mod requests;
pub mod settings;
pub mod state;
pub mod system;
pub mod tasks;
pub mod tokens;
pub mod txn;
mod words;

pub use errors::{Problem, Reason};
