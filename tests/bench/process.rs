//! A server in a process of its own, ended with it, in a folder that goes too.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

/// How long a server may take to begin.
const START: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) folder: TempDir,
}

impl Process {
    /// Starts `command` quietly. What it logs goes to `log` in the folder.
    pub(crate) fn spawn(folder: TempDir, command: &mut Command) -> Result<Process> {
        let log = std::fs::File::create(folder.path().join("log"))?;
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{name} did not start"))?;
        Ok(Process { child, folder })
    }

    /// Waits until something accepts connections at the address.
    pub(crate) fn wait_for(&mut self, address: SocketAddr) -> Result<()> {
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended with {status}: {}", self.log());
            }
            if begun.elapsed() > START {
                bail!(
                    "nothing listens at {address} after {START:?}: {}",
                    self.log()
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    pub(crate) fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(5)..].join("\n")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory in KiB.
    pub(crate) fn resident_kib(&self) -> Result<u64> {
        resident_kib(self.pid())
    }
}

impl Process {
    /// Waits for the end; gives the folder, which is kept.
    pub(crate) fn end(mut self) -> Result<TempDir> {
        self.child.wait()?;
        Ok(std::mem::replace(&mut self.folder, TempDir::new()?))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Resident memory of a process in KiB.
pub(crate) fn resident_kib(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .context("no VmRSS")
}

/// An address on loopback that is free now.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// A folder of its own. Beside the build, which is on a real disk more often
/// than the system's temporary folder is.
pub(crate) fn folder() -> Result<TempDir> {
    let this = std::env::current_exe()?;
    let beside = this.parent().unwrap_or(Path::new("/tmp"));
    Ok(tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in(beside)?)
}
