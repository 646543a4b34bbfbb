//! Wire types of hooks.
