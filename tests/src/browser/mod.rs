//! A real browser: Chromium without a window, driven over its `DevTools`
//! protocol.
//!
//! `chromium.rs` starts the browser, `cdp.rs` speaks to it, `page.rs` is what a
//! test does with a page: open, click, type, wait. `visit.rs` signs in. A test
//! waits for what the page shows, never for time. Where Chromium is missing
//! the tests are skipped, and fail in CI. Screenshots of the run are kept in
//! `target/dashboard/`.
//!
//! The driver is our own: the tests need two dozen commands of the protocol,
//! and a crate that has all of them is a large dependency for that.

mod cdp;
mod chromium;
mod page;
mod visit;

pub use page::Page;
pub use visit::{PASSPHRASE, Visit};
