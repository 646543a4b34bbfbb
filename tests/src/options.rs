//! How a server is started, and how it fails to.

use std::collections::VecDeque;
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use tempfile::TempDir;

use crate::{Database, Engine, PATIENCE, Server, free_port, program, scripts};

/// The beginning of the first line of a server that listens.
const READY: &str = "coro-server listens on ";

/// How many ports that were free a moment ago are tried.
const PORTS_TRIED_MAX: usize = 10;

/// A server that is about to be started. Shares folder and database with the
/// servers that are started from it again.
#[derive(Clone, Debug)]
pub struct Options {
    engine: Engine,
    folder: Arc<TempDir>,
    database: Arc<Database>,
    args: Vec<String>,
    variables: Vec<(String, String)>,
    /// Whether `--bind 127.0.0.1:0` is left out.
    own_bind: bool,
    /// Whether `--dashboard-bind off` is.
    own_dashboard: bool,
    /// What `ulimit` is told before the start.
    ulimit: Option<String>,
    /// The owner's token, where it is not in the data folder.
    pub(crate) owner: Option<String>,
}

impl Options {
    pub fn new(engine: Engine) -> Self {
        let folder = TempDir::with_prefix("coro-test-").expect("a folder for temporary files");
        let database = Arc::new(Database::fresh(engine, &folder.path().join("data")));
        Options {
            engine,
            folder: Arc::new(folder),
            database,
            args: Vec::new(),
            variables: Vec::new(),
            own_bind: false,
            own_dashboard: false,
            ulimit: None,
            owner: None,
        }
    }

    /// Another server on the same database with a data folder of its own.
    pub fn beside(&self) -> Self {
        let folder = TempDir::with_prefix("coro-test-").expect("a folder for temporary files");
        Options {
            folder: Arc::new(folder),
            ..self.clone()
        }
    }

    /// As [`Options::beside`], where nobody put the owner's token.
    pub(crate) fn replica(&self, owner: &str) -> Self {
        Options {
            owner: Some(owner.to_owned()),
            ..self.beside()
        }
    }

    pub fn arg(mut self, arg: &str) -> Self {
        self.own_bind |= arg == "--bind";
        self.own_dashboard |= arg == "--dashboard-bind";
        self.args.push(arg.to_owned());
        self
    }

    /// Says where to listen elsewhere than on the command line.
    pub fn without_bind(mut self) -> Self {
        self.own_bind = true;
        self
    }

    /// With a dashboard, on a free port; other servers have none.
    pub fn with_dashboard(self) -> Self {
        self.arg("--dashboard-bind").arg("127.0.0.1:0")
    }

    /// Starts with a dashboard whose address stays the same after a restart, and
    /// gives the address.
    pub fn start_with_fixed_dashboard(self) -> (Server, String) {
        let (server, port) = self.start_with_dashboard_at(|options, _| options);
        (server, format!("127.0.0.1:{port}"))
    }

    /// Starts with a dashboard that browsers call `localhost`, so that passkeys
    /// work.
    pub fn start_with_named_dashboard(self) -> Server {
        let named = |options: Options, port| {
            let url = format!("http://localhost:{port}");
            options.arg("--dashboard-url").arg(&url)
        };
        self.start_with_dashboard_at(named).0
    }

    fn start_with_dashboard_at(self, with: impl Fn(Options, u16) -> Options) -> (Server, u16) {
        for _ in 0..PORTS_TRIED_MAX {
            let port = free_port();
            let bind = format!("127.0.0.1:{port}");
            let options = with(self.clone().arg("--dashboard-bind").arg(&bind), port);
            match options.try_start() {
                Ok(server) => return (server, port),
                // Another test was faster.
                Err(failed) if failed.stderr.contains("Address already in use") => {}
                Err(failed) => panic!("the server did not start: {failed}"),
            }
        }
        panic!("{PORTS_TRIED_MAX} ports were free and then were not");
    }

    /// Speaks TLS, with the certificate that [`crate::Client`] trusts.
    pub fn with_tls(self) -> Self {
        let file = |name| crate::tls_file(name).display().to_string();
        let with_cert = self.arg("--tls-cert").arg(&file("cert.pem"));
        with_cert.arg("--tls-key").arg(&file("key.pem"))
    }

    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it within a limit of the shell, such as `-n 256`.
    pub fn ulimit(mut self, limit: &str) -> Self {
        self.ulimit = Some(limit.to_owned());
        self
    }

    /// Writes a configuration file and names it.
    pub fn config(self, toml: &str) -> Self {
        let path = self.folder.path().join("config.toml");
        std::fs::write(&path, toml).expect("the folder takes a file");
        self.arg("--config").arg(&path.display().to_string())
    }

