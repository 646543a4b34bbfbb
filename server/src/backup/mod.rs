//! Backups: everything of a tenant, in one form for both engines.
//!
//! A backup is gzip of JSON lines: a head, a line for each row of each table,
//! and an end with the number of rows and the SHA-256 of all bytes before it.
//! A file without a fitting end is incomplete and is refused. It is read in
//! one transaction while the server runs, so it is one moment of the tenant.
//! Secrets are in it as the database has them: tokens as hashes.

pub mod routes;
mod store;

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::app::Ctx;
use crate::db::{Db, Tx, migrate};
use crate::error::{Error, Reason, Result, conflict, internal};
use crate::ids::{Hash, TenantId};
use crate::log::verify;

/// The form of the file; another number is another form.
const FORMAT: u32 = 1;

/// Rows written before the database is asked whether all is well.
const FLUSH_ROWS: u64 = 500;

/// Bytes of one piece of the answer.
const CHUNK_BYTES: usize = 64 * 1024;

/// How long a client may take for a piece.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(60);

/// Pieces that wait for a slow client.
const CHUNKS_MAX: usize = 4;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// The first line.
    CoroBackup(Head),
    /// A row: the table's name, and the values in the order of its columns.
    Row(String, Vec<Value>),
    /// The last line.
    End(End),
}

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    format: u32,
    /// The number of the newest migration.
    schema: usize,
    tenant_id: String,
    revision: i64,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct End {
    rows: u64,
    sha256: String,
}

/// Begins a backup. What comes out of the channel are the pieces of the file;
/// an error is the last of them where it ended early.
pub async fn take_backup(ctx: &Ctx) -> Result<mpsc::Receiver<io::Result<Bytes>>> {
    let (of, entry) = (
        ctx.caller.tenant.clone(),
        ctx.audit_entry("coro.backup.taken", ""),
    );
    let tenant = of.clone();
    ctx.app
        .db
        .write(&tenant, move |tx| tx.emit(&of, entry.clone()))
        .await?;
    let (sender, receiver) = mpsc::channel(CHUNKS_MAX);
    let db = ctx.app.db.clone();
    tokio::spawn(async move {
        let failed = sender.clone();
        let chunks = Chunks::new(sender);
        let taken = db.snapshot(move |tx| write(tx, &tenant, chunks)).await;
        if let Err(error) = taken {
            tracing::error!(%error, "a backup ended early");
            let _ = failed
                .send(Err(io::Error::other("the backup ended early")))
                .await;
        }
    });
    Ok(receiver)
}

/// Writes the whole backup to `out`.
fn write(tx: &mut Tx<'_>, tenant: &TenantId, out: impl io::Write) -> Result<()> {
    let mut out = Hashing {
        out: GzEncoder::new(out, Compression::fast()),
        sha: Sha256::new(),
    };
    let head = Head {
        format: FORMAT,
        schema: migrate::LATEST,
        tenant_id: tenant.to_string(),
        revision: tx.head(tenant)?.revision,
    };
    out.line(&Line::CoroBackup(head))?;
    let mut rows = 0;
    for table in store::TABLES {
        store::rows(tx, tenant, table, |values| {
            rows += 1;
            out.line(&Line::Row(table.name.to_owned(), values))
        })?;
    }
    let sha256 = Hash(out.sha.clone().finalize().into()).hex();
    out.line(&Line::End(End { rows, sha256 }))?;
    out.out
        .finish()
        .map_err(internal)?
        .flush()
        .map_err(internal)
}

/// What a restore has done.
#[derive(Debug)]
pub struct Restored {
    pub tenant: TenantId,
    pub rows: u64,
    pub revision: i64,
}

/// Fills an empty database from a backup: all of it, or nothing.
pub async fn restore(db: &Db, path: &Path) -> Result<Restored> {
    let head = check(path)?;
    let tenant = TenantId::from_stored(&head.tenant_id);
    let (of, file) = (tenant.clone(), path.to_owned());
    let rows = db.write(&tenant, move |tx| fill(tx, &of, &file)).await?;
    Ok(Restored {
        tenant,
        rows,
        revision: head.revision,
    })
}

