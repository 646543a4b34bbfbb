//! Wire types of leases.
