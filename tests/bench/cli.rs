//! The CLI as a whole process, beside `curl` and `redis-cli`.

use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::Scale;
use crate::coro::{Programs, Server};
use crate::load::{Value, micros, percentile};
use crate::machine::Ticks;
use crate::peers::start_redis;
use crate::report::{Report, Row, at_most, millis};

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
    report.add(row(
        "true, for what a process costs",
        vec![One::new("Coro", Command::new("true"))],
        scale.spawns,
    )?);
    Ok(())
}

/// A command that is run over and over.
struct One {
    name: &'static str,
    command: Command,
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
            taken: Vec::new(),
        }
    }

    fn run(&mut self) -> Result<()> {
        let begun = Instant::now();
        let output = self
            .command
            .output()
            .with_context(|| format!("{:?}", self.program()))?;
        self.taken.push(micros(begun.elapsed()));
        let talk = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
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