/// Reads the whole file before anything is written.
fn check(path: &Path) -> Result<Head> {
    let mut head = None;
    read_lines(path, |line| {
        if let Line::CoroBackup(found) = line {
            head = Some(found);
        }
        Ok(())
    })?;
    let head = head.ok_or_else(|| unusable(path, "it has no head"))?;
    if head.format != FORMAT || head.schema > migrate::LATEST {
        return Err(
            unusable(path, "a newer coro-server wrote it").hint("restore it with that version")
        );
    }
    Ok(head)
}

fn fill(tx: &mut Tx<'_>, tenant: &TenantId, path: &Path) -> Result<u64> {
    if !store::is_empty(tx)? {
        return Err(conflict("the data folder or database is not empty")
            .hint("restore into a new one: --data-dir with another folder"));
    }
    let mut rows = 0;
    read_lines(path, |line| {
        let Line::Row(name, values) = line else {
            return Ok(());
        };
        let table = store::table(&name)
            .ok_or_else(|| unusable(path, &format!("it has a table {name:?}")))?;
        store::insert(tx, tenant, table, &values).map_err(|error| match error.database {
            true => error,
            false => unusable(path, &error.to_string()),
        })?;
        rows += 1;
        if rows % FLUSH_ROWS == 0 {
            tx.flush()?;
        }
        Ok(())
    })?;
    tx.flush()?;
    match verify::verify(tx, tenant)?.fault {
        Some(fault) => Err(unusable(
            path,
            &format!("the log in it is not whole: {fault}"),
        )),
        None => Ok(rows),
    }
}

/// Calls `each` with every line, and checks the end.
fn read_lines(path: &Path, mut each: impl FnMut(Line) -> Result<()>) -> Result<()> {
    let file = std::fs::File::open(path).map_err(|error| unusable(path, &error.to_string()))?;
    let mut reader = BufReader::new(MultiGzDecoder::new(file));
    let (mut sha, mut rows, mut end) = (Sha256::new(), 0u64, None);
    let mut text = Vec::new();
    loop {
        text.clear();
        let read = reader.read_until(b'\n', &mut text);
        if read.map_err(|error| unusable(path, &format!("it is cut short or damaged: {error}")))?
            == 0
        {
            break;
        }
        if end.is_some() {
            return Err(unusable(path, "something follows its end"));
        }
        let line: Line = serde_json::from_slice(&text)
            .map_err(|error| unusable(path, &format!("a line is not a backup's: {error}")))?;
        match &line {
            Line::End(found) => {
                let sha256 = Hash(sha.clone().finalize().into()).hex();
                if *found != (End { rows, sha256 }) {
                    return Err(unusable(path, "its content does not fit its end"));
                }
                end = Some(());
            }
            Line::Row(..) => rows += 1,
            Line::CoroBackup(_) => {}
        }
        sha.update(&text);
        each(line)?;
    }
    if end.is_none() {
        return Err(unusable(path, "it has no end: it is incomplete"));
    }
    Ok(())
}

fn unusable(path: &Path, why: &str) -> Error {
    Error::new(
        Reason::Invalid,
        format!("the backup {} can't be used: {why}", path.display()),
    )
    .hint("take another with 'coro-cli backup FILE'")
}

/// Hashes the lines on their way into the compression.
struct Hashing<W: io::Write> {
    out: GzEncoder<W>,
    sha: Sha256,
}

impl<W: io::Write> Hashing<W> {
    fn line(&mut self, line: &Line) -> Result<()> {
        let mut text = serde_json::to_vec(line).map_err(internal)?;
        text.push(b'\n');
        self.sha.update(&text);
        self.out.write_all(&text).map_err(internal)
    }
}

/// Hands what is written to the answer, in pieces; a slow client slows it.
struct Chunks {
    sender: mpsc::Sender<io::Result<Bytes>>,
    runtime: Handle,
    buffer: Vec<u8>,
}

impl Chunks {
    fn new(sender: mpsc::Sender<io::Result<Bytes>>) -> Self {
        Chunks {
            sender,
            runtime: Handle::current(),
            buffer: Vec::with_capacity(CHUNK_BYTES),
        }
    }
}

impl io::Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = Bytes::from(std::mem::take(&mut self.buffer));
        // The snapshot holds up the database's own cleaning: not for a client
        // that stopped reading.
        let sending =
            async { tokio::time::timeout(CLIENT_TIMEOUT, self.sender.send(Ok(chunk))).await };
        match self.runtime.block_on(sending) {
            Ok(Ok(())) => Ok(()),
            _ => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the client left")),
        }
    }
}
