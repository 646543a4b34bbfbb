//! Coro's release programs, and a server of its own for each measurement.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::process::{Process, folder};

/// Where the programs are.
#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) server: PathBuf,
    pub(crate) cli: PathBuf,
}

/// Builds what users get: no feature `testing`, which a build together with
/// the tests would bring in.
pub(crate) fn build() -> Result<Programs> {
    let this = std::env::current_exe()?;
    let beside = this.parent().context("a program lies in a folder")?;
    let target = beside.parent().context("in a target folder")?;
    eprintln!("bench: building the release programs");
    let status = Command::new("cargo")
        .args([
            "build",
            "--release",
            "-p",
            "coro-server",
            "-p",
            "coro-cli",
            "--target-dir",
        ])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .context("cargo did not start")?;
    ensure!(status.success(), "the release programs were not built");
    let release = target.join("release");
    Ok(Programs {
        server: release.join("coro-server"),
        cli: release.join("coro-cli"),
    })
}

/// A running `coro-server`.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
}

impl Server {
    pub(crate) fn start(programs: &Programs) -> Result<Server> {
        Server::start_in(programs, folder()?, None)
    }

    /// Starts it in a folder that may hold data already; returns when it says
    /// that it listens.
    pub(crate) fn start_in(
        programs: &Programs,
        folder: TempDir,
        database_url: Option<&str>,
    ) -> Result<Server> {
        let (process, address) = spawn(programs, folder, database_url)?;
        let token = std::fs::read_to_string(process.folder.path().join("coro/owner.token"))?;
        Ok(Server {
            process,
            address,
            token: token.trim().to_owned(),
        })
    }

    /// Stops it as a user does; gives the folder back.
    pub(crate) fn stop(self) -> Result<TempDir> {
        let pid = rustix::process::Pid::from_child(&self.process.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        self.process.end()
    }
}

/// Starts it and waits for its first answer; gives how long that took.
pub(crate) fn cold_start(programs: &Programs, folder: TempDir) -> Result<(Duration, Server)> {
    let begun = Instant::now();
    let (process, address) = spawn(programs, folder, None)?;
    let answer = health(address)?;
    let taken = begun.elapsed();
    ensure!(
        answer.starts_with("HTTP/1.1 200"),
        "/health answered {answer}"
    );
    let token = std::fs::read_to_string(process.folder.path().join("coro/owner.token"))?;
    Ok((
        taken,
        Server {
            process,
            address,
            token: token.trim().to_owned(),
        },
    ))
}

fn health(address: SocketAddr) -> Result<String> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address)?;
    let host = format!("Host: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(format!("GET /health HTTP/1.1\r\n{host}").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn spawn(
    programs: &Programs,
    folder: TempDir,
    database_url: Option<&str>,
) -> Result<(Process, SocketAddr)> {
    let data = folder.path().join("coro");
    let log = std::fs::File::create(folder.path().join("log"))?;
    let mut command = Command::new(&programs.server);
    command
        .args(["--bind", "127.0.0.1:0", "--dashboard-bind", "off"])
        .args(["--log-level", "warn", "--data-dir"])
        .arg(data);
    if let Some(url) = database_url {
        command.args(["--database-url", url]);
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .with_context(|| format!("{} did not start", programs.server.display()))?;
    let mut output = BufReader::new(child.stdout.take().context("piped")?);
    let process = Process { child, folder };
    let mut line = String::new();
    output.read_line(&mut line)?;
    // What it says afterwards must find a reader, or it would block.
    std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
    let Some(address) = line.trim().strip_prefix("coro-server listens on http://") else {
        bail!("the server said {line:?}: {}", process.log());
    };
    let address = address
        .parse()
        .with_context(|| format!("it listens on {address:?}"))?;
    Ok((process, address))
}
