//! What a client's hooks ask: what is new, may this be edited, is there more
//! to do.

pub mod routes;
