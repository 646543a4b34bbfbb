//! The dashboard in a real browser against a real server. The browser's driver
//! is in the kit: `coro_tests::browser`.

mod accessible;
mod away;
mod demo;
mod events;
mod figures;
mod foreign;
mod graph;
mod hostile;
mod keyboard;
mod koor_faults;
mod load;
mod packages;
mod pages;
mod passkeys;
mod policies;
mod restart;
mod signin;
mod state;
mod tls;
mod types;
mod unlocked;
mod work;