    pub fn engine(&self) -> Engine {
        self.engine
    }

    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The server's data folder; it makes it itself.
    pub fn data_dir(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    /// A folder for files of the test, which ends with it.
    pub fn scratch(&self) -> &Path {
        self.folder.path()
    }

    /// Starts the server and waits until it listens.
    pub fn start(self) -> Server {
        match self.try_start() {
            Ok(server) => server,
            Err(failed) => panic!("the server did not start: {failed}"),
        }
    }

    /// Starts a server that may refuse to.
    pub fn try_start(self) -> Result<Server, Failed> {
        let process = self.spawn()?;
        Ok(Server::new(self, process))
    }

    /// Starts a server that must refuse to.
    pub fn fail(self) -> Failed {
        match self.try_start() {
            Ok(_) => panic!("the server started"),
            Err(failed) => failed,
        }
    }

    /// A command of the server's program, such as `tenant add`, on the same
    /// database.
    pub fn command(&self, args: &[&str]) -> Failed {
        output_of(self.program().args(args).args(self.store_args()))
    }

    /// A command of the server's program that has nothing to do with a
    /// database, such as `openapi`.
    pub fn bare_command(&self, args: &[&str]) -> Failed {
        output_of(self.program().args(args))
    }

    pub(crate) fn spawn(&self) -> Result<Process, Failed> {
        let mut command = self.program();
        if !self.own_bind {
            command.args(["--bind", "127.0.0.1:0"]);
        }
        if !self.own_dashboard {
            command.args(["--dashboard-bind", "off"]);
        }
        command.args(self.store_args()).args(&self.args);
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server's program starts");
        Process::wait_until_ready(child)
    }

    fn store_args(&self) -> Vec<String> {
        let mut args = Vec::new();
        if !self.args.iter().any(|arg| arg == "--data-dir") {
            args.extend([
                "--data-dir".to_owned(),
                self.data_dir().display().to_string(),
            ]);
        }
        if let Some(url) = self.database.url() {
            args.extend(["--database-url".to_owned(), url]);
        }
        args
    }

    /// Nothing of this machine's configuration reaches the server.
    fn program(&self) -> Command {
        let program = program("coro-server-testing");
        let mut command = match &self.ulimit {
            None => Command::new(program),
            Some(limit) => {
                let mut shell = Command::new("/bin/sh");
                let line = format!("ulimit {limit} && exec \"$0\" \"$@\"");
                shell.args(["-c", &line]).arg(program);
                shell
            }
        };
        command
            .env_clear()
            .env("PATH", scripts::variable("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path());
        command
    }
}

fn output_of(command: &mut Command) -> Failed {
    let output = command.output().expect("the server's program runs");
    Failed {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// What a program that ended said.
#[derive(Clone, Debug)]
pub struct Failed {
    /// The exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "exit code {:?}\n{}{}",
            self.code, self.stdout, self.stderr
        )
    }
}

/// A server's process. Ends with this value.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    stderr: Arc<Mutex<Vec<u8>>>,
    /// Collects it; ends with the output.
    collector: Option<JoinHandle<()>>,
    /// What it printed once it listened.
    pub(crate) stdout: VecDeque<String>,
    pub(crate) url: String,
}

impl Process {
    pub(crate) fn wait_until_ready(mut child: Child) -> Result<Process, Failed> {
        let lines = lines_of(child.stdout.take().expect("piped"));
        let (stderr, collector) = collect(child.stderr.take().expect("piped"));
        let mut process = Process {
            child,
            lines,
            stderr,
            collector: Some(collector),
            stdout: VecDeque::new(),
            url: String::new(),
        };
        match process.lines.recv_timeout(PATIENCE) {
            Ok(line) if line.starts_with(READY) => {
                let rest = &line[READY.len()..];
                process.url = rest.split_whitespace().next().unwrap_or(rest).to_owned();
                process.stdout.push_back(line);
                Ok(process)
            }
            Ok(line) => panic!("the server's first line is {line:?}"),
            Err(RecvTimeoutError::Disconnected) => Err(process.ended()),
            Err(RecvTimeoutError::Timeout) => panic!("no word: {}", process.stderr()),
        }
    }

    pub(crate) fn id(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr.lock().expect("no panic while held")).into_owned()
    }

    /// Sends a signal, unless the process has ended.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let _ = rustix::process::kill_process(self.id(), signal);
    }

    /// Waits for the end. Its output ends when the process does, which can be
    /// waited for with a limit.
    pub(crate) fn ended(&mut self) -> Failed {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self
                .lines
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(line) => self.stdout.push_back(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("the server did not end:\n{}", self.stderr());
                }
            }
        }
        let status = self.child.wait().expect("the process is ours");
        if let Some(collector) = self.collector.take() {
            collector.join().expect("the collector does not panic");
        }
        let stdout = self.stdout.iter().map(|line| format!("{line}\n")).collect();
        Failed {
            code: status.code(),
            stdout,
            stderr: self.stderr(),
        }
    }

    /// The next line of its output, as it comes.
    pub(crate) fn next_line(&mut self) -> Option<String> {
        let line = self.lines.recv_timeout(PATIENCE).ok()?;
        self.stdout.push_back(line.clone());
        Some(line)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the server's log ---\n{}", self.stderr());
        }
    }
}

/// Lines as they come; the channel ends with the output.
fn lines_of(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

fn collect(mut from: impl Read + Send + 'static) -> (Arc<Mutex<Vec<u8>>>, JoinHandle<()>) {
    let all = Arc::new(Mutex::new(Vec::new()));
    let into = all.clone();
    let collector = std::thread::spawn(move || {
        let mut chunk = [0; 8192];
        while let Ok(length @ 1..) = from.read(&mut chunk) {
            into.lock()
                .expect("no panic while held")
                .extend_from_slice(&chunk[..length]);
        }
    });
    (all, collector)
}
