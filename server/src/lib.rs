//! Coro's server: one durable log for each tenant, and what stands on it.
//!
//! Begin with `docs/ARCHITECTURE.md`. A folder or file here is a domain, named
//! as the product names it; `db` is the store, `log` the reading of the log,
//! `http` and `auth` what every request passes, `router` and `sweeps` where a
//! domain is registered.

pub mod a2a;
pub mod agents;
pub mod app;
pub mod audit;
pub mod auth;
pub mod backup;
pub mod clock;
pub mod config;
pub mod consumers;
pub mod dashboard;
pub mod db;
pub mod demo;
pub mod error;
pub mod events;
pub mod hooks;
pub mod http;
pub mod humans;
pub mod idempotency;
pub mod ids;
pub mod leases;
pub mod listed;
pub mod log;
pub mod mcp;
pub mod messages;
pub mod metrics;
pub mod numbers;
pub mod overview;
pub mod pauses;
pub mod platform;
pub mod requests;
pub mod router;
pub mod run;
pub mod said;
pub mod slots;
pub mod state;
pub mod sweeps;
pub mod system;
pub mod tasks;
pub mod tenants;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tokens;
pub mod txn;

pub use run::main;
