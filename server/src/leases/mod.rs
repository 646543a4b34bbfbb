//! Leases on path patterns and on free names.

pub mod pattern;
