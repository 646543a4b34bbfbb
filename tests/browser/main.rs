//! The dashboard in a real browser against a real server: Chromium without a
//! window, driven over its `DevTools` protocol.
//!
//! `chromium.rs` starts the browser, `cdp.rs` speaks to it, `page.rs` is what a
//! test does with a page: open, click, type, wait. `visit.rs` signs in. A test
//! waits for what the page shows, never for time. Where Chromium is missing
//! these tests are skipped, and fail in CI. Screenshots of the run are kept in
//! `target/dashboard/`.
//!
//! The driver is our own, since it needs a dozen commands of the protocol: the
//! crates that have all of them take longer to build than Coro's server.

mod accessible;
mod cdp;
mod chromium;
mod events;
mod figures;
mod hostile;
mod keyboard;
mod load;
mod packages;
mod page;
mod pages;
mod restart;
mod signin;
mod state;
mod types;
mod visit;
mod work;
