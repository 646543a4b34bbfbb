//! Where a client works: a home, a project and a `PATH` of its own.

use std::io::Read;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use coro_tests::program;
use tempfile::TempDir;

use crate::install::path;

/// How long a client may take. Generous: only a fault reaches it.
const CLIENT_PATIENCE: Duration = Duration::from_secs(180);

/// The files of one client; they end with this value.
#[derive(Debug)]
pub(crate) struct Workplace {
    folder: TempDir,
}

/// What a client said.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Workplace {
    pub(crate) fn new() -> Self {
        let folder = TempDir::with_prefix("coro-client-").expect("a folder for temporary files");
        for name in ["home", "project", "bin"] {
            std::fs::create_dir(folder.path().join(name)).expect("a new folder");
        }
        let place = Workplace { folder };
        std::os::unix::fs::symlink(program("coro-cli-testing"), place.bin().join("coro-cli"))
            .expect("a new link");
        place.write("home/.profile", &place.profile());
        place
    }

    /// For a home: a login shell sets the path anew before it reads this.
    pub(crate) fn profile(&self) -> String {
        format!("PATH={}\n", self.path())
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    fn bin(&self) -> PathBuf {
        self.folder.path().join("bin")
    }

    /// `coro-cli` comes first.
    fn path(&self) -> String {
        format!("{}:{}", self.bin().display(), path())
    }

    /// Writes a file of the workplace and says where it is.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("in a folder")).expect("a folder");
        std::fs::write(&path, text).expect("the folder takes a file");
        path
    }

    /// Runs a client to its end. Of this machine's settings it sees none but
    /// those of the command.
    pub(crate) fn run(&self, command: &mut Command) -> Output {
        let variables: Vec<_> = command
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect();
        let mut child = command
            .env_clear()
            .env("PATH", self.path())
            .env("HOME", self.home())
            .env("LANG", "C.UTF-8")
            .env("TMPDIR", self.folder.path())
            .envs(variables)
            .current_dir(self.project())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the client starts");
        let (done, said) = channel();
        let stdout = collect(child.stdout.take().expect("piped"), done.clone());
        let stderr = collect(child.stderr.take().expect("piped"), done);
        let in_time = (0..2).all(|_| said.recv_timeout(CLIENT_PATIENCE).is_ok());
        if !in_time {
            let group = rustix::process::Pid::from_child(&child);
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let status = child.wait().expect("the process is ours");
        let output = Output {
            code: status.code(),
            stdout: stdout.join().expect("the collector does not panic"),
            stderr: stderr.join().expect("the collector does not panic"),
        };
        assert!(in_time, "the client did not end: {output:?}");
        output
    }
}

impl Output {
    /// Fails the test where the client failed.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// The lines that are JSON.
    pub(crate) fn events(&self) -> Vec<serde_json::Value> {
        let lines = self.stdout.lines();
        lines
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }
}

fn collect(
    mut from: impl Read + Send + 'static,
    done: std::sync::mpsc::Sender<()>,
) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        let _ = done.send(());
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The folder of this test's own files in the repository.
pub(crate) fn own_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("clients")
        .join(name)
}
