//! The command line of Coro: one request, one answer, about a millisecond.
//!
//! It is a library so that the server runs the same parser and printer for
//! clients without a shell: `run_program` is the program, `run_line` runs one
//! command line over a `Transport` that the server brings.
//!
//! The way of a command line: `arguments` finds the command in the tree of
//! `commands` and parses its options; the command makes a `Request`; `http`
//! carries it; the `Session` prints the answer. `config` decides which server
//! is called. To add a command, write one file below `commands` with a struct
//! of options that implements `Run`, and add a line to the table of its group.

mod arguments;
mod bridge;
mod commands;
mod config;
mod durations;
mod error;
mod follow;
mod hints;
mod http;
mod human;
mod input;
mod machine;
mod paging;
mod polling;
mod print;
mod reference;
mod repository;
mod restore;
mod run;
mod session;
mod sse;
mod terminal;

pub use arguments::command;
pub use error::Exit;
pub use http::{Headers, Method, Patience, Reply, Request, Response, Transport, TransportError};
pub use reference::reference_markdown;
pub use run::{run_line, run_program};
