//! The commands that the documents tell a newcomer to type, and what they
//! print.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use coro_tests::{Engine, Server, program, repository, variable};

use crate::token_cost::steady;

/// A document's `console` blocks: lines that begin with `$ ` and what each
/// prints.
pub(crate) fn commands_of(document: &str) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    let mut inside = false;
    for line in document.lines() {
        match (inside, line) {
            (_, "```console") => inside = true,
            (_, "```") => inside = false,
            (true, line) => match (line.strip_prefix("$ "), commands.last_mut()) {
                (Some(command), _) => commands.push((command.to_owned(), Vec::new())),
                (None, Some((_, output))) => output.push(line.to_owned()),
                (None, None) => panic!("output before a command: {line}"),
            },
            (false, _) => {}
        }
    }
    commands
}

/// `…` stands for what differs from run to run.
fn fits(written: &str, printed: &str) -> bool {
    let mut pieces = written.split('…');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = printed.strip_prefix(first) else {
        return false;
    };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else {
        return rest.is_empty();
    };
    for piece in middle {
        let Some((_, after)) = rest.split_once(piece) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last)
}

/// A shell as a newcomer has it beside a server.
pub(crate) struct Shell {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

/// What the shell prints after each command.
const END: &str = "-- end of the output --";

impl Shell {
    pub(crate) fn beside(server: &Server) -> Self {
        let programs = server.options().scratch().join("programs");
        std::fs::create_dir_all(&programs).expect("a folder");
        let cli = programs.join("coro-cli");
        std::os::unix::fs::symlink(program("coro-cli-testing"), cli).expect("a link");
        let path = format!(
            "{}:{}",
            programs.display(),
            variable("PATH").unwrap_or_default()
        );
        let mut child = Command::new("sh")
            .env_clear()
            .env("PATH", path)
            .env("HOME", server.options().scratch())
            .env("CORO_DATA_DIR", server.data_dir())
            .current_dir(server.options().scratch())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell starts");
        let stdin = child.stdin.take().expect("piped");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        Shell {
            child,
            stdin,
            stdout,
        }
    }

    /// Runs a command in the shell itself, so that it may set variables.
    pub(crate) fn run(&mut self, command: &str) -> Vec<String> {
        let line = format!("exec 2>&1; {command}\nprintf '\\n%s\\n' '{END}'\n");
        self.stdin
            .write_all(line.as_bytes())
            .expect("the shell reads");
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            assert!(
                self.stdout.read_line(&mut line).expect("text") > 0,
                "the shell ended"
            );
            if line.trim_end() == END {
                break;
            }
            lines.push(line.trim_end_matches('\n').to_owned());
        }
        // The line's end before the mark, where the output had one itself.
        if lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn getting_started_prints_what_it_says() {
    prints_what_it_says("docs/getting-started.md");
}

#[test]
fn the_page_of_agents_prints_what_it_says() {
    prints_what_it_says("docs/agents.md");
}

#[test]
fn the_page_of_hooks_prints_what_it_says() {
    prints_what_it_says("docs/hooks.md");
}

#[test]
fn the_page_of_tasks_prints_what_it_says() {
    prints_what_it_says("docs/tasks.md");
}

#[test]
fn the_page_of_leases_prints_what_it_says() {
    prints_what_it_says("docs/leases.md");
}

#[test]
fn the_page_of_messages_prints_what_it_says() {
    prints_what_it_says("docs/messages.md");
}

#[test]
fn the_page_of_requests_prints_what_it_says() {
    prints_what_it_says("docs/requests.md");
}

#[test]
fn the_page_of_the_workflow_prints_what_it_says() {
    prints_what_it_says("docs/multi-agent-workflow.md");
}

/// Types a document's commands, one after the other, beside a new server.
fn prints_what_it_says(path: &str) {
    let server = Server::start(Engine::Sqlite);
    print_what_they_say(&mut Shell::beside(&server), commands_in(path));
}

fn commands_in(path: &str) -> Vec<(String, Vec<String>)> {
    let document = std::fs::read_to_string(repository().join(path)).expect("the document");
    commands_of(&document)
}

/// The README sends its reader on to Getting started: in the same shell, on the
/// same server.
///
/// Its programs are those that were built, its times and host those of
/// somebody's machine.
#[test]
fn the_readme_and_then_getting_started_print_what_they_say() {
    let document = std::fs::read_to_string(repository().join("README.md")).expect("the document");
    let mut commands = commands_of(&steady(&document.replace("target/release/", "")));
    commands.retain(|(command, _)| command.contains("coro-cli "));
    let server = Server::start(Engine::Sqlite);
    let mut shell = Shell::beside(&server);
    print_what_they_say(&mut shell, commands);
    print_what_they_say(&mut shell, commands_in("docs/getting-started.md"));
}

fn print_what_they_say(shell: &mut Shell, commands: Vec<(String, Vec<String>)>) {
    assert!(commands.len() > 4, "{commands:?}");
    for (command, written) in commands {
        let printed = shell.run(&command);
        let same = written.len() == printed.len()
            && written.iter().zip(&printed).all(|(written, printed)| {
                fits(written, printed) || fits(written, &steady(printed))
            });
        assert!(
            same,
            "$ {command}\nis written to print {written:#?}\nand prints {printed:#?}"
        );
    }
}

/// A block that another document has must be a command that exists.
#[test]
fn every_command_of_the_documents_exists() {
    let cli = coro_tests::Cli::new(std::env::temp_dir().as_path());
    let known = cli.ok(&["help"]);
    let entries = std::fs::read_dir(repository().join("docs")).expect("the docs");
    let documents = entries.flatten().filter(|entry| entry.path().is_file());
    for entry in documents {
        let text = std::fs::read_to_string(entry.path()).expect("text");
        for (command, _) in commands_of(&text) {
            let Some((_, rest)) = command.split_once("coro-cli ") else {
                continue;
            };
            let word = rest.split_whitespace().find(|word| !word.starts_with('-'));
            let word = word.unwrap_or_default().trim_end_matches(')');
            assert!(
                known.contains(word),
                "{}: {command}",
                entry.path().display()
            );
        }
    }
}
