//! The parser: the tree of commands as `clap` wants it.
//!
//! Building every command takes as long as a call to the server. So a command
//! line is first parsed with a tree of those commands only whose names stand on
//! it. Where that fails, or help is asked for, the whole tree is built and
//! parses again, for a message that knows all. A name that is really the value
//! of an option does no harm: the small tree knows the same options, so that it
//! understands a line as the whole tree does, or not at all.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use crate::commands::{COMMANDS, Node};
use crate::durations::parse_duration;
use crate::error::{CliError, Result, usage};
use crate::session::Session;

/// Options that every command takes, anywhere on the line.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalOptions {
    /// The server: `http://HOST:PORT`, `https://HOST` or `unix:/PATH`
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// A file with the token; on the command line, every process would see it
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Print the answer of the API unchanged
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print JSON indented
    #[arg(long, global = true)]
    pub(crate) pretty: bool,
    /// Give up after this time, such as 5, 500ms or 2m, with exit code 8
    #[arg(long, global = true, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) timeout: Option<Duration>,
}

impl GlobalOptions {
    /// `--pretty` means JSON, only with more room.
    pub(crate) fn wants_json(&self) -> bool {
        self.json || self.pretty
    }
}

/// What a command line turned out to be.
pub(crate) enum Parsed {
    Command(GlobalOptions, Invocation),
    Help(String),
    Mistake(CliError),
}

/// A command with its options, ready to run.
pub(crate) struct Invocation {
    /// The words of the command, such as `state get`.
    pub(crate) name: String,
    matches: ArgMatches,
    run: fn(&ArgMatches, &mut Session<'_>) -> Result<()>,
}

impl Invocation {
    pub(crate) fn run(&self, session: &mut Session<'_>) -> Result<()> {
        (self.run)(&self.matches, session)
    }
}

/// Parses a command line without the program's name.
pub(crate) fn parse(arguments: Vec<OsString>) -> Parsed {
    let line = || std::iter::once(OsString::from("coro-cli")).chain(arguments.iter().cloned());
    if let Ok(matches) = tree(&Extent::NamedBy(&arguments)).try_get_matches_from(line())
        && let Some(parsed) = invocation(&matches)
    {
        return parsed;
    }
    match tree(&Extent::Whole(&arguments)).try_get_matches_from(line()) {
        Ok(matches) => {
            invocation(&matches).unwrap_or_else(|| Parsed::Mistake(usage("no command is named")))
        }
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Parsed::Help(error.to_string()),
            _ => Parsed::Mistake(mistake(&error)),
        },
    }
}

/// The whole tree of commands, for help, completions and man pages.
pub fn command() -> Command {
    tree(&Extent::Whole(&[]))
}

/// How much of the tree is built.
enum Extent<'a> {
    /// The commands whose names are among these words.
    NamedBy(&'a [OsString]),
    /// All, for a line of these words.
    Whole(&'a [OsString]),
}

impl Extent<'_> {
    fn contains(&self, node: &Node) -> bool {
        match self {
            Extent::NamedBy(words) => {
                words.iter().any(|word| word == node.name) || self.singular_of(node).is_some()
            }
            Extent::Whole(_) => true,
        }
    }

    /// A group of things is found by the name of one too: `task list`. Where
    /// nobody typed it, it is no name, so that none is proposed to anybody.
    fn singular_of(&self, node: &Node) -> Option<&'static str> {
        let (Extent::NamedBy(words) | Extent::Whole(words)) = self;
        let singular = node.name.strip_suffix('s').filter(|_| node.run.is_none())?;
        words
            .iter()
            .any(|word| word == singular)
            .then_some(singular)
    }
}

fn tree(extent: &Extent<'_>) -> Command {
    let root = Command::new("coro-cli")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true);
    let root = GlobalOptions::augment_args(root)
        .mut_args(take_any_time)
        .about("Coordinates AI coding agents: tasks, leases, messages, requests, state and events");
    grow(root, COMMANDS, extent)
}

fn grow(command: Command, nodes: &[Node], extent: &Extent<'_>) -> Command {
    let nodes = nodes.iter().filter(|node| extent.contains(node));
    nodes.fold(command, |command, node| {
        command.subcommand(branch(node, extent))
    })
}

fn branch(node: &Node, extent: &Extent<'_>) -> Command {
    let mut command = (node.augment)(Command::new(node.name)).mut_args(take_any_time);
    if let Some(about) = node.about {
        command = command.about(about);
    }
    if let Some(singular) = extent.singular_of(node) {
        command = command.alias(singular);
    }
    if node.children.is_empty() {
        return command;
    }
    command = match node.run {
        Some(_) => command.args_conflicts_with_subcommands(true),
        None => command.subcommand_required(true),
    };
    grow(command.disable_help_subcommand(true), node.children, extent)
}

/// A time may begin with a minus, so that it is told what is wrong with it; as
/// an option it would be an unknown one.
fn take_any_time(arg: Arg) -> Arg {
    let names = arg.get_value_names().unwrap_or_default();
    match names.first().is_some_and(|name| name == "TIME") {
        true => arg.allow_hyphen_values(true),
        false => arg,
    }
}

