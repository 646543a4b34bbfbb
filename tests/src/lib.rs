//! The kit: what makes a test of 6 to 15 lines.
//!
//! A test starts a real server on a data folder of its own, talks to it over
//! HTTP as a client does, and looks at the answers:
//!
//! ```no_run
//! use coro_tests::{Engine, Server};
//!
//! let server = Server::start(Engine::Sqlite);
//! server.put("/api/state/shop/plan", "1").send().expect(200);
//! ```
//!
//! Most tests take `&Server` and run on both engines: [`both_engines!`] makes
//! `name::sqlite` and `name::postgres` of each. Time moves by
//! [`Server::advance`], sweeps run by [`Server::sweep`]; nothing here sleeps,
//! and whatever waits gives up after [`PATIENCE`].
//!
//! Without PostgreSQL's binaries on this machine its half is skipped, in CI
//! (`CI=true`) it fails.

pub mod browser;
mod cli;
mod cluster;
mod dashboard;
mod database;
mod demo;
mod http;
pub mod linearizable;
pub mod mcp;
pub mod npm;
mod options;
mod other;
mod passkeys;
mod random;
mod raw;
mod scripts;
mod server;
mod steering;
mod stream;
mod terminal;
mod tls;

use std::time::Duration;

pub use cli::{Cli, Output, Streaming};
pub use cluster::{free_port, postgres_binaries};
pub use dashboard::DashboardClient;
pub use database::{Database, Engine, Held, LOCK_OF_TENANT, Session};
pub use demo::Demo;
pub use http::{Client, Request, Response, encode, key_path, redact};
pub use options::{Failed, Options};
pub use other::OtherServer;
pub use passkeys::Authenticator;
pub use random::Random;
pub use raw::{Wire, allow_many_connections, raw_request};
pub use rustix::process::Signal;
pub use scripts::{is_ci, program, repository, skip, variable};
pub use server::Server;
pub use steering::Fault;
pub use stream::{Frame, Sse, WebSocket};
pub use terminal::Terminal;
pub use tls::tls_file;
pub use tokio_tungstenite::tungstenite::Message;

/// How long anything is waited for before the test fails. Generous: only a
/// fault reaches it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Makes of each function `fn name(server: &Server)` two tests,
/// `name::sqlite` and `name::postgres`, each with a fresh server.
///
/// The list stands at the top of a file, so that it reads as its contents; a
/// function that is missing in it is a warning of the compiler.
#[macro_export]
macro_rules! both_engines {
    ($($name:ident),* $(,)?) => {
        $(mod $name {
            #[test]
            fn sqlite() {
                $crate::run_on($crate::Engine::Sqlite, super::$name);
            }

            #[test]
            fn postgres() {
                $crate::run_on($crate::Engine::Postgres, super::$name);
            }
        })*
    };
}

/// As [`both_engines!`], for tests that start the server themselves:
/// `fn name(engine: Engine)`.
#[macro_export]
macro_rules! each_engine {
    ($($name:ident),* $(,)?) => {
        $(mod $name {
            #[test]
            fn sqlite() {
                super::$name($crate::Engine::Sqlite);
            }

            #[test]
            fn postgres() {
                if $crate::Engine::Postgres.is_here() {
                    super::$name($crate::Engine::Postgres);
                }
            }
        })*
    };
}

/// Runs a test with a fresh server, where the engine is on this machine.
pub fn run_on(engine: Engine, test: fn(&Server)) {
    if engine.is_here() {
        test(&Server::start(engine));
    }
}
