//! `coro-server demo` as a visitor has it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use coro_api::events::{Event, EventPage};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;

use crate::options::Process;
use crate::{Cli, Client, DashboardClient, Failed, program, scripts};

/// A demo that runs. Its process ends with this value.
#[derive(Debug)]
pub struct Demo {
    folder: TempDir,
    process: Process,
}

impl Demo {
    /// At a speed, as `--speed` takes it.
    pub fn start(speed: &str) -> Demo {
        Demo::start_with(speed, &[])
    }

    /// As [`Demo::start`], with settings of the server.
    pub fn start_with(speed: &str, settings: &[&str]) -> Demo {
        let folder = TempDir::with_prefix("coro-test-").expect("a folder for temporary files");
        let args = ["demo", "--no-open", "--speed", speed];
        let child = command(&program("coro-server-testing"), folder.path())
            .args(args)
            .args(settings)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server's program starts");
        let process = Process::wait_until_ready(child);
        let process = process.unwrap_or_else(|failed| panic!("no demo: {failed}"));
        Demo { folder, process }
    }

    /// A demo that must refuse to begin, of another program than the usual
    /// one where `program` names it.
    pub fn fail(program_path: Option<&Path>, args: &[&str]) -> Failed {
        let folder = TempDir::with_prefix("coro-test-").expect("a folder for temporary files");
        let usual = program("coro-server-testing");
        let mut command = command(program_path.unwrap_or(&usual), folder.path());
        let output = command.arg("demo").args(args).output();
        let output = output.expect("the server's program runs");
        assert_eq!(left_in(folder.path()), [""; 0], "something is left behind");
        Failed {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// What it has printed, up to the line that begins so.
    pub fn told(&mut self, line: &str) -> Vec<String> {
        let is_it = |told: &String| told.trim_start().starts_with(line);
        while !self.process.stdout.iter().any(is_it) {
            assert!(self.process.next_line().is_some(), "never said: {line}");
        }
        self.process.stdout.iter().cloned().collect()
    }

    pub fn log(&self) -> String {
        self.process.stderr()
    }

    /// The page's address that was printed, with its code.
    pub fn address(&mut self) -> String {
        let told = self.told("Ctrl-C");
        let mut lines = told.iter().map(|line| line.trim());
        let address = lines.find(|line| line.contains("/#code="));
        address
            .unwrap_or_else(|| panic!("no code: {told:?}"))
            .to_owned()
    }

    /// A page that signs in with the code that was printed.
    pub fn page(&mut self) -> DashboardClient {
        let address = self.address();
        let (url, code) = address.split_once("/#code=").expect("an address");
        let visitor = Client::new(url, None);
        DashboardClient::of(
            &visitor,
            visitor.post("/session", json!({ "code": code })).send(),
        )
    }

    pub fn owner(&self) -> Client {
        let token = std::fs::read_to_string(self.data_dir().join("owner.token"));
        let token = token.expect("an owner's token");
        Client::new(&self.process.url, Some(token.trim()))
    }

    /// The CLI as the demo says that one calls it.
    pub fn cli(&self) -> Cli {
        Cli::new(self.folder.path()).data_dir(&self.data_dir())
    }

    fn data_dir(&self) -> PathBuf {
        let left = left_in(self.folder.path());
        let [name] = left.as_slice() else {
            panic!("not one folder: {left:?}");
        };
        self.folder.path().join("tmp").join(name).join("data")
    }

    /// Moves the server's present.
    pub fn advance_seconds(&self, seconds: i64) {
        let clock = json!({ "advance_ms": seconds * 1000 });
        self.owner()
            .post("/testing/clock", clock)
            .send()
            .expect(200);
    }

    /// Waits for the first event of a pattern that is the one.
    #[track_caller]
    pub fn wait_for(&self, pattern: &str, is_it: impl Fn(&Event) -> bool) -> Event {
        let mut from = 0;
        // Each look waits for long.
        for _ in 0..100 {
            let path = format!("/api/events?from={from}&pattern={pattern}&wait=20");
            let page: EventPage = self.owner().get(&path).ok();
            from = page.next;
            if let Some(event) = page.events.into_iter().find(&is_it) {
                return event;
            }
        }
        panic!("no such event of {pattern}: {}", self.log());
    }

    /// Waits until the hour of the story is over.
    pub fn wait_for_the_hour(&self) {
        self.wait_for("shop.hour.over", |_| true);
    }

    /// The processes that the demo has started and that run.
    pub fn children(&self) -> Vec<Pid> {
        let parent = format!("\nPPid:\t{}\n", self.process.id().as_raw_nonzero());
        let processes = std::fs::read_dir("/proc").expect("Linux");
        let mut children = Vec::new();
        for process in processes.filter_map(Result::ok) {
            let status = std::fs::read_to_string(process.path().join("status"));
            let pid = process
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            if status.is_ok_and(|status| status.contains(&parent)) {
                children.extend(pid.and_then(Pid::from_raw));
            }
        }
        children
    }

    /// Sends a signal, waits for the end, and checks that nothing is left.
    pub fn end_by(self, signal: Signal) -> Failed {
        let children = self.children();
        self.process.signal(signal);
        self.ended(&children)
    }

    /// Kills an agent, waits for the end, and checks that nothing is left.
    pub fn end_by_a_death(self) -> Failed {
        let children = self.children();
        kill_process(children[0], Signal::KILL).expect("it runs");
        self.ended(&children)
    }

    fn ended(mut self, children: &[Pid]) -> Failed {
        let ended = self.process.ended();
        assert_eq!(left_in(self.folder.path()), [""; 0], "{ended}");
        for child in children {
            assert!(!runs(*child), "{child:?} runs still: {ended}");
        }
        ended
    }
}

/// Nothing of this machine's configuration reaches the demo.
fn command(program: &Path, folder: &Path) -> Command {
    let tmp = folder.join("tmp");
    std::fs::create_dir_all(&tmp).expect("the folder takes a folder");
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", scripts::variable("PATH").unwrap_or_default())
        .env("HOME", folder)
        .env("TMPDIR", tmp)
        // A server that stays; the demo has nothing to do with it.
        .env("CORO_DATA_DIR", folder.join("nobody"))
        .env("CORO_DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
        .current_dir(folder);
    command
}

/// What stands in the folder for temporary files.
fn left_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join("tmp")).expect("it was made");
    let names = entries
        .filter_map(Result::ok)
        .map(|entry| entry.file_name());
    names
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

/// Whether a process is there and no zombie.
fn runs(pid: Pid) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero()));
    status.is_ok_and(|status| !status.contains("State:\tZ"))
}