/// Follows the names that were matched down to the command. `None` where they
/// end at a group.
fn invocation(matches: &ArgMatches) -> Option<Parsed> {
    let mut nodes = COMMANDS;
    let mut run = None;
    let mut words = Vec::new();
    let mut matches = matches;
    while let Some((name, below)) = matches.subcommand() {
        let node = nodes.iter().find(|node| node.name == name)?;
        (nodes, run, matches) = (node.children, node.run, below);
        words.push(node.name);
    }
    // The options are taken from the last level, to which clap passes them on.
    let options = match GlobalOptions::from_arg_matches(matches) {
        Ok(options) => options,
        Err(error) => return Some(Parsed::Mistake(mistake(&error))),
    };
    let invocation = Invocation {
        name: words.join(" "),
        matches: matches.clone(),
        run: run?,
    };
    Some(Parsed::Command(options, invocation))
}

/// Clap's message in one line: what is wrong, then the usage as the hint.
pub(crate) fn mistake(error: &clap::Error) -> CliError {
    let text = error.to_string();
    let (message, rest) = text.split_once("Usage:").unwrap_or((&text, ""));
    let usage_line = rest.lines().next().unwrap_or_default().trim();
    let message = message.strip_prefix("error:").unwrap_or(message);
    let words: Vec<&str> = message.split_whitespace().collect();
    let message = words
        .join(" ")
        .replace(" tip:", ";")
        .replace("For more information, try '--help'.", "");
    let hint = match error.kind() {
        _ if usage_line.is_empty() => "try coro-cli --help".to_owned(),
        ErrorKind::InvalidSubcommand => {
            let words = usage_line.split(' ');
            let names = words.take_while(|word| !word.starts_with(['[', '<']));
            format!("see {} --help", names.collect::<Vec<_>>().join(" "))
        }
        _ => format!("usage: {usage_line}"),
    };
    usage(message.trim()).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_holds_together() {
        command().debug_assert();
    }

    #[test]
    fn every_command_has_a_help_text() {
        fn check(command: &Command) {
            assert!(
                command.get_about().is_some(),
                "{} has no help text",
                command.get_name()
            );
            command.get_subcommands().for_each(check);
        }
        check(&command());
    }

    #[test]
    fn global_options_stand_anywhere() {
        for line in [
            "--pretty state get k",
            "state --pretty get k",
            "state get --pretty k",
            "state get k --pretty",
        ] {
            let Parsed::Command(options, _) = parse_line(line) else {
                panic!("{line} was not understood");
            };
            assert!(options.pretty && options.wants_json(), "{line}");
        }
    }

    #[test]
    fn a_group_is_found_by_the_name_of_one_thing() {
        for (line, name) in [
            ("task list", "tasks list"),
            ("lease list", "leases list"),
            ("message get M-1", "messages get"),
            ("instance get self", "instances get"),
        ] {
            let Parsed::Command(_, invocation) = parse_line(line) else {
                panic!("{line} was not understood");
            };
            assert_eq!(invocation.name, name);
        }
    }

    #[test]
    fn help_is_no_mistake() {
        for (line, part) in [
            ("--help", "events"),
            ("state -h", "rollback"),
            ("help state set", "--if-version"),
            ("-V", "coro-cli 0"),
        ] {
            let Parsed::Help(text) = parse_line(line) else {
                panic!("{line} gave no help");
            };
            assert!(text.contains(part), "{line}: {text}");
        }
    }

    #[test]
    fn a_mistake_is_one_line_with_the_usage() {
        let table = [
            ("", "requires a subcommand"),
            ("state", "requires a subcommand"),
            (
                "stat",
                "subcommand 'stat'; some similar subcommands exist: '",
            ),
            ("stat", "see coro-cli --help"),
            ("task frob", "subcommand 'frob'"),
            ("tasks done", "see coro-cli tasks --help"),
            ("state get", "<KEY>"),
            ("state get k --frob", "unexpected argument '--frob'"),
            ("state set k --data 1 --file x", "cannot be used with"),
            ("state set k", "<--data <DATA>|--file <FILE>|VALUE>"),
            ("state set k 1 --data 2", "cannot be used with"),
            ("state set k --frob", "unexpected argument '--frob'"),
            ("state rollback k --version x", "invalid value 'x'"),
            ("state get k --timeout 5y", "is no duration"),
            ("state get k --timeout -5", "is no duration"),
            ("next --wait -5m", "is no duration"),
            ("audit --actor x verify", "cannot be used with"),
        ];
        for (line, part) in table {
            let Parsed::Mistake(error) = parse_line(line) else {
                panic!("{line} was taken");
            };
            let message = error.to_string();
            let hints = ["(usage: coro-cli", "(try coro-cli", "(see coro-cli"];
            let has_hint = hints.iter().any(|hint| message.contains(hint));
            assert!(message.contains(part) && has_hint, "{line}: {message}");
            assert_eq!(message.lines().count(), 1, "{message}");
        }
    }

    fn parse_line(line: &str) -> Parsed {
        parse(line.split_whitespace().map(OsString::from).collect())
    }
}
