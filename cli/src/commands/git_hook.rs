//! What a hook of git asks before a commit or a push.

use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::Args;
use coro_api::leases::{CheckedPaths, LeaseMode, ways_to_edit};

use crate::commands::leases::{hindered, hindered_row, hint_of_projects};
use crate::commands::{Node, Run, leaf};
use crate::error::{CliError, Result, failed, refused};
use crate::http::Patience;
use crate::session::Session;

pub(crate) static COMMANDS: &[Node] =
    &[leaf::<PreCommit>("pre-commit"), leaf::<PrePush>("pre-push")];

/// How long a commit may be held up by a server that does not answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most that git may list, and that it may say on standard input.
const OUTPUT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The id that git writes for no commit, of whichever length.
fn is_none(id: &str) -> bool {
    id.bytes().all(|byte| byte == b'0')
}

/// Refuse a commit of files that others have leased
///
/// In .git/hooks/pre-commit: exec coro-cli git-hook pre-commit. A line for each
/// file that is in the way; exit code 5 where one is not to be committed. Where
/// no server answers the commit goes on, with a warning.
#[derive(Args)]
pub(crate) struct PreCommit {
    #[command(flatten)]
    how: How,
}

/// Refuse a push of files that others have leased
///
/// In .git/hooks/pre-push: exec coro-cli git-hook pre-push "$@". Looks at every
/// commit that is pushed; else as pre-commit.
#[derive(Args)]
pub(crate) struct PrePush {
    /// The remote's name, which git gives
    remote: Option<String>,
    /// The remote's address, which git gives
    address: Option<String>,
    #[command(flatten)]
    how: How,
}

#[derive(Args)]
struct How {
    /// Refuse also where the server can't be asked
    #[arg(long)]
    fail_closed: bool,
    /// The project; by default `CORO_PROJECT`, else the token's or the agent's, else all
    #[arg(long)]
    project: Option<String>,
}

impl Run for PreCommit {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let folder = session.machine()?.environment.working_directory.clone();
        let paths = listed(git(
            &folder,
            [
                "diff",
                "--cached",
                "--name-only",
                "-z",
                "--no-renames",
                "--no-relative",
            ],
        )?);
        self.how.judge(session, "commit", &paths)
    }
}

impl Run for PrePush {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let machine = session.machine()?;
        let folder = machine.environment.working_directory.clone();
        let mut input = String::new();
        let read = machine
            .stdin
            .take(OUTPUT_BYTES_MAX)
            .read_to_string(&mut input);
        read.map_err(|error| failed(format!("can't read what git pushes: {error}")))?;
        let mut paths = Vec::new();
        for line in input.lines() {
            let fields: Vec<&str> = line.split(' ').collect();
            if let [_, local, _, remote] = fields[..]
                && !is_none(local)
            {
                paths.extend(pushed(&folder, local, remote)?);
            }
        }
        paths.sort_unstable();
        paths.dedup();
        self.how.judge(session, "push", &paths)
    }
}

impl How {
    /// Says which paths are in the way, and whether git may go on.
    fn judge(self, session: &mut Session<'_>, doing: &str, paths: &[String]) -> Result<()> {
        let project = self.project.or(session.environment_project());
        let patience = Some(Patience::whole(PATIENCE));
        let checked = match hindered(session, project.as_deref(), paths, patience) {
            Ok(checked) => checked,
            Err(error) if self.fail_closed => return Err(error),
            Err(error) => {
                session.talk(&format!(
                    "leases were not checked, the {doing} goes on: {error}"
                ));
                return Ok(());
            }
        };
        for one in &checked.hindered {
            session.line(&hindered_row(one))?;
        }
        verdict_on(&checked, doing)
    }
}

fn verdict_on(checked: &CheckedPaths, doing: &str) -> Result<()> {
    let Some(worst) = checked.hindered.first() else {
        return Ok(());
    };
    let of_worst = checked.hindered.iter().filter(|one| one.mode == worst.mode);
    let ways = ways_to_edit(&of_worst.collect::<Vec<_>>());
    let projects = hint_of_projects(checked);
    match worst.mode {
        LeaseMode::Warn => Ok(()),
        LeaseMode::Confirm => Err(
            refused(format!("the {doing} has files that need a word")).hint(format!(
                "{ways}; a human who agrees may {doing} with --no-verify{projects}"
            )),
        ),
        LeaseMode::Block => Err(refused(format!("the {doing} has files of others"))
            .hint(format!("leave them out; or {ways}{projects}"))),
    }
}

/// What the commits change that the remote does not have.
fn pushed(folder: &Path, local: &str, remote: &str) -> Result<Vec<String>> {
    let log = [
        "log",
        "--format=",
        "--name-only",
        "-z",
        "--no-renames",
        "--no-relative",
        // What a merge itself changes; what it brings has commits of its own.
        "--diff-merges=combined",
    ];
    let range = format!("{remote}..{local}");
    let known = !is_none(remote) && git(folder, ["cat-file", "-e", remote]).is_ok();
    let arguments: Vec<&str> = match known {
        true => log.into_iter().chain([range.as_str()]).collect(),
        false => log
            .into_iter()
            .chain([local, "--not", "--remotes"])
            .collect(),
    };
    Ok(listed(git(folder, arguments)?))
}

/// Names that end with NUL.
fn listed(output: Vec<u8>) -> Vec<String> {
    let names = output
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty());
    names
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect()
}

/// Runs git in the repository, and gives what it prints.
fn git<A: AsRef<OsStr>>(folder: &Path, arguments: impl IntoIterator<Item = A>) -> Result<Vec<u8>> {
    let cannot = |error: std::io::Error| failed(format!("can't run git: {error}"));
    let mut child = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(cannot)?;
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        let read = stdout.take(OUTPUT_BYTES_MAX).read_to_end(&mut output);
        read.map_err(cannot)?;
    }
    let status = child.wait().map_err(cannot)?;
    if status.success() {
        return Ok(output);
    }
    Err(git_failed())
}

fn git_failed() -> CliError {
    failed("git does not tell what changes").hint("call this in a repository, from a hook of git")
}
