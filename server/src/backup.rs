//! Backups: everything of a tenant, in one form for both engines.
//!
//! A backup is gzip of JSON lines: a head, a line for each row of each table,
//! and an end with the number of rows and the SHA-256 of all bytes before it.
//! A file without a fitting end is incomplete and is refused. It is read in
//! one transaction while the server runs, so it is one moment of the tenant.
//! Secrets are in it as the database has them: tokens as hashes.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::{App, Ctx};
use crate::auth::Admin;
use crate::db::{Db, Row, Tx, Val, migrate};
use crate::error::{Error, Reason, Result, conflict, internal, invalid};
use crate::ids::{Hash, TenantId};
use crate::log::verify;

/// The form of the file; another number is another form.
const FORMAT: u32 = 1;

/// Rows read at a time. Values may be large, so not many.
const PAGE_ROWS: i64 = 32;

/// For a table whose key may come twice: its rows are small and few, and are
/// read at once.
const ALL_ROWS: i64 = i64::MAX;

/// Rows written before the database is asked whether all is well.
const FLUSH_ROWS: usize = 500;

/// Bytes of one piece of the answer.
const CHUNK_BYTES: usize = 64 * 1024;

/// Pieces that wait for a slow client.
const CHUNKS_MAX: usize = 4;

#[derive(Clone, Copy)]
enum Kind {
    Int,
    Text,
    Blob,
}

/// A table of the backup. `select` takes the tenant, the key after which to
/// go on, and how many rows; `key` is the column of that key, `page` how many
/// rows are read at a time.
struct Table {
    name: &'static str,
    columns: &'static [(&'static str, Kind)],
    key: usize,
    page: i64,
    select: &'static str,
    insert: &'static str,
}

macro_rules! table {
    ($name:literal by $key:literal, $page:expr; $($column:ident $kind:ident $number:literal),+ $(,)?) => {
        Table {
            name: $name,
            columns: &[$((stringify!($column), Kind::$kind)),+],
            key: {
                let names = [$(stringify!($column)),+];
                let mut at = 0;
                while !same(names[at], $key) { at += 1; }
                at
            },
            page: $page,
            select: concat!("SELECT ", table!(@names $($column),+), " FROM ", $name,
                " WHERE tenant_id = $1 AND ", $key, " > $2 ORDER BY ", $key, " LIMIT $3"),
            insert: concat!("INSERT INTO ", $name, " (", table!(@names $($column),+), ") VALUES (",
                table!(@numbers $($number),+), ")"),
        }
    };
    (@names $first:ident $(, $rest:ident)*) => {
        concat!(stringify!($first) $(, ", ", stringify!($rest))*)
    };
    (@numbers $first:literal $(, $rest:literal)*) => {
        concat!("$", $first $(, ", $", $rest)*)
    };
}

/// Equality of texts while compiling.
const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Every table that a tenant has rows in. `tidy.rs` compares this with the
/// migrations. The numbers are those of the parameters.
const TABLES: &[Table] = &[
    table!("tenant" by "name", PAGE_ROWS; tenant_id Text 1, name Text 2, created_at Int 3, compacted Int 4,
        anchor Int 5, anchor_chain Blob 6),
    table!("log" by "revision", PAGE_ROWS; tenant_id Text 1, revision Int 2, at Int 3, actor Text 4,
        topic Text 5, subject Text 6, project Text 7, scope Int 8, refused Int 9, version Int 10,
        hash Blob 11, size Int 12, content_type Text 13, note Text 14, traceparent Text 15,
        total_bytes Int 16, chain Blob 17, payload Blob 18),
    table!("state" by "key", PAGE_ROWS; tenant_id Text 1, key Text 2, version Int 3, revision Int 4,
        hash Blob 5, size Int 6, content_type Text 7, updated_at Int 8, updated_by Text 9,
        expires_at Int 10, conditional Int 11, deleted Int 12),
    table!("token" by "id", PAGE_ROWS; tenant_id Text 1, id Text 2, hash Blob 3, name Text 4, kind Text 5,
        role Text 6, project Text 7, key_prefixes Text 8, created_at Int 9, created_by Text 10,
        expires_at Int 11, revoked_at Int 12),
    table!("consumer" by "name", PAGE_ROWS; tenant_id Text 1, name Text 2, pattern Text 3, acknowledged Int 4,
        owner Text 5, actor Text 6, project Text 7, key_prefixes Text 8, audit Int 9,
        created_at Int 10, updated_at Int 11),
    table!("idempotency" by "key", ALL_ROWS; tenant_id Text 1, principal Text 2, key Text 3,
        fingerprint Blob 4, answer Text 5, created_at Int 6),
];

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

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(download))
}

/// Take a backup
///
/// Everything of the tenant at one moment, while the server runs. The last
/// line has the hash of the rest: a file without it is incomplete.
#[utoipa::path(get, path = "/api/backup", operation_id = "take_backup", tag = "server",
    responses((status = 200, description = "gzip of JSON lines", body = String, content_type = "application/gzip")))]
async fn download(Admin(ctx): Admin) -> Result<Response> {
    let (sender, receiver) = mpsc::channel(CHUNKS_MAX);
    record(&ctx).await?;
    let (db, tenant) = (ctx.app.db.clone(), ctx.caller.tenant.clone());
    tokio::spawn(async move {
        let failed = sender.clone();
        let taken = db
            .snapshot(move |tx| write(tx, &tenant, Chunks::new(sender)))
            .await;
        if let Err(error) = taken {
            tracing::error!(%error, "a backup ended early");
            let _ = failed
                .send(Err(io::Error::other("the backup ended early")))
                .await;
        }
    });
    let body = Body::from_stream(ReceiverStream::new(receiver));
    Ok(([(header::CONTENT_TYPE, "application/gzip")], body).into_response())
}

