//! A disk that is full in the middle of batches, and one that fails: each
//! write is there or was refused, and the answer says which.

use std::path::Path;
use std::process::Command;

use coro_tests::{Client, Engine, Fault, Options, Server};

use crate::check::{check, integrity, verify_chain};
use crate::load::{Fate, Load, Plan, Told};
use crate::settings;

/// Refusals that are waited for: the disk stays full for a while.
const REFUSALS: u32 = 60;

/// Writes that are done when there is space again, before the load ends.
const MORE: u32 = 50;

#[test]
fn each_write_is_there_or_refused_when_a_real_disk_is_full() {
    let options = Options::new(Engine::Sqlite);
    let Some(disk) = SmallDisk::mount(&options.data_dir()) else {
        return coro_tests::skip("disk", "a small file system can't be mounted here");
    };
    let mut random = settings::random("disk");
    let server = options.start();
    let mut plan = Plan::new("load/full/", &mut random);
    plan.writers = 16;
    plan.value_bytes_max = 8_000;
    let load = Load::start(&server.owner(), &plan);
    load.wait_until(|counts| counts.refused >= REFUSALS);
    disk.grow();
    let told = load.finish();

    assert_statuses(&told, 507);
    let client = server.owner();
    let head = check(&client, 0, &plan.prefix, &told).unwrap_or_else(|fault| panic!("{fault}"));
    // Space is back: so are writes, without a restart.
    let again = Plan::new("load/again/", &mut random);
    let more = run(&client, &again, 100);
    assert_statuses(&more, 200);
    server.kill();
    integrity(&server.data_dir()).unwrap_or_else(|fault| panic!("{fault}"));
    server.start_again();
    let client = server.owner();
    check(&client, head, &again.prefix, &more).unwrap_or_else(|fault| panic!("{fault}"));
    verify_chain(&client).unwrap_or_else(|fault| panic!("{fault}"));
    drop(server);
}

#[test]
fn each_write_is_there_or_refused_when_the_database_may_not_grow() {
    let mut random = settings::random("full");
    let server = Server::start(Engine::Sqlite);
    let mut head = 0;
    for round in 0..settings::count(4, 100) {
        server.fault(Fault::DiskFull, random.below(40));
        let plan = Plan::new(&format!("load/{round}/"), &mut random);
        let load = Load::start(&server.owner(), &plan);
        load.wait_until(|counts| counts.refused >= REFUSALS);
        server.fault(Fault::None, 0);
        let before = load.counts();
        load.wait_until(|counts| counts.acknowledged >= before.acknowledged + MORE);
        let told = load.finish();
        assert_statuses(&told, 507);
        head = recovered(&server, head, &plan, &told);
    }
}

#[test]
fn each_write_is_there_or_refused_when_a_commit_fails() {
    let mut random = settings::random("io");
    let server = Server::start(Engine::Sqlite);
    let mut head = 0;
    for round in 0..settings::count(6, 200) {
        let mut plan = Plan::new(&format!("load/{round}/"), &mut random);
        // Alone, so that the failed write is nobody's batch, or together.
        plan.writers = if round % 2 == 0 { 1 } else { 8 };
        server.fault(Fault::IoError, random.below(20));
        let told = run(&server.owner(), &plan, 150);
        assert_statuses(&told, 500);
        head = recovered(&server, head, &plan, &told);
    }
}

/// Kills the server and checks it; gives where the log stands.
fn recovered(server: &Server, head: i64, plan: &Plan, told: &[Vec<Told>]) -> i64 {
    let live = check(&server.owner(), head, &plan.prefix, told);
    let live = live.unwrap_or_else(|fault| panic!("{}: {fault}", plan.prefix));
    server.kill();
    integrity(&server.data_dir()).unwrap_or_else(|fault| panic!("{}: {fault}", plan.prefix));
    server.start_again();
    let client = server.owner();
    verify_chain(&client).unwrap_or_else(|fault| panic!("{}: {fault}", plan.prefix));
    let after = check(&client, head, &plan.prefix, told);
    let after = after.unwrap_or_else(|fault| panic!("{}: {fault}", plan.prefix));
    assert!(after >= live, "the log went back from {live} to {after}");
    after
}

fn run(client: &Client, plan: &Plan, answers: u32) -> Vec<Vec<Told>> {
    let load = Load::start(client, plan);
    load.wait_until(|counts| counts.answered() >= answers);
    load.finish()
}

/// Every request was answered, with 200 or this.
fn assert_statuses(told: &[Vec<Told>], status: u16) {
    for told in told.iter().flatten() {
        match told.fate {
            Fate::Acknowledged { .. } => {}
            Fate::Refused(other) => assert_eq!(other, status, "{told:?}"),
            Fate::Unsure | Fate::Unanswered => panic!("no clear answer: {told:?}"),
        }
    }
}

/// A file system in memory, mounted on a folder.
struct SmallDisk {
    folder: String,
}

impl SmallDisk {
    fn mount(folder: &Path) -> Option<SmallDisk> {
        std::fs::create_dir_all(folder).ok()?;
        let folder = folder.to_str()?.to_owned();
        let options = ["-t", "tmpfs", "-o", "size=3m,mode=0700", "tmpfs", &folder];
        succeeds("mount", &options).then_some(SmallDisk { folder })
    }

    fn grow(&self) {
        let remount = ["-o", "remount,size=64m", &self.folder];
        assert!(succeeds("mount", &remount), "{} did not grow", self.folder);
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server that a failing test leaves may still have files open.
        succeeds("umount", &["-l", &self.folder]);
    }
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .output()
        .is_ok_and(|output| output.status.success())
}
