//! Crash proof: what the server has acknowledged is there afterwards, whatever
//! ended it.
//!
//! `kill.rs` kills the process under load. That alone proves little: what it
//! had written survives in the page cache. So `power.rs` records every write
//! and every sync of the data folder, rebuilds the disk as a power failure
//! could have left it, and starts a server on that; it also shows that it
//! finds the loss when nothing is synced. `disk.rs` fills the disk in the
//! middle of batches and lets commits fail; `postgres.rs` kills PostgreSQL.
//! `tasks.rs` kills agents as well, over one queue.
//!
//! `messages.rs` kills agents too, and looks at what became of each message.
//!
//! All others run the load of `load.rs` and judge with `check.rs`.
//! `CORO_LONG=1` runs the full counts. Randomness comes from a seed that is
//! printed; `CORO_SEED=…` runs it again.

mod check;
mod cluster;
mod disk;
mod kill;
mod load;
mod messages;
mod postgres;
mod power;
mod record;
mod settings;
mod tasks;
