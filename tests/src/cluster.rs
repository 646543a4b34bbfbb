//! One PostgreSQL cluster for all tests of a process.
//!
//! It runs below a shell that waits for the end of its standard input, a pipe
//! that only this process holds: however this process ends, the shell then
//! stops the cluster and removes its files. PostgreSQL refuses to run as root,
//! so there it runs as the user `postgres`.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::scripts::{is_ci, skip, variable};

/// A running cluster.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// Where it listens on 127.0.0.1.
    pub(crate) port: u16,
    /// Keeps the pipe open; never read again.
    _shell: Child,
}

/// `$1` is the folder of the binaries, `$2` the port. Signals of the terminal
/// reach the shell too, and must not keep it from tidying up.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
folder=$(mktemp -d /tmp/coro-tests-pg.XXXXXX) || exit 1
finish() { rm -rf "$folder"; exit "$1"; }
"$1/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$folder/log" 2>&1 \
  || { cat "$folder/log"; finish 1; }
"$1/pg_ctl" -D "$folder/data" -l "$folder/log" -w -t 60 start -o "-p $2 -k $folder \
  -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off -c max_connections=400 \
  -c shared_buffers=64MB -c autovacuum=off -c max_wal_size=4GB" >"$folder/start" 2>&1 \
  || { cat "$folder/start" "$folder/log"; finish 1; }
echo ready
cat >/dev/null
"$1/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1
finish 0
"#;

/// Where PostgreSQL's server binaries are, the newest first.
pub fn postgres_binaries() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let path = variable("PATH").unwrap_or_default();
        let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .map(|entries| {
                entries
                    .flatten()
                    .map(|entry| entry.path().join("bin"))
                    .collect()
            })
            .unwrap_or_default();
        versions.sort();
        folders.extend(versions.into_iter().rev());
        folders
            .into_iter()
            .find(|folder| folder.join("initdb").exists())
    });
    found.as_deref()
}

/// Whether the tests on PostgreSQL can run. Says so once where they can't; in
/// CI that is a failure.
pub(crate) fn is_here() -> bool {
    static SAID: OnceLock<()> = OnceLock::new();
    if postgres_binaries().is_some() {
        return true;
    }
    let missing = "PostgreSQL's initdb is neither on the PATH nor in /usr/lib/postgresql";
    assert!(!is_ci(), "{missing}");
    SAID.get_or_init(|| skip("all tests on PostgreSQL", missing));
    false
}

/// The cluster, started at the first call.
pub(crate) fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let folder = postgres_binaries().expect("asked for with is_here()");
        // Another program may take the port before PostgreSQL does.
        let mut said = String::new();
        for _ in 0..5 {
            match start(folder, free_port()) {
                Ok(cluster) => return cluster,
                Err(output) => said = output,
            }
        }
        panic!("PostgreSQL did not start:\n{said}");
    })
}

fn start(folder: &Path, port: u16) -> Result<Cluster, String> {
    let mut command = if rustix::process::getuid().is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", "sh"]);
        command
    } else {
        Command::new("sh")
    };
    let mut shell = command
        .args(["-c", SCRIPT, "sh"])
        .arg(folder)
        .arg(port.to_string())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell starts");
    let mut output = BufReader::new(shell.stdout.take().expect("piped"));
    let mut first = String::new();
    output.read_line(&mut first).expect("the shell writes text");
    if first.trim() == "ready" {
        return Ok(Cluster {
            port,
            _shell: shell,
        });
    }
    let _ = output.read_to_string(&mut first);
    let _ = shell.wait();
    Err(first)
}

/// A port of 127.0.0.1 that nobody listens on; another program may take it.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    listener.local_addr().expect("it is bound").port()
}
