//! Installs the peers from Debian.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Programs and the packages that have them. PostgreSQL's server binaries lie
/// outside of the path; `initdb` is asked for where Debian puts it.
const PACKAGES: [(&str, &str); 6] = [
    ("etcd", "etcd-server"),
    ("redis-server", "redis-server"),
    ("redis-cli", "redis-tools"),
    ("nats-server", "nats-server"),
    ("curl", "curl"),
    ("cc", "gcc"),
];

/// Installs what is missing, in one go.
pub(crate) fn missing() -> Result<()> {
    let mut packages: Vec<&str> = PACKAGES
        .iter()
        .filter(|(program, _)| !is_here(program))
        .map(|(_, package)| *package)
        .collect();
    if coro_tests::postgres_binaries().is_none() {
        packages.push("postgresql");
    }
    if packages.is_empty() {
        return Ok(());
    }
    eprintln!("bench: installing {}", packages.join(" "));
    apt(&["update", "-qq"])?;
    let mut words = vec!["install", "-y", "-qq", "--no-install-recommends"];
    words.extend(packages);
    apt(&words)
}

fn is_here(program: &str) -> bool {
    let tried = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    tried.is_ok()
}

fn apt(words: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command
        .args(words)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdout(Stdio::null());
    let status = command.status().context("apt-get did not start")?;
    ensure!(
        status.success(),
        "apt-get {} ended with {status}",
        words.join(" ")
    );
    Ok(())
}
