//! Wire types of messages.
