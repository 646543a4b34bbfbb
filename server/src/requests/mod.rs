//! Requests: questions that need a decision.

pub mod routes;
