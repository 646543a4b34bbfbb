//! The clients' packages, installed once for each set of pins.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use coro_tests::{program, skip, variable};
use sha2::{Digest as _, Sha256};

/// The pins: the file that npm reads.
const PINS: &str = include_str!("package.json");

/// The oldest major version of Node that all of the clients run on.
const NODE_MAJOR_MIN: u32 = 22;

/// Where the packages are.
#[derive(Debug)]
pub(crate) struct Packages {
    folder: PathBuf,
    node: PathBuf,
}

impl Packages {
    /// The packages, installed at the first call; none where that can't be,
    /// which is said, and is a failure in CI.
    pub(crate) fn find() -> Option<&'static Packages> {
        static INSTALLED: OnceLock<Result<Packages, String>> = OnceLock::new();
        match INSTALLED.get_or_init(install) {
            Ok(packages) => Some(packages),
            Err(why) => {
                skip("clients", why);
                None
            }
        }
    }

    /// Claude Code's program. The package's own entry point needs an install
    /// script, which is not run.
    pub(crate) fn claude(&self) -> PathBuf {
        self.module(&format!("@anthropic-ai/claude-code-{}/claude", platform()))
    }

    /// A script of Codex, which starts its program.
    pub(crate) fn codex(&self) -> Command {
        self.script("@openai/codex/bin/codex.js")
    }

    pub(crate) fn conformance(&self) -> Command {
        self.script("@modelcontextprotocol/conformance/dist/index.js")
    }

    pub(crate) fn inspector(&self) -> Command {
        self.script(".bin/mcp-inspector")
    }

    /// A command that runs a script of a package with Node.
    fn script(&self, path: &str) -> Command {
        let mut command = Command::new(&self.node);
        command.arg(self.module(path));
        command
    }

    fn module(&self, path: &str) -> PathBuf {
        let path = self.folder.join("node_modules").join(path);
        assert!(path.exists(), "the package has no {}", path.display());
        path
    }
}

/// As npm names this machine.
fn platform() -> String {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        system => system,
    };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        processor => processor,
    };
    format!("{system}-{processor}")
}

fn install() -> Result<Packages, String> {
    let major = node_major().ok_or("Node and npm are missing; install the packages nodejs npm")?;
    let with_node = major < NODE_MAJOR_MIN;
    let digest = Sha256::digest(format!("{PINS}{with_node}"));
    let name: String = digest[..6].iter().map(|b| format!("{b:02x}")).collect();
    let folder = target().join("clients").join(name);
    if !folder.exists() {
        install_into(&folder, with_node)?;
    }
    let node = match with_node {
        true => folder.join("node_modules/.bin/node"),
        false => PathBuf::from("node"),
    };
    Ok(Packages { folder, node })
}

/// Installs beside the folder and renames at the end: what has the name is
/// whole, also when two processes install at once.
fn install_into(folder: &Path, with_node: bool) -> Result<(), String> {
    let parent = folder.parent().expect("a folder of target/");
    std::fs::create_dir_all(parent).map_err(|error| error.to_string())?;
    let growing = tempfile::TempDir::with_prefix_in("installing-", parent);
    let growing = growing.map_err(|error| error.to_string())?;
    std::fs::write(growing.path().join("package.json"), PINS).map_err(|error| error.to_string())?;
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
        return Err(format!("npm can't install the clients: {said}"));
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

/// The folder that cargo builds into.
fn target() -> PathBuf {
    let profile = program("coro-server-testing");
    let target = profile.ancestors().nth(2);
    target.expect("a program lies in target/debug").to_owned()
}

/// What this process searches programs in.
pub(crate) fn path() -> String {
    variable("PATH").unwrap_or_default()
}
