//! The server itself: cold start, idle memory, and PostgreSQL that is 1 ms
//! away.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;

use crate::cluster::Cluster;
use crate::coro::{Programs, Server, cold_start};
use crate::delay;
use crate::load::{self, Operation, micros, percentile};
use crate::machine::Ticks;
use crate::peers::{Peers, Target};
use crate::process::folder;
use crate::report::{Report, Row, at_least, at_most, median_by, millis};
use crate::state::cell;
use crate::{Options, Scale};

/// What is added to each round trip to PostgreSQL.
const ROUND_TRIP: Duration = Duration::from_millis(1);

/// How long a server has nothing to do before its memory is looked at.
const IDLE: Duration = Duration::from_secs(2);

pub(crate) fn measure(
    programs: &Programs,
    options: &Options,
    scale: &Scale,
    report: &mut Report,
) -> Result<()> {
    report.add(first_starts(programs, scale)?);
    report.add(later_starts(programs, scale)?);
    report.add(idle(programs, options)?);
    match Cluster::start() {
        Ok(cluster) => postgres(programs, &cluster, scale, report)?,
        Err(error) => eprintln!("bench: without PostgreSQL: {error}"),
    }
    Ok(())
}

fn first_starts(programs: &Programs, scale: &Scale) -> Result<Row> {
    let before = Ticks::now();
    let mut taken = Vec::new();
    for _ in 0..scale.starts {
        let (time, _server) = cold_start(programs, folder()?)?;
        taken.push(micros(time));
    }
    Ok(start_row(
        "cold start to the first answer, new folder",
        taken,
        before,
    ))
}

fn later_starts(programs: &Programs, scale: &Scale) -> Result<Row> {
    let server = Server::start(programs)?;
    load::fill(&Target::coro(&server))?;
    let mut folder = server.stop()?;
    let before = Ticks::now();
    let mut taken = Vec::new();
    for _ in 0..scale.starts {
        let (time, server) = cold_start(programs, folder)?;
        taken.push(micros(time));
        folder = server.stop()?;
    }
    Ok(start_row(
        "cold start to the first answer, 10,000 keys",
        taken,
        before,
    ))
}

fn start_row(what: &str, mut taken: Vec<u32>, before: Ticks) -> Row {
    taken.sort_unstable();
    let (p50, worst) = (percentile(&taken, 50), percentile(&taken, 100));
    Row {
        what: what.to_owned(),
        coro: format!("{} ms, at most {}", millis(p50), millis(worst)),
        promises: vec![at_most("under 50 ms", p50.as_secs_f64(), 0.050)],
        foreign: before.foreign_since(),
        ..Row::default()
    }
}

fn idle(programs: &Programs, options: &Options) -> Result<Row> {
    let before = Ticks::now();
    let server = Server::start(programs)?;
    let peers = Peers::start(&options.nats_server)?;
    let target = Target::coro(&server);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut connection = target.connect().await?;
        for _ in 0..100 {
            connection.put("key", load::Value::new().next(0)).await?;
            connection.get("key").await?;
        }
        anyhow::Ok(())
    })?;
    std::thread::sleep(IDLE);
    let mib = |kib: u64| kib as f64 / 1024.0;
    let coro = mib(server.process.resident_kib()?);
    let others = peers
        .processes
        .iter()
        .filter(|(name, _)| *name != "bare axum");
    let others = others.map(|(name, process)| {
        format!("{name} {:.1} MiB", mib(process.resident_kib().unwrap_or(0)))
    });
    Ok(Row {
        what: "resident memory, idle after 100 puts and gets".to_owned(),
        coro: format!("{coro:.1} MiB"),
        peers: others.collect(),
        promises: vec![at_most("under 25 MiB", coro, 25.0)],
        foreign: before.foreign_since(),
    })
}

fn postgres(
    programs: &Programs,
    cluster: &Cluster,
    scale: &Scale,
    report: &mut Report,
) -> Result<()> {
    let direct = SocketAddr::from(([127, 0, 0, 1], cluster.port));
    let slow = delay::proxy(direct, ROUND_TRIP)?;
    for (what, address, database) in [
        ("state put on PostgreSQL, 64 clients", direct, "direct"),
        (
            "state put on PostgreSQL with 1 ms added round trip, 64 clients",
            slow,
            "slow",
        ),
    ] {
        cluster
            .create_database(database)
            .map_err(anyhow::Error::msg)?;
        let url = format!("postgres://postgres@{address}/{database}");
        let server = Server::start_in(programs, folder()?, Some(&url))?;
        let target = Target::coro(&server);
        load::fill(&target)?;
        let mut rounds = Vec::new();
        for _ in 0..scale.rounds {
            rounds.push(load::run(&target, Operation::Put, 64, scale.load)?);
        }
        let median = median_by(&rounds, |outcome| outcome.per_second);
        let promise = at_least("at least 2,000/s", median.per_second, 2_000.0);
        report.add(Row {
            what: what.to_owned(),
            coro: cell(&median),
            promises: if address == slow {
                vec![promise]
            } else {
                Vec::new()
            },
            foreign: rounds
                .iter()
                .map(|outcome| outcome.foreign)
                .fold(0.0, f64::max),
            ..Row::default()
        });
    }
    Ok(())
}
