//! Wire types of humans.
