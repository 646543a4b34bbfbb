//! The two engines, and a test's own database on one of them.

use std::fmt;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use rusqlite::fallible_iterator::FallibleIterator as _;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::{PATIENCE, cluster};

/// What the server stores on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub const ALL: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

    /// Whether this machine has the engine. Prints once that it does not.
    pub fn is_here(self) -> bool {
        self == Engine::Sqlite || cluster::is_here()
    }
}

/// Where a server of a test stores, for looking at it from behind.
#[derive(Debug)]
pub enum Database {
    /// The path of the file, in the data folder.
    Sqlite(PathBuf),
    /// The name of a database of the shared cluster.
    Postgres(String),
}

impl Database {
    /// An empty one of its own.
    pub fn fresh(engine: Engine, data_dir: &Path) -> Self {
        match engine {
            Engine::Sqlite => Database::Sqlite(data_dir.join("coro.db")),
            Engine::Postgres => Database::Postgres(take_empty()),
        }
    }

    /// What `--database-url` takes; none for SQLite.
    pub fn url(&self) -> Option<String> {
        match self {
            Database::Sqlite(_) => None,
            Database::Postgres(name) => {
                let port = cluster::cluster().port;
                Some(format!("postgres://postgres@127.0.0.1:{port}/{name}"))
            }
        }
    }

    /// Runs statements that give no rows. Stop the server first where it is
    /// SQLite.
    pub fn execute(&self, sql: &str) {
        self.query(sql);
    }

    /// Runs statements; gives the rows of all of them as text.
    pub fn query(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        match self {
            Database::Sqlite(path) => query_sqlite(path, sql),
            Database::Postgres(name) => in_database(name, sql),
        }
    }

    /// Runs a query that gives one value.
    pub fn query_text(&self, sql: &str) -> String {
        let rows = self.query(sql);
        let value = rows.first().and_then(|row| row.first()).cloned().flatten();
        value.unwrap_or_else(|| panic!("{sql} gave {rows:?}"))
    }
}

/// A connection to PostgreSQL that stays open, with what its statements hold.
pub struct Session(#[expect(dead_code, reason = "held")] Client);

impl Database {
    /// Runs statements and keeps the connection (PostgreSQL only).
    pub fn session(&self, sql: &str) -> Session {
        let Database::Postgres(name) = self else {
            panic!("SQLite has no sessions");
        };
        let client = block_on(async {
            let client = connect(name).await;
            let done = client.batch_execute(sql).await;
            done.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
            client
        });
        Session(client)
    }
}

/// The key of a tenant's advisory lock, which every write of it takes
/// (PostgreSQL).
pub const LOCK_OF_TENANT: &str =
    "('x' || left(encode(sha256(convert_to(tenant_id, 'UTF8')), 'hex'), 16))::bit(64)::bigint";

/// What keeps writes waiting; they go on when it is dropped.
pub enum Held {
    Sqlite(rusqlite::Connection),
    Postgres(Session),
}

impl Database {
    /// Keeps every write of the server waiting.
    pub fn hold_writes(&self) -> Held {
        match self {
            Database::Sqlite(path) => {
                let connection = rusqlite::Connection::open(path).expect("the database opens");
                connection.busy_timeout(PATIENCE).expect("it is ours");
                let begun = connection.execute_batch("BEGIN IMMEDIATE");
                begun.expect("no write holds it for long");
                Held::Sqlite(connection)
            }
            Database::Postgres(_) => Held::Postgres(self.session(&format!(
                "SELECT pg_advisory_lock({LOCK_OF_TENANT}) FROM tenant"
            ))),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Database::Postgres(name) = self {
            put_back(std::mem::take(name));
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Database::Sqlite(path) => write!(f, "{}", path.display()),
            Database::Postgres(name) => f.write_str(name),
        }
    }
}

fn query_sqlite(path: &Path, sql: &str) -> Vec<Vec<Option<String>>> {
    let connection = rusqlite::Connection::open(path).expect("the database opens");
    let mut all = Vec::new();
    let mut batch = rusqlite::Batch::new(&connection, sql);
    while let Some(mut statement) = batch
        .next()
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
    {
        let columns = statement.column_count();
        // Nothing is bound: whoever asks for a plan needs no values.
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().unwrap_or_else(|error| panic!("{sql}: {error}")) {
            all.push(
                (0..columns)
                    .map(|i| text_of(row.get_ref(i).expect("in range")))
                    .collect(),
            );
        }
    }
    all
}

/// As PostgreSQL's text form gives it.
fn text_of(value: rusqlite::types::ValueRef<'_>) -> Option<String> {
    use rusqlite::types::ValueRef::{Blob, Integer, Null, Real, Text};
    match value {
        Null => None,
        Integer(number) => Some(number.to_string()),
        Real(number) => Some(number.to_string()),
        Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
        Blob(bytes) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            Some(format!("\\x{hex}"))
        }
    }
}

fn in_database(name: &str, sql: &str) -> Vec<Vec<Option<String>>> {
    block_on(async {
        let client = connect(name).await;
        let messages = client
            .simple_query(sql)
            .await
            .unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        let rows = messages.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(
                (0..row.len())
                    .map(|i| row.get(i).map(str::to_owned))
                    .collect(),
            ),
            _ => None,
        });
        rows.collect()
    })
}

/// Databases that no test uses now. To make one takes long, to empty it does
/// not, and so few are needed that they stay until the cluster ends.
static UNUSED: Mutex<Vec<String>> = Mutex::new(Vec::new());

const EMPTY: &str = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
     WHERE datname = current_database() AND pid <> pg_backend_pid(); \
     DROP SCHEMA public CASCADE; CREATE SCHEMA public";

fn take_empty() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    static ADMIN: OnceLock<Client> = OnceLock::new();
    if let Some(name) = UNUSED.lock().expect("no panic while held").pop() {
        in_database(&name, EMPTY);
        return name;
    }
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let admin = ADMIN.get_or_init(|| block_on(connect("postgres")));
    let made = block_on(admin.batch_execute(&format!("CREATE DATABASE {name}")));
    made.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    name
}

fn put_back(name: String) {
    UNUSED.lock().expect("no panic while held").push(name);
}

async fn connect(name: &str) -> Client {
    let port = cluster::cluster().port;
    let config = format!("host=127.0.0.1 port={port} user=postgres dbname={name}");
    let (client, connection) = tokio_postgres::connect(&config, NoTls)
        .await
        .expect("the cluster answers");
    tokio::spawn(connection);
    client
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime starts")
    });
    runtime.block_on(future)
}
