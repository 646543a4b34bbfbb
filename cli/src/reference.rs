//! The reference of all commands, as Markdown, from their help texts.

use std::fmt::Write;

use clap::{Arg, Command};

use crate::arguments::command;

const INTRODUCTION: &str = "\
# coro-cli

Generated from the help texts of the commands.

Data goes to standard output, talk to standard error. A value is printed as it is stored, a write
prints the new version, a list prints a line for each item with tabs between its fields. `--json`
prints the answer of the API unchanged, `--pretty` indents it. `-` stands for an empty field. A bare `--` ends the options.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | failed |
| 2 | the command line or a settings file is wrong |
| 3 | not found |
| 4 | conflict: something else is there than the call expects |
| 5 | refused: the token is missing, unknown or not enough |
| 6 | invalid, or too large |
| 7 | no server can be reached |
| 8 | timed out |

Which server is called is decided by the first of: `--url`, `CORO_URL`, `.coro/local/cli.json` and
`.coro/cli.json` found upward from the working directory, `coro/cli.json` in the user's folder of
configuration, and the data folder of the local server (`CORO_DATA_DIR`, `CORO_SOCKET`). The token
comes the same way (`--token-file`, `CORO_TOKEN`, the files, the data folder). A server that only a
project's file names, other than the local one, has neither the token of `--token-file`, of the
environment, of `.coro/local/cli.json` or of the user's file nor a passphrase, until
`coro-cli config trust URL` says that it may. The owner's token of the data folder is used only where no other was found, and never with `CORO_AGENT` set.
`CORO_TOKEN`, `CORO_URL` and `CORO_DATA_DIR` that are set but empty are an error; an empty
`CORO_AGENT` counts as set; other empty variables count as none. `SSL_CERT_FILE` names certificates to trust in place of the usual authorities.

A command that waits (`--wait`, `events wait`) outlives a restart of the server: while there is time, it asks again.
";

/// Every command with its usage, arguments and options.
pub fn reference_markdown() -> String {
    let mut root = command();
    root.build();
    let mut text = INTRODUCTION.to_owned();
    write_arguments(
        &mut text,
        "\n## Global options\n",
        root.get_arguments().filter(|arg| arg.is_global_set()),
    );
    for child in children(&root) {
        write_command(&mut text, child, 2);
    }
    text
}

fn write_command(text: &mut String, command: &Command, depth: usize) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let about = command
        .get_long_about()
        .or_else(|| command.get_about())
        .map(ToString::to_string);
    // Writing to a string can't fail.
    let _ = write!(
        text,
        "\n{} {name}\n\n{}.\n",
        "#".repeat(depth),
        about.unwrap_or_default().trim_end_matches('.')
    );
    if !command.is_subcommand_required_set() {
        let usage = command.clone().render_usage().to_string();
        let _ = write!(
            text,
            "\n```text\n{}\n```\n",
            usage.strip_prefix("Usage: ").unwrap_or(&usage)
        );
        let is_own = |arg: &&Arg| !arg.is_global_set() && arg.get_id() != "help";
        write_arguments(text, "", command.get_arguments().filter(is_own));
    }
    for child in children(command) {
        write_command(text, child, depth + 1);
    }
}

fn write_arguments<'a>(text: &mut String, title: &str, arguments: impl Iterator<Item = &'a Arg>) {
    text.push_str(title);
    let mut separator = "\n";
    for argument in arguments {
        let values: Vec<_> = argument
            .get_possible_values()
            .iter()
            .map(|value| value.get_name().to_owned())
            .collect();
        let defaults: Vec<_> = argument
            .get_default_values()
            .iter()
            .map(|value| value.to_string_lossy())
            .collect();
        let mut help = argument
            .get_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        if argument
            .get_num_args()
            .is_some_and(|count| count.takes_values())
            && !values.is_empty()
            && values != ["-"]
        {
            let _ = write!(help, " ({})", values.join(", "));
        }
        if argument
            .get_num_args()
            .is_some_and(|count| count.takes_values())
            && !defaults.is_empty()
        {
            let _ = write!(help, " [default: {}]", defaults.join(" "));
        }
        let line = format!("- `{argument}` {help}");
        let _ = writeln!(text, "{separator}{}", line.trim_end());
        separator = "";
    }
}

fn children(command: &Command) -> impl Iterator<Item = &Command> {
    command
        .get_subcommands()
        .filter(|child| child.get_name() != "help")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_names_every_command_and_option() {
        let text = reference_markdown();
        for part in [
            "### coro-cli state set",
            "`--if-version <N>`",
            "- `<KEY>`",
            "## coro-cli txn",
            "`--timeout <TIME>`",
        ] {
            assert!(text.contains(part), "{part} is missing:\n{text}");
        }
        assert!(!text.contains("coro-cli help"), "{text}");
    }
}
