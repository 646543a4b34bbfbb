//! Wire types of tasks.
