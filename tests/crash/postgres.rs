//! PostgreSQL killed under load: its postmaster, or one of its processes. The
//! server lives on, and each answer that it gave is true.

use std::process::Command;

use coro_tests::{Engine, Options, Server};

use crate::check::{check, verify_chain};
use crate::cluster::Cluster;
use crate::load::{Fate, Load, Plan, Told};
use crate::settings;
use coro_tests::Random;

/// The most requests that are acknowledged before a kill.
const BEFORE_MAX: u32 = 200;

/// How many are acknowledged after it, before the round ends.
const AFTER: u32 = 50;

#[test]
fn nothing_acknowledged_is_lost_when_postgresql_is_killed() {
    let mut random = settings::random("postgres");
    let mut cluster = match Cluster::start() {
        Ok(cluster) => cluster,
        Err(error) => return coro_tests::skip("postgres", &error),
    };
    let url = cluster
        .create_database("crash")
        .unwrap_or_else(|error| panic!("{error}"));
    let options = Options::new(Engine::Sqlite).arg("--database-url").arg(&url);
    let server = options.start();
    let mut head = 0;
    for round in 0..settings::count(4, 150) {
        let plan = Plan::new(&format!("load/{round}/"), &mut random);
        let load = Load::start(&server.owner(), &plan);
        let before = random.below(BEFORE_MAX);
        load.wait_until(|counts| counts.acknowledged >= before);
        if round % 2 == 0 {
            kill_postmaster(&mut cluster);
        } else {
            kill_backend(&cluster, &mut random);
        }
        let then = load.counts().acknowledged;
        load.wait_until(|counts| counts.acknowledged >= then + AFTER);
        let told = load.finish();
        assert_answered(&told);
        head = checked(&server, head, &plan, &told, round);
    }
    server.kill();
    server.start_again();
    verify_chain(&server.owner()).unwrap_or_else(|fault| panic!("after a restart: {fault}"));
}

fn checked(server: &Server, head: i64, plan: &Plan, told: &[Vec<Told>], round: u32) -> i64 {
    let client = server.owner();
    let checked = check(&client, head, &plan.prefix, told);
    verify_chain(&client).unwrap_or_else(|fault| panic!("round {round}: {fault}"));
    checked.unwrap_or_else(|fault| panic!("round {round}: {fault}"))
}

/// Each request had an answer: done, unknown, or a 503. The last was not
/// carried out, which [`check`] looks at.
fn assert_answered(told: &[Vec<Told>]) {
    for told in told.iter().flatten() {
        match told.fate {
            Fate::Acknowledged { .. } | Fate::Unsure => {}
            Fate::Refused(status) => assert_eq!(status, 503, "{told:?}"),
            Fate::Unanswered => panic!("no answer: {told:?}"),
        }
    }
}

fn kill_postmaster(cluster: &mut Cluster) {
    let mut postmaster = cluster.postmaster.take().expect("it runs");
    postmaster.kill().expect("it is our child");
    postmaster.wait().expect("it is our child");
    cluster
        .run()
        .unwrap_or_else(|error| panic!("PostgreSQL did not come back: {error}"));
}

/// Kills one of the processes that serve connections. The postmaster then
/// ends the others and recovers by itself.
fn kill_backend(cluster: &Cluster, random: &mut Random) {
    let postmaster = cluster.postmaster.as_ref().expect("it runs").id();
    let backends = backends_of(postmaster);
    let count = u32::try_from(backends.len()).expect("not so many");
    if count == 0 {
        return;
    }
    let victim = backends[random.below(count) as usize].to_string();
    // It may have ended meanwhile.
    let _ = Command::new("kill").args(["-9", &victim]).output();
}

fn backends_of(postmaster: u32) -> Vec<u32> {
    let children = format!("/proc/{postmaster}/task/{postmaster}/children");
    let children = std::fs::read_to_string(children).unwrap_or_default();
    let serves = |pid: &u32| {
        let title = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        title.contains("postgres crash ")
    };
    children
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .filter(serves)
        .collect()
}
