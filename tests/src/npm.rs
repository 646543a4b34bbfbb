//! Packages of npm's registry that tests use, installed below `target/` once
//! for each set of pins. Nothing of them is committed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest as _, Sha256};

use crate::program;

/// Where some packages are.
#[derive(Debug)]
pub struct Packages {
    folder: PathBuf,
    node: PathBuf,
}

impl Packages {
    /// Installs what `pins`, a `package.json`, names, where it is not there yet.
    /// Where the system's Node is older than `node_major_min`, the one that the
    /// file names as a development dependency is installed too.
    pub fn install(name: &str, pins: &str, node_major_min: u32) -> Result<Packages, String> {
        let major =
            node_major().ok_or("Node and npm are missing; install the packages nodejs npm")?;
        let with_node = major < node_major_min;
        let digest = Sha256::digest(format!("{pins}{with_node}"));
        let version: String = digest[..6].iter().map(|b| format!("{b:02x}")).collect();
        let folder = target().join(name).join(version);
        if !folder.exists() {
            install_into(&folder, pins, with_node)?;
        }
        let node = match with_node {
            true => folder.join("node_modules/.bin/node"),
            false => PathBuf::from("node"),
        };
        Ok(Packages { folder, node })
    }

    /// A command that runs a script of a package with Node.
    pub fn script(&self, path: &str) -> Command {
        let mut command = Command::new(&self.node);
        command.arg(self.module(path));
        command
    }

    /// The path of a package's file.
    pub fn module(&self, path: &str) -> PathBuf {
        let path = self.modules().join(path);
        assert!(path.exists(), "the package has no {}", path.display());
        path
    }

    /// The folder `node_modules`.
    pub fn modules(&self) -> PathBuf {
        self.folder.join("node_modules")
    }
}

/// The folder that cargo builds into.
pub fn target() -> PathBuf {
    let profile = program("coro-server-testing");
    let target = profile.ancestors().nth(2);
    target.expect("a program lies in target/debug").to_owned()
}

/// Installs beside the folder and renames at the end: what has the name is
/// whole, also when two processes install at once.
fn install_into(folder: &Path, pins: &str, with_node: bool) -> Result<(), String> {
    let parent = folder.parent().expect("a folder of target/");
    std::fs::create_dir_all(parent).map_err(|error| error.to_string())?;
    let growing = tempfile::TempDir::with_prefix_in("installing-", parent);
    let growing = growing.map_err(|error| error.to_string())?;
    std::fs::write(growing.path().join("package.json"), pins).map_err(|error| error.to_string())?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund"])
        .args(["--no-package-lock", "--loglevel=error"])
        .current_dir(growing.path())
        .stdin(Stdio::null());
    npm.arg(if with_node {
        "--include=dev"
    } else {
        "--omit=dev"
    });
    let output = npm.output().map_err(|error| format!("npm: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("npm can't install the packages: {said}"));
    }
    if std::fs::rename(growing.path(), folder).is_ok() {
        // Its name is gone, and so is what there is to remove.
        let _ = growing.keep();
    }
    Ok(())
}

/// The major version of the system's Node; none without npm beside it.
fn node_major() -> Option<u32> {
    let npm = Command::new("npm").arg("--version").output().ok()?;
    let node = Command::new("node").arg("--version").output().ok()?;
    let version = String::from_utf8(node.stdout).ok()?;
    let major = version.strip_prefix('v')?.split('.').next()?;
    npm.status.success().then(|| major.parse().ok())?
}
