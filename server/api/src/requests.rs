//! Wire types of requests.
