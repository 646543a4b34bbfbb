//! The browser's process.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::{skip, variable};
use tempfile::TempDir;

/// As distributions name it.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// A browser without a window, with a profile of its own. Ends with this value.
#[derive(Debug)]
pub(crate) struct Chromium {
    process: Child,
    /// Where it takes commands.
    pub(crate) url: String,
    _profile: TempDir,
}

impl Chromium {
    /// None where there is none on this machine, which is said, and is a failure
    /// in CI.
    pub(crate) fn start(args: &[&str]) -> Option<Chromium> {
        let Some(program) = find() else {
            skip(
                "browser",
                "Chromium is missing; install the package chromium",
            );
            return None;
        };
        let profile = TempDir::with_prefix("coro-chromium-").expect("a temporary folder");
        let mut command = Command::new(program);
        command
            .args([
                "--headless=new",
                "--remote-debugging-port=0",
                "--no-first-run",
            ])
            .args([
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
            ])
            .args(["--disable-background-networking", "--disable-extensions"])
            .arg("--js-flags=--expose-gc")
            .args(args)
            .arg(format!("--user-data-dir={}", profile.path().display()));
        if rustix::process::geteuid().is_root() {
            // Its sandbox does not start as root, as in most containers.
            command.arg("--no-sandbox");
        }
        let mut process = command
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("Chromium starts");
        let said = process.stderr.take().expect("piped");
        let mut lines = BufReader::new(said).lines();
        let url = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let url = line.strip_prefix("DevTools listening on ")?;
            Some(url.trim().to_owned())
        });
        // What it says later must not fill the pipe.
        std::thread::spawn(move || lines.count());
        Some(Chromium {
            process,
            url: url.expect("Chromium says where it listens"),
            _profile: profile,
        })
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn find() -> Option<PathBuf> {
    let path = variable("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut programs = NAMES
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    programs.find(|program| program.is_file())
}
