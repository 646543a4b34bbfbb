//! Humans, who decide what is protected.

pub mod routes;
