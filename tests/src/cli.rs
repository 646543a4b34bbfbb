//! `coro-cli` as a whole process.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};

use crate::{Terminal, program, scripts};

/// How the command line is called.
#[derive(Clone, Debug)]
pub struct Cli {
    folder: PathBuf,
    variables: Vec<(String, String)>,
}

/// What it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Cli {
    /// In a folder that is also its home, so that nothing of this machine's
    /// configuration reaches it.
    pub fn new(folder: &Path) -> Self {
        Cli {
            folder: folder.to_owned(),
            variables: Vec::new(),
        }
    }

    pub fn url(self, url: &str) -> Self {
        self.variable("CORO_URL", url)
    }

    pub fn token(self, token: &str) -> Self {
        self.variable("CORO_TOKEN", token)
    }

    /// Finds the server in its data folder, as a user's own call does.
    pub fn data_dir(self, folder: &Path) -> Self {
        self.variable("CORO_DATA_DIR", &folder.display().to_string())
    }

    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What a variable was set to last.
    pub fn value(&self, name: &str) -> Option<String> {
        let mut variables = self.variables.iter().rev();
        let (_, value) = variables.find(|(set, _)| set == name)?;
        Some(value.clone())
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.run_with_input(args, b"")
    }

    /// As `run`, for a command that must succeed; gives its output.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.code, 0, "{args:?}: {}", output.stderr);
        output.stdout
    }

    pub fn run_with_input(&self, args: &[&str], input: &[u8]) -> Output {
        let mut child = self.spawn(args);
        let mut stdin = child.stdin.take().expect("piped");
        // A command that needs no input may have ended already.
        let _ = stdin.write_all(input);
        drop(stdin);
        output_of(&child.wait_with_output().expect("the command ends"))
    }

    /// Starts a command that goes on, such as `events subscribe`.
    pub fn stream(&self, args: &[&str]) -> Streaming {
        let mut child = self.spawn(args);
        let input = child.stdin.take();
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        let talk = BufReader::new(child.stderr.take().expect("piped"));
        Streaming {
            child,
            input,
            lines,
            talk,
        }
    }

    /// As `run`, with no terminal at all: that of whoever runs the tests is
    /// out of reach.
    pub fn run_without_terminal(&self, args: &[&str]) -> Output {
        let output = self
            .prepare(Command::new("setsid").arg("--wait").arg(cli_program()))
            .args(args)
            .stdin(Stdio::null())
            .output()
            .expect("setsid is there");
        output_of(&output)
    }

    /// Starts a command on a terminal of its own, as a person does.
    pub fn on_terminal(&self, args: &[&str]) -> Terminal {
        let mut command = Command::new("setsid");
        self.prepare(command.args(["--ctty", "--wait"]).arg(cli_program()))
            .args(args);
        Terminal::start(command)
    }

    fn spawn(&self, args: &[&str]) -> Child {
        self.prepare(&mut Command::new(cli_program()))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts")
    }

    /// In this folder, with these variables and no others.
    fn prepare<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env_clear()
            .env("PATH", scripts::variable("PATH").unwrap_or_default())
            .env("HOME", &self.folder)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.folder)
    }
}

fn cli_program() -> PathBuf {
    program("coro-cli-testing")
}

fn output_of(output: &std::process::Output) -> Output {
    Output {
        code: output.status.code().expect("no signal ended it"),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A command that goes on. Ends with this value.
#[derive(Debug)]
pub struct Streaming {
    child: Child,
    /// Until [`Streaming::end_input`].
    input: Option<ChildStdin>,
    lines: BufReader<ChildStdout>,
    talk: BufReader<ChildStderr>,
}

impl Streaming {
    /// The next line of its output, without the line's end.
    pub fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.lines
            .read_line(&mut line)
            .expect("the command writes text");
        line.trim_end().to_owned()
    }

    /// Waits until it says on standard error what contains `part`; the line.
    #[track_caller]
    pub fn says(&mut self, part: &str) -> String {
        let mut said = String::new();
        loop {
            let start = said.len();
            let count = self.talk.read_line(&mut said);
            assert!(count.expect("text") > 0, "no {part:?} in {said:?}");
            if said[start..].contains(part) {
                return said[start..].trim_end().to_owned();
            }
        }
    }

    /// A line for its input.
    pub fn write_line(&mut self, line: &str) {
        let input = self.input.as_mut().expect("the input is open");
        input
            .write_all(format!("{line}\n").as_bytes())
            .expect("the command reads");
    }

    pub fn end_input(&mut self) {
        self.input = None;
    }

    /// All that it still prints, once it has ended by itself.
    pub fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.lines
            .read_to_string(&mut rest)
            .expect("the command writes text");
        rest
    }

    /// Waits for its end by itself.
    pub fn wait(&mut self) -> i32 {
        self.child
            .wait()
            .expect("the process is ours")
            .code()
            .unwrap_or(-1)
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
