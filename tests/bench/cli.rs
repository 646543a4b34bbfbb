//! The CLI as a whole process, beside `curl` and `redis-cli`, and as the hook of a
//! client.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use coro_api::agents::RegisteredAgent;
use coro_api::leases::Lease;
use coro_api::limits::LEASES_OF_AGENT_MAX;
use coro_tests::Client;
use serde_json::json;

use crate::Scale;
use crate::coro::{Programs, Server};
use crate::load::{Value, micros, percentile};
use crate::machine::Ticks;
use crate::peers::start_redis;
use crate::report::{Report, Row, at_most, millis};

/// The hook of a client, before an edit.
const HOOK: &str = "hook claude";

/// How many leases other agents hold in the second measurement of it.
const LEASES: usize = 300;

pub(crate) fn measure(programs: &Programs, scale: &Scale, report: &mut Report) -> Result<()> {
    let server = Server::start(programs)?;
    let mut value = Value::new();
    let value = String::from_utf8(value.next(0).to_vec())?;
    let url = format!("http://{}", server.address);
    let path = format!("{url}/api/state/bench/key");
    let authorization = format!("Authorization: Bearer {}", server.token);
    let home = server.process.folder.path().to_owned();
    let redis = start_redis();

    let ours = |words: &[&str]| {
        let mut command = Command::new(&programs.cli);
        command
            .args(words)
            .env("CORO_URL", &url)
            .env("CORO_TOKEN", &server.token);
        command
    };
    // As it finds the server by itself: the socket, the token from the file.
    let found = |words: &[&str]| {
        let mut command = Command::new(&programs.cli);
        command
            .args(words)
            .env("XDG_DATA_HOME", &home)
            .current_dir(&home);
        command.env_remove("CORO_URL").env_remove("CORO_TOKEN");
        command
    };
    let curl = |words: &[&str]| {
        let mut command = Command::new("curl");
        command
            .args(["-sSf", "-H", &authorization])
            .args(words)
            .arg(&path);
        command
    };

    let mut set = vec![
        One::new(
            "Coro",
            ours(&["state", "set", "bench/key", "--data", &value]),
        ),
        One::new(
            "found",
            found(&["state", "set", "bench/key", "--data", &value]),
        ),
        One::new("curl", curl(&["-X", "PUT", "--data-binary", &value])),
    ];
    let mut get = vec![
        One::new("Coro", ours(&["state", "get", "bench/key"])),
        One::new("found", found(&["state", "get", "bench/key"])),
        One::new("curl", curl(&[])),
    ];
    match &redis {
        Ok((_process, targets)) => {
            let port = targets[0].address.port().to_string();
            let redis = |words: &[&str]| {
                let mut command = Command::new("redis-cli");
                command.args(["-p", &port]).args(words);
                command
            };
            set.push(One::new("redis-cli", redis(&["SET", "key", &value])));
            get.push(One::new("redis-cli", redis(&["GET", "key"])));
        }
        Err(error) => eprintln!("bench: without Redis: {error:#}"),
    }
    report.add(row("state set", set, scale.spawns)?);
    let mut got = row("state get", get, scale.spawns)?;
    got.what.push_str(", promises on the mean");
    report.add(got);
    hooks(programs, &server, scale, report)?;
    report.add(row(
        "true, for what a process costs",
        vec![One::new("Coro", Command::new("true"))],
        scale.spawns,
    )?);
    Ok(())
}

/// The hook before an edit that nobody hinders: alone, and beside the leases of
/// others.
fn hooks(programs: &Programs, server: &Server, scale: &Scale, report: &mut Report) -> Result<()> {
    let url = format!("http://{}", server.address);
    let agent = |name: &str| -> Result<String> {
        let owner = Client::new(&url, Some(&server.token));
        let new = json!({ "name": name });
        let registered: RegisteredAgent = owner.post("/api/instances/register", new).ok();
        registered.token.context("the owner's token is no agent's")
    };
    let token = agent("frontend")?;
    let input = hook_input(server.process.folder.path())?;
    let hook = || {
        let mut command = Command::new(&programs.cli);
        command
            .args(["hook", "claude"])
            .env("CORO_URL", &url)
            .env("CORO_TOKEN", &token);
        vec![One::new("Coro", command).fed(&input)]
    };
    report.add(row(HOOK, hook(), scale.spawns)?);
    for first in (0..LEASES).step_by(LEASES_OF_AGENT_MAX) {
        let other = agent(&format!("other-{first}"))?;
        let other = Client::new(&url, Some(&other));
        for number in first..LEASES.min(first + LEASES_OF_AGENT_MAX) {
            let lease = json!({"pattern": format!("/module-{number}/**/*.rs")});
            let _: Lease = other.post("/api/leases", lease).ok();
        }
    }
    let mut beside = row(HOOK, hook(), scale.spawns)?;
    beside.what.push_str(&format!(", beside {LEASES} leases"));
    report.add(beside);
    Ok(())
}

