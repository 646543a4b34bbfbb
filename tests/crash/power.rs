//! Power failures: a server starts on what had been synced, and holds every
//! write that had been acknowledged by then.

use std::path::Path;

use coro_tests::{Client, Engine, Options, Server};

use crate::check::{Fault, check, integrity, verify_chain};
use crate::load::{Fate, Load, Plan, Told};
use crate::record::{Disk, Recording, Unsynced, compile};
use crate::settings;
use coro_tests::Random;

/// The database grows to this before the load ends: then the write-ahead log
/// has been moved into it, under load.
const DATABASE_BYTES: u64 = 1024 * 1024;

/// How many requests are acknowledged between two looks at the database.
const STEP: u32 = 100;

/// How often one sync is taken away, for that to be found out.
const MISSED_SYNCS: u32 = 10;

const PREFIX: &str = "load/";

#[test]
fn nothing_acknowledged_is_lost_when_the_power_fails() {
    let mut random = settings::random("power");
    let Some(recorded) = Recorded::run(Options::new(Engine::Sqlite), &mut random) else {
        return;
    };
    for number in 0..settings::count(14, 400) {
        let moment = if number % 2 == 0 {
            recorded.some_acknowledgement(&mut random)
        } else {
            recorded.recording.some_moment(&mut random)
        };
        let unsynced = if number % 4 < 2 {
            Unsynced::Chance
        } else {
            Unsynced::Lost
        };
        let outcome = recorded.survives(moment, moment, unsynced, &mut random);
        outcome
            .unwrap_or_else(|fault| panic!("failure {number} at {moment}, {unsynced:?}: {fault}"));
    }
    recorded.survives_a_kill(&mut random);
    recorded.misses_one_sync(&mut random);
}

/// The harness is worth something: it finds the loss where there is one.
#[test]
fn a_server_that_does_not_sync_is_found_out() {
    let mut random = settings::random("unsynced");
    let options = Options::new(Engine::Sqlite).variable("CORO_TESTING_SYNCHRONOUS", "OFF");
    let Some(recorded) = Recorded::run(options, &mut random) else {
        return;
    };
    for _ in 0..4 {
        let moment = recorded.some_acknowledgement(&mut random);
        let lost = recorded.survives(moment, moment, Unsynced::Lost, &mut random);
        println!(
            "found: {:.200}",
            lost.expect_err("nothing was synced, and nothing is missing")
        );
    }
    recorded.survives_a_kill(&mut random);
}

/// What a server did under load, and what it told its clients.
struct Recorded {
    recording: Recording,
    told: Vec<Vec<Told>>,
    token: String,
    /// The moment at which the server said that it listens. Before it, nobody
    /// could know the token.
    ready: u64,
}

impl Recorded {
    /// None where there is no C compiler.
    fn run(options: Options, random: &mut Random) -> Option<Recorded> {
        let (folder, log) = (options.data_dir(), options.scratch().join("record"));
        let Some(library) = compile(options.scratch()) else {
            coro_tests::skip("power", "there is no C compiler");
            return None;
        };
        let text = |path: &Path| path.to_str().expect("a temporary path").to_owned();
        let server = options
            .variable("LD_PRELOAD", &text(&library))
            .variable("CORO_RECORD_FOLDER", &text(&folder))
            .variable("CORO_RECORD_LOG", &text(&log))
            .start();
        let ready = std::fs::metadata(&log).expect("it is recorded").len();
        let mut plan = Plan::new(PREFIX, random);
        plan.record = Some(log.clone());
        plan.value_bytes_max = 30_000;
        let load = Load::start(&server.owner(), &plan);
        let mut acknowledged = 0;
        while database_bytes(&folder) < DATABASE_BYTES {
            acknowledged += STEP;
            load.wait_until(|counts| counts.acknowledged >= acknowledged);
            let count = load.counts().acknowledged;
            assert!(
                count >= acknowledged,
                "the write-ahead log stays as it is after {count} writes"
            );
        }
        acknowledged = load.counts().acknowledged + STEP;
        load.wait_until(|counts| counts.acknowledged >= acknowledged);
        let told = load.finish();
        let token = server.owner().token().to_owned();
        Recording::hold(&log, || server.kill());
        let recording = Recording::read(&log, &folder);
        let replayed = recording.disk_at(recording.end(), Unsynced::Kept, random);
        assert_replayed(&replayed, &folder);
        Some(Recorded {
            recording,
            told,
            token,
            ready,
        })
    }