async fn record(ctx: &Ctx) -> Result<()> {
    let (of, entry) = (
        ctx.caller.tenant.clone(),
        ctx.audit_entry("coro.backup.taken", ""),
    );
    let tenant = of.clone();
    ctx.app
        .db
        .write(&tenant, move |tx| tx.emit(&of, entry.clone()))
        .await?;
    Ok(())
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
    for table in TABLES {
        rows += write_table(tx, tenant, table, &mut out)?;
    }
    let sha256 = Hash(out.sha.clone().finalize().into()).hex();
    out.line(&Line::End(End { rows, sha256 }))?;
    out.out
        .finish()
        .map_err(internal)?
        .flush()
        .map_err(internal)
}

fn write_table(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    table: &Table,
    out: &mut Hashing<impl io::Write>,
) -> Result<u64> {
    let mut rows = 0;
    let mut after = match table.columns[table.key].1 {
        Kind::Int => Value::from(i64::MIN),
        _ => Value::from(""),
    };
    loop {
        let page = tx.query_all(
            table.select,
            &[tenant.into(), key_of(&after)?, table.page.into()],
            |row| values_of(row, table),
        )?;
        let whole = table.page == ALL_ROWS;
        let Some(last) = page.last() else {
            return Ok(rows);
        };
        after = last[table.key].clone();
        for values in page {
            rows += 1;
            out.line(&Line::Row(table.name.to_owned(), values))?;
        }
        if whole {
            return Ok(rows);
        }
    }
}

fn values_of(row: &dyn Row, table: &Table) -> Result<Vec<Value>> {
    let value = |(column, (_, kind)): (usize, &(&str, Kind))| {
        Ok(match kind {
            Kind::Int => row.opt_int(column)?.map_or(Value::Null, Value::from),
            Kind::Text => row.opt_text(column)?.map_or(Value::Null, Value::from),
            Kind::Blob => row
                .opt_blob(column)?
                .map_or(Value::Null, |b| Value::from(STANDARD.encode(b))),
        })
    };
    table.columns.iter().enumerate().map(value).collect()
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
    let of = tenant.clone();
    let verified = db.snapshot(move |tx| verify::verify(tx, &of)).await?;
    if let Some(fault) = verified.fault {
        return Err(invalid(format!(
            "{}: the log in it is not whole: {fault}",
            path.display()
        )));
    }
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
    let empty = tx
        .query_one("SELECT 1 FROM tenant LIMIT 1", &[], |_| Ok(()))?
        .is_none();
    if !empty {
        return Err(conflict("the data folder or database is not empty")
            .hint("restore into a new one: --data-dir with another folder"));
    }
    let mut rows = 0;
    read_lines(path, |line| {
        let Line::Row(name, values) = line else {
            return Ok(());
        };
        let table = TABLES
            .iter()
            .find(|table| table.name == name)
            .ok_or_else(|| unusable(path, &format!("it has a table {name:?}")))?;
        if values.len() != table.columns.len() || values[0] != tenant.as_str() {
            return Err(unusable(path, &format!("a row of {name:?} does not fit")));
        }
        insert(tx, table, &values)?;
        rows += 1;
        if rows as usize % FLUSH_ROWS == 0 {
            tx.query("SELECT 1", &[], |_| Ok(()))?;
        }
        Ok(())
    })?;
    Ok(rows)
}

fn insert(tx: &mut Tx<'_>, table: &Table, values: &[Value]) -> Result<()> {
    let mut blobs: Vec<Vec<u8>> = Vec::new();
    for ((_, kind), value) in table.columns.iter().zip(values) {
        blobs.push(match (kind, value) {
            (Kind::Blob, Value::String(text)) => STANDARD
                .decode(text)
                .map_err(|error| invalid(format!("the backup holds broken base64: {error}")))?,
            _ => Vec::new(),
        });
    }
    let mut params = Vec::with_capacity(values.len());
    for (((_, kind), value), blob) in table.columns.iter().zip(values).zip(&blobs) {
        params.push(match (kind, value) {
            (_, Value::Null) => Val::Null,
            (Kind::Int, Value::Number(number)) => Val::Int(number.as_i64().unwrap_or_default()),
            (Kind::Text, Value::String(text)) => Val::Text(text),
            (Kind::Blob, _) => Val::Blob(blob),
            _ => {
                return Err(invalid(format!(
                    "the backup holds a wrong value for {}",
                    table.name
                )));
            }
        });
    }
    tx.queue(table.insert, &params)
}

fn key_of(value: &Value) -> Result<Val<'_>> {
    match value {
        Value::Number(number) => Ok(Val::Int(number.as_i64().unwrap_or_default())),
        Value::String(text) => Ok(Val::Text(text)),
        _ => Err(internal(anyhow::anyhow!("a key without a value"))),
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
    buffer: Vec<u8>,
}

impl Chunks {
    fn new(sender: mpsc::Sender<io::Result<Bytes>>) -> Self {
        Chunks {
            sender,
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
        self.sender
            .blocking_send(Ok(chunk))
            .map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the client left"))
    }
}
