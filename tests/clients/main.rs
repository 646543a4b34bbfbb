//! Real clients against a real server: Claude Code, Codex, the MCP inspector
//! and the official conformance suite. They are the only proof that the
//! protocol's face is one that clients can use.
//!
//! The clients are npm packages of pinned versions (`package.json`), which
//! `install.rs` puts below `target/`; nothing of them is committed. Where npm
//! or its registry is missing these tests are skipped, and fail in CI. The
//! clients' models are scripts (`model/`): each step says what the model does,
//! and what the tool must have answered. `proxy.rs` stands between a client
//! and the server; it records what the client sends, and gives the token of a
//! client that can't send one.

mod claude;
mod codex;
mod conformance;
mod decided;
mod inspector;
mod install;
mod model;
mod proxy;
mod together;
mod workplace;