    /// The moment at which an answer had come that is chosen by chance.
    fn some_acknowledgement(&self, random: &mut Random) -> u64 {
        let moments: Vec<u64> = self
            .told
            .iter()
            .flatten()
            .filter_map(acknowledged_at)
            .collect();
        moments[random.below(u32::try_from(moments.len()).expect("not so many")) as usize]
    }

    /// Where nothing is lost, nothing is missing, synced or not: the recorder
    /// sees more than a kill would show.
    fn survives_a_kill(&self, random: &mut Random) {
        let end = self.recording.end();
        let outcome = self.survives(end, end, Unsynced::Kept, random);
        outcome.unwrap_or_else(|fault| panic!("nothing was lost: {fault}"));
    }

    /// One sync that the server had not waited for would be found out too: not
    /// always, for the last sync may have been that of later writes.
    fn misses_one_sync(&self, random: &mut Random) {
        let found = (0..MISSED_SYNCS).any(|_| {
            let moment = self.some_acknowledgement(random);
            let before = self.recording.before_last_sync(moment);
            let outcome = self.survives(before, moment, Unsynced::Lost, random);
            outcome.is_err_and(|fault| fault.starts_with("lost: "))
        });
        assert!(
            found,
            "the power failed before a sync, and no answered write is missing"
        );
    }

    /// Starts a server on the disk as of `failed` and checks that it holds
    /// what was acknowledged until `told`.
    fn survives(
        &self,
        failed: u64,
        told: u64,
        unsynced: Unsynced,
        random: &mut Random,
    ) -> Result<(), Fault> {
        let disk = self.recording.disk_at(failed, unsynced, random);
        let options = Options::new(Engine::Sqlite);
        let folder = options.data_dir();
        put_disk(&disk, &folder);
        integrity(&folder)?;
        let server = options
            .try_start()
            .map_err(|failed| format!("no start: {failed}"))?;
        let client = if failed < self.ready {
            server.owner()
        } else {
            Client::new(&server.url(), Some(&self.token))
        };
        check(&client, 0, PREFIX, &told_by(&self.told, told))?;
        verify_chain(&client)?;
        write_again(&client)?;
        stop(&server);
        integrity(&folder)
    }
}

/// What the writers had been told by then: whatever was answered later may be
/// there or not.
fn told_by(told: &[Vec<Told>], moment: u64) -> Vec<Vec<Told>> {
    let mut told = told.to_vec();
    for told in told.iter_mut().flatten() {
        if acknowledged_at(told).is_some_and(|at| at > moment) {
            told.fate = Fate::Unanswered;
        }
    }
    told
}

fn acknowledged_at(told: &Told) -> Option<u64> {
    match told.fate {
        Fate::Acknowledged { at, .. } => Some(at),
        _ => None,
    }
}

fn write_again(client: &Client) -> Result<(), Fault> {
    let answer = client
        .put("/api/state/after", "1")
        .try_send()
        .map_err(|e| e.to_string())?;
    if answer.status == 200 {
        Ok(())
    } else {
        Err(answer.to_string())
    }
}

fn stop(server: &Server) {
    let ended = server.stop();
    assert_eq!(ended.code, Some(0), "{ended}");
}

fn database_bytes(folder: &Path) -> u64 {
    std::fs::metadata(folder.join("coro.db")).map_or(0, |file| file.len())
}

fn put_disk(disk: &Disk, folder: &Path) {
    std::fs::create_dir_all(folder).expect("a temporary folder");
    for (name, content) in disk {
        std::fs::write(folder.join(name), content).expect("a temporary file");
    }
}

/// All changes, whether synced or not, give the files as they are: the
/// recorder has missed nothing.
fn assert_replayed(disk: &Disk, folder: &Path) {
    for entry in std::fs::read_dir(folder)
        .expect("the data folder")
        .flatten()
    {
        let name = entry.file_name();
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if !is_file || name.to_string_lossy().ends_with("-shm") {
            continue;
        }
        let content = std::fs::read(entry.path()).expect("a file of the data folder");
        let replayed = disk.get(Path::new(&name));
        assert!(
            replayed == Some(&content),
            "{name:?} is not what the recorder saw"
        );
    }
}
