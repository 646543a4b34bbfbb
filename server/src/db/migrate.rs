//! Migrations: numbered, forward only, each in a transaction of its own.
//!
//! To add one: a file of the same number and name in `migrations/sqlite` and
//! `migrations/postgres`, a line in [`ALL`], and rows for the tables that it
//! touches in the sample data of `tests/suite/migrations.rs`. A file that has
//! been released never changes again: its hash is recorded and compared.

use crate::clock::Clock;
use crate::error::{Error, Reason, Result, internal};
use crate::ids::Hash;

struct Migration {
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migration {
    ($name:literal) => {
        Migration {
            name: $name,
            sqlite: include_str!(concat!("../../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../../migrations/postgres/", $name, ".sql")),
        }
    };
}

/// In order; the first has the number 1.
const ALL: &[Migration] = &[
    migration!("0001_log"),
    migration!("0002_state"),
    migration!("0003_tokens"),
    migration!("0004_consumers"),
    migration!("0005_idempotency"),
    migration!("0006_agents"),
    migration!("0007_numbers"),
    migration!("0008_pauses"),
    migration!("0009_leases"),
    migration!("0010_tasks"),
    migration!("0011_messages"),
    migration!("0012_requests"),
    migration!("0013_hooks"),
    migration!("0014_dashboard"),
    migration!("0015_passkeys"),
    migration!("0016_receipts"),
    migration!("0017_human_reset"),
];

/// The number of the newest migration that this program knows.
pub const LATEST: usize = ALL.len();

const CREATE_RECORD: &str = "CREATE TABLE IF NOT EXISTS schema_migration \
     (version BIGINT PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at BIGINT NOT NULL)";
const CREATE_RECORD_SQLITE: &str = "CREATE TABLE IF NOT EXISTS schema_migration \
     (version INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT";
const SELECT_RECORD: &str = "SELECT version, sha256 FROM schema_migration ORDER BY version";

/// Brings a SQLite database up to migration number `to`.
pub fn sqlite(conn: &mut rusqlite::Connection, clock: &Clock, to: usize) -> Result<()> {
    let fault = super::sqlite::fault;
    conn.execute_batch(CREATE_RECORD_SQLITE).map_err(fault)?;
    let applied: Vec<(i64, String)> = conn
        .prepare(SELECT_RECORD)
        .and_then(|mut s| {
            s.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .map_err(fault)?;
    let done = check(&applied, |migration| migration.sqlite)?;
    for (number, migration) in ALL.iter().enumerate().take(to).skip(done) {
        let tx = conn.transaction().map_err(fault)?;
        tx.execute_batch(migration.sqlite)
            .map_err(|error| failed(migration, error.into()))?;
        tx.execute(
            "INSERT INTO schema_migration VALUES (?1, ?2, ?3, ?4)",
            (
                number as i64 + 1,
                migration.name,
                Hash::of(migration.sqlite.as_bytes()).hex(),
                clock.now().0,
            ),
        )
        .map_err(fault)?;
        tx.commit().map_err(fault)?;
    }
    Ok(())
}

/// Brings a PostgreSQL database up to migration number `to`. Several servers
/// may start at once: one migrates, the others wait for it.
pub async fn postgres(client: &mut tokio_postgres::Client, clock: &Clock, to: usize) -> Result<()> {
    /// Of the advisory lock that migrations take; any number nobody else uses.
    const LOCK: i64 = 0x434f_524f_0001;
    let fault = |error: tokio_postgres::Error| internal(error).from_database();
    client
        .execute("SELECT pg_advisory_lock($1)", &[&LOCK])
        .await
        .map_err(fault)?;
    client.batch_execute(CREATE_RECORD).await.map_err(fault)?;
    let rows = client.query(SELECT_RECORD, &[]).await.map_err(fault)?;
    let applied: Vec<(i64, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let done = check(&applied, |migration| migration.postgres)?;
    for (number, migration) in ALL.iter().enumerate().take(to).skip(done) {
        let tx = client.transaction().await.map_err(fault)?;
        let applied = tx.batch_execute(migration.postgres).await;
        applied.map_err(|error| failed(migration, error.into()))?;
        tx.execute(
            "INSERT INTO schema_migration VALUES ($1, $2, $3, $4)",
            &[
                &(number as i64 + 1),
                &migration.name,
                &Hash::of(migration.postgres.as_bytes()).hex(),
                &clock.now().0,
            ],
        )
        .await
        .map_err(fault)?;
        tx.commit().await.map_err(fault)?;
    }
    client
        .execute("SELECT pg_advisory_unlock($1)", &[&LOCK])
        .await
        .map_err(fault)?;
    Ok(())
}

/// How many migrations the database has, if they are the ones we know.
fn check(applied: &[(i64, String)], text: impl Fn(&Migration) -> &'static str) -> Result<usize> {
    let newest = applied.last().map_or(0, |(version, _)| *version);
    if newest > LATEST as i64 || applied.len() > LATEST {
        return Err(Error::new(
            Reason::Internal,
            format!(
                "the database has migration {newest} and this program knows {LATEST}: a newer \
                 coro-server wrote it"
            ),
        )
        .hint("start the newer coro-server, or restore a backup into an empty data folder"));
    }
    for ((version, hash), migration) in applied.iter().zip(ALL) {
        if Hash::of(text(migration).as_bytes()).hex() != *hash {
            return Err(Error::new(
                Reason::Internal,
                format!("migration {version} of the database is not this program's {}", migration.name),
            )
            .hint("start the coro-server that wrote it, or restore a backup into an empty data folder"));
        }
    }
    Ok(applied.len())
}

fn failed(migration: &Migration, source: anyhow::Error) -> Error {
    Error::new(
        Reason::Internal,
        format!("migration {} failed; it was undone", migration.name),
    )
    .source(source)
    .from_database()
}
