//! A PostgreSQL cluster of its own that really syncs and whose postmaster is
//! this process's child: it may be killed, and be run again.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use coro_tests::{free_port, postgres_binaries};
use tempfile::TempDir;
use tokio_postgres::NoTls;

/// How often a start is tried: after a kill the old processes still hold the
/// shared memory for a moment.
const ATTEMPTS: usize = 200;

#[derive(Debug)]
pub(crate) struct Cluster {
    folder: TempDir,
    binaries: PathBuf,
    /// Whom it runs as, where this process is root: PostgreSQL refuses that.
    user: Option<(u32, u32)>,
    /// On 127.0.0.1.
    pub(crate) port: u16,
    pub(crate) postmaster: Option<Child>,
}

impl Cluster {
    /// Makes one and runs it.
    pub(crate) fn start() -> Result<Cluster, String> {
        let binaries = postgres_binaries().ok_or("PostgreSQL's initdb is not here")?;
        let folder = tempfile::Builder::new()
            .prefix("coro-pg-")
            .tempdir_in(disk());
        let folder = folder.map_err(|error| error.to_string())?;
        let user = if rustix::process::getuid().is_root() {
            Some(postgres_user()?)
        } else {
            None
        };
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid)).map_err(|error| error.to_string())?;
        }
        let mut initdb = as_user(&binaries.join("initdb"), user);
        initdb.args([
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "-D",
        ]);
        let made = initdb
            .arg(folder.path().join("data"))
            .current_dir("/")
            .output();
        let made = made.map_err(|error| format!("initdb: {error}"))?;
        if !made.status.success() {
            return Err(String::from_utf8_lossy(&made.stderr).into_owned());
        }
        let mut cluster = Cluster {
            folder,
            binaries: binaries.to_owned(),
            user,
            port: free_port(),
            postmaster: None,
        };
        cluster.run()?;
        Ok(cluster)
    }

    /// Makes an empty database; gives what `--database-url` takes.
    pub(crate) fn create_database(&self, name: &str) -> Result<String, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let config = format!("host=127.0.0.1 port={} user=postgres", self.port);
        let made = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&config, NoTls).await?;
            tokio::spawn(connection);
            client
                .batch_execute(&format!("CREATE DATABASE {name}"))
                .await
        });
        made.map_err(|error| format!("{name}: {error:?}"))?;
        Ok(format!(
            "postgres://postgres@127.0.0.1:{}/{name}",
            self.port
        ))
    }

    /// Runs the postmaster until it says that it is ready.
    pub(crate) fn run(&mut self) -> Result<(), String> {
        let mut said = String::new();
        for _ in 0..ATTEMPTS {
            let mut command = as_user(&self.binaries.join("postgres"), self.user);
            command.arg("-D").arg(self.folder.path().join("data"));
            command.arg("-k").arg(self.folder.path());
            command.args([
                "-p",
                &self.port.to_string(),
                "-c",
                "listen_addresses=127.0.0.1",
            ]);
            command.args(["-c", "max_connections=200", "-c", "shared_buffers=128MB"]);
            command
                .current_dir("/")
                .stdin(Stdio::null())
                .stdout(Stdio::null());
            let child = command.stderr(Stdio::piped()).spawn();
            let mut child = child.map_err(|error| format!("postgres: {error}"))?;
            let stderr = child.stderr.take().ok_or("its output is piped")?;
            match wait_until_ready(stderr) {
                Ok(()) => {
                    self.postmaster = Some(child);
                    return Ok(());
                }
                Err(output) => said = output,
            }
            let _ = child.wait();
        }
        Err(said)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut postmaster) = self.postmaster.take() {
            let _ = postmaster.kill();
            let _ = postmaster.wait();
        }
    }
}

/// Where a sync reaches a disk: `/tmp` is memory on many systems.
fn disk() -> &'static Path {
    Path::new(if Path::new("/var/tmp").exists() {
        "/var/tmp"
    } else {
        "/tmp"
    })
}

fn wait_until_ready(stderr: ChildStderr) -> Result<(), String> {
    let mut lines = BufReader::new(stderr);
    let mut said = String::new();
    loop {
        let before = said.len();
        if lines.read_line(&mut said).unwrap_or(0) == 0 {
            return Err(said);
        }
        if said[before..].contains("ready to accept connections") {
            break;
        }
    }
    // What it says afterwards must find a reader, or it would block.
    std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
    Ok(())
}

fn as_user(program: &Path, user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}

/// The ids of the user `postgres`.
fn postgres_user() -> Result<(u32, u32), String> {
    let users = std::fs::read_to_string("/etc/passwd").map_err(|error| error.to_string())?;
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let fields: Vec<&str> = line
        .ok_or("there is no user postgres")?
        .split(':')
        .collect();
    let id = |index: usize| {
        fields
            .get(index)
            .and_then(|field| field.parse::<u32>().ok())
    };
    id(2)
        .zip(id(3))
        .ok_or_else(|| "the user postgres has no ids".to_owned())
}