/// What Claude Code says before an edit, in a file; the edit is in a repository.
fn hook_input(folder: &Path) -> Result<PathBuf> {
    let repository = folder.join("shop");
    for part in [".git", ".coro", "src"] {
        std::fs::create_dir_all(repository.join(part))?;
    }
    let edit =
        json!({"file_path": repository.join("src/cart.rs"), "old_string": "a", "new_string": "b"});
    let said = json!({
        "session_id": "5f0c", "cwd": repository, "permission_mode": "default",
        "hook_event_name": "PreToolUse", "tool_name": "Edit", "tool_input": edit,
    });
    let file = folder.join("hook.json");
    std::fs::write(&file, said.to_string())?;
    Ok(file)
}

/// A command that is run over and over.
struct One {
    name: &'static str,
    command: Command,
    /// What stands on its standard input, where not nothing.
    input: Option<PathBuf>,
    taken: Vec<u32>,
}

impl One {
    fn new(name: &'static str, mut command: Command) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        One {
            name,
            command,
            input: None,
            taken: Vec::new(),
        }
    }

    fn fed(mut self, input: &Path) -> Self {
        self.input = Some(input.to_owned());
        self
    }

    fn run(&mut self) -> Result<()> {
        if let Some(input) = &self.input {
            self.command.stdin(File::open(input)?);
        }
        let begun = Instant::now();
        let output = self
            .command
            .output()
            .with_context(|| format!("{:?}", self.program()))?;
        self.taken.push(micros(begun.elapsed()));
        let talk = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success() && talk.is_empty(),
            "{:?} ended with {}: {talk}",
            self.command,
            output.status
        );
        Ok(())
    }

    fn program(&self) -> &OsStr {
        self.command.get_program()
    }

    fn mean(&self) -> Duration {
        let sum: u64 = self.taken.iter().map(|&micros| u64::from(micros)).sum();
        Duration::from_micros(sum / self.taken.len().max(1) as u64)
    }

    fn cell(&self) -> String {
        let (p50, p95) = (percentile(&self.taken, 50), percentile(&self.taken, 95));
        format!("{} · {}/{}", millis(self.mean()), millis(p50), millis(p95))
    }
}

fn row(what: &str, mut commands: Vec<One>, spawns: usize) -> Result<Row> {
    // The first run of each reads the program from the disk.
    for one in &mut commands {
        one.run()?;
        one.taken.clear();
    }
    let before = Ticks::now();
    for _ in 0..spawns {
        for one in &mut commands {
            one.run()?;
        }
    }
    let foreign = before.foreign_since();
    for one in &mut commands {
        one.taken.sort_unstable();
    }
    let mean = |name: &str| {
        let one = commands.iter().find(|one| one.name == name)?;
        Some(one.mean().as_secs_f64())
    };
    let ours = mean("Coro").context("Coro was measured")?;
    let mut promises = Vec::new();
    if what == HOOK {
        promises.push(at_most("under 5 ms", ours, 0.005));
    }
    if what == "state get" {
        if let Some(curl) = mean("curl") {
            promises.push(at_most("at most 0.35 × curl", ours / curl, 0.35));
        }
        if let Some(redis) = mean("redis-cli") {
            promises.push(at_most("at most 0.5 × redis-cli", ours / redis, 0.5));
        }
    }
    let others = commands.iter().filter(|one| one.name != "Coro").map(|one| {
        let ratio = ours / one.mean().as_secs_f64();
        match one.name {
            "found" => format!("itself over the socket, nothing configured {}", one.cell()),
            name => format!("{name} {} (×{ratio:.2})", one.cell()),
        }
    });
    Ok(Row {
        what: format!("`{what}` as a whole process, mean · p50/p95 in ms"),
        coro: commands[0].cell(),
        peers: others.collect(),
        promises,
        foreign,
    })
}
