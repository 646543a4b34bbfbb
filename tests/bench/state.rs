//! State: durable puts, gets and both, with 1, 16 and 64 clients.

use anyhow::Result;

use crate::coro::{Programs, Server};
use crate::load::{self, Operation, Outcome, micros};
use crate::peers::{Kind, Peers, Target};
use crate::report::{Promise, Report, Row, at_least, median_by, millis, thousands};
use crate::{Options, Scale};

const CLIENTS: [usize; 3] = [1, 16, 64];

pub(crate) fn measure(
    programs: &Programs,
    options: &Options,
    scale: &Scale,
    report: &mut Report,
) -> Result<()> {
    let server = Server::start(programs)?;
    let peers = Peers::start(&options.nats_server)?;
    let mut targets = vec![Target::coro(&server)];
    targets.extend(peers.targets.iter().cloned());
    for target in targets.iter().filter(|target| target.kind != Kind::Hello) {
        eprintln!("bench: filling {}", target.name);
        load::fill(target)?;
    }
    for operation in [Operation::Put, Operation::Get, Operation::Mixed] {
        for clients in CLIENTS {
            report.add(compare(&targets, operation, clients, scale)?);
        }
    }
    let memory = peers.processes.iter().map(|(name, process)| {
        let kib = process.resident_kib().unwrap_or(0);
        format!("{name} {:.1} MiB", kib as f64 / 1024.0)
    });
    report.add(Row {
        what: "resident memory after that load".to_owned(),
        coro: format!("{:.1} MiB", server.process.resident_kib()? as f64 / 1024.0),
        peers: memory.collect(),
        ..Row::default()
    });
    Ok(())
}

/// Takes turns between the targets and makes a line of their medians.
fn compare(targets: &[Target], operation: Operation, clients: usize, scale: &Scale) -> Result<Row> {
    let targets: Vec<&Target> = targets
        .iter()
        .filter(|target| target.kind != Kind::Hello || operation == Operation::Get)
        .collect();
    let mut rounds: Vec<Vec<Outcome>> = vec![Vec::new(); targets.len()];
    for _ in 0..scale.rounds {
        for (target, outcomes) in targets.iter().zip(&mut rounds) {
            outcomes.push(load::run(target, operation, clients, scale.load)?);
        }
    }
    let foreign = rounds
        .iter()
        .flatten()
        .map(|outcome| outcome.foreign)
        .fold(0.0, f64::max);
    let medians: Vec<(&Target, Outcome)> = targets
        .into_iter()
        .zip(
            rounds
                .iter()
                .map(|outcomes| median_by(outcomes, |outcome| outcome.per_second)),
        )
        .collect();
    let coro = medians[0].1;
    let peers = medians[1..].iter().map(|(target, peer)| {
        format!(
            "{} {} (×{:.2})",
            target.name,
            cell(peer),
            coro.per_second / peer.per_second
        )
    });
    let many = if clients == 1 { "client" } else { "clients" };
    Ok(Row {
        what: format!("state {}, {clients} {many}", operation.name()),
        coro: cell(&coro),
        peers: peers.collect(),
        promises: if clients == 64 {
            promises(operation, &medians)
        } else {
            Vec::new()
        },
        foreign,
    })
}

fn promises(operation: Operation, medians: &[(&Target, Outcome)]) -> Vec<Promise> {
    let limits: &[(Kind, f64, &str)] = match operation {
        Operation::Put => &[
            (Kind::EtcdGrpc, 1.2, "1.2 × etcd gRPC"),
            (Kind::Nats, 2.5, "2.5 × NATS"),
        ],
        Operation::Get => &[
            (Kind::Hello, 0.5, "0.5 × bare axum"),
            (Kind::EtcdGrpc, 6.0, "6 × etcd gRPC"),
        ],
        Operation::Mixed => &[],
    };
    let coro = medians[0].1.per_second;
    let of = |kind| medians.iter().find(|(target, _)| target.kind == kind);
    let found = limits.iter().filter_map(|(kind, limit, text)| {
        let (_, peer) = of(*kind)?;
        Some(at_least(
            format!("at least {text}"),
            coro / peer.per_second,
            *limit,
        ))
    });
    found.collect()
}

/// As in the whole table: a second · p50/p99 · processor time.
pub(crate) fn cell(outcome: &Outcome) -> String {
    let (p50, p99) = (millis(outcome.p50), millis(outcome.p99));
    let each = micros(outcome.processor);
    format!(
        "{} · {p50}/{p99} · {each} µs",
        thousands(outcome.per_second)
    )
}
