//! The clients' packages, installed once for each set of pins.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use coro_tests::{npm, skip, variable};

/// The pins: the file that npm reads.
const PINS: &str = include_str!("package.json");

/// The oldest major version of Node that all of the clients run on.
const NODE_MAJOR_MIN: u32 = 22;

/// Where the packages are.
#[derive(Debug)]
pub(crate) struct Packages(npm::Packages);

impl Packages {
    /// The packages, installed at the first call; none where that can't be,
    /// which is said, and is a failure in CI.
    pub(crate) fn find() -> Option<&'static Packages> {
        static INSTALLED: OnceLock<Result<Packages, String>> = OnceLock::new();
        let install = || npm::Packages::install("clients", PINS, NODE_MAJOR_MIN).map(Packages);
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
        let package = format!("@anthropic-ai/claude-code-{}/claude", platform());
        self.0.module(&package)
    }

    /// A script of Codex, which starts its program.
    pub(crate) fn codex(&self) -> Command {
        self.0.script("@openai/codex/bin/codex.js")
    }

    pub(crate) fn conformance(&self) -> Command {
        let script = "@modelcontextprotocol/conformance/dist/index.js";
        self.0.script(script)
    }

    pub(crate) fn inspector(&self) -> Command {
        self.0.script(".bin/mcp-inspector")
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

/// What this process searches programs in.
pub(crate) fn path() -> String {
    variable("PATH").unwrap_or_default()
}
