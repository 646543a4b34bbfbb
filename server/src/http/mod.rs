//! The HTTP face: what all routes have in common.
//!
//! A connection is accepted in [`serve`], a request passes the [`gate`], a
//! handler gets its parts from [`extract`], and an error becomes a
//! [`problem`]. Domain crates see none of it.

pub mod connections;
pub mod etag;
pub mod event_form;
pub mod extract;
pub mod gate;
pub mod in_process;
pub mod inert;
pub mod openapi;
pub mod page;
pub mod problem;
pub mod serve;
mod stall;
pub mod stream;
mod trace;
pub mod websocket;
