//! Leases: on all files of a large tree, and among many others.

use std::time::{Duration, Instant};

use anyhow::Result;
use coro_api::agents::RegisteredAgent;
use coro_api::leases::Lease;
use coro_tests::Client;
use serde_json::json;

use crate::Scale;
use crate::coro::{Programs, Server};
use crate::load::{micros, percentile};
use crate::machine::Ticks;
use crate::process::folder;
use crate::report::{Report, Row, at_most, millis};

/// The files of the tree, as in a large repository.
const FILES: usize = 56_000;

/// The files of one of its folders.
const FILES_OF_FOLDER: usize = 100;

/// How many leases others hold in the second measurement.
const OTHERS: usize = 800;

/// How many agents they are: each takes a bounded number.
const HOLDERS: usize = 10;

/// How many leases wait for those of the others in the third.
const WAITING: usize = 100;

/// How many agents they are. They hold nothing: who waits for somebody that
/// waits for it is refused.
const WAITERS: usize = 10;

pub(crate) fn measure(programs: &Programs, scale: &Scale, report: &mut Report) -> Result<()> {
    let tree = folder()?;
    for number in 0..FILES / FILES_OF_FOLDER {
        let folder = tree.path().join(format!("module-{number}"));
        std::fs::create_dir(&folder)?;
        for file in 0..FILES_OF_FOLDER {
            std::fs::File::create(folder.join(format!("{file}.rs")))?;
        }
    }
    let server = Server::start(programs)?;
    let agent = |name: &str| -> Client {
        let url = format!("http://{}", server.address);
        let owner = Client::new(&url, Some(&server.token));
        let body = json!({"name": name, "workspace": tree.path()});
        let registered: RegisteredAgent = owner.post("/api/instances/register", body).ok();
        Client::new(&url, registered.token.as_deref())
    };
    let frontend = agent("frontend");
    let others: Vec<Client> = (0..HOLDERS).map(|n| agent(&format!("other-{n}"))).collect();
    let row = taken(&frontend, "**", scale.spawns);
    report.add(Row {
        what: "lease on `**` in a tree of 56,000 files".to_owned(),
        promises: vec![at_most("median under 1 ms", row.p50.as_secs_f64(), 0.001)],
        ..row.into_row()
    });
    for number in 0..OTHERS {
        let pattern = format!("/module-{number}/**/*.rs");
        let body = json!({"pattern": pattern, "ttl_seconds": 86_400});
        let _: Lease = others[number % HOLDERS].post("/api/leases", body).ok();
    }
    let row = taken(&frontend, "**/docs/*.md", scale.spawns);
    report.add(Row {
        what: format!("lease on `**/docs/*.md` beside {OTHERS} of others, refused"),
        ..row.into_row()
    });
    let row = taken(&frontend, "/web/**/*.css", scale.spawns);
    report.add(Row {
        what: format!("lease on `/web/**/*.css` beside {OTHERS} of others"),
        ..row.into_row()
    });
    let waiters: Vec<Client> = (0..WAITERS)
        .map(|n| agent(&format!("waiter-{n}")))
        .collect();
    stand_in_line(&waiters);
    let row = released(&frontend, "/web/**/*.css", scale.spawns);
    report.add(Row {
        what: format!("release beside {OTHERS} leases of others, for which {WAITING} wait"),
        ..row.into_row()
    });
    Ok(())
}

struct Taken {
    p50: Duration,
    p99: Duration,
    foreign: f64,
}

impl Taken {
    fn into_row(self) -> Row {
        Row {
            coro: format!("{} ms, p99 {} ms", millis(self.p50), millis(self.p99)),
            foreign: self.foreign,
            ..Row::default()
        }
    }
}

/// Asks for a lease and releases it where it was given; the asking is timed.
fn taken(client: &Client, pattern: &str, times: usize) -> Taken {
    timed(times, || {
        let begun = Instant::now();
        let answer = client
            .post("/api/leases", json!({ "pattern": pattern }))
            .send();
        let taken = begun.elapsed();
        if answer.status == 200 {
            let lease: Lease = answer.json();
            let released = client.delete(&format!("/api/leases/{}", lease.id)).send();
            released.expect(200);
        }
        taken
    })
}

/// Takes a lease and releases it; the release is timed.
fn released(client: &Client, pattern: &str, times: usize) -> Taken {
    timed(times, || {
        let lease: Lease = client
            .post("/api/leases", json!({ "pattern": pattern }))
            .ok();
        let begun = Instant::now();
        let answer = client.delete(&format!("/api/leases/{}", lease.id)).send();
        answer.expect(200);
        begun.elapsed()
    })
}

/// Lets agents wait for leases of the others. A place is kept for two minutes.
fn stand_in_line(waiters: &[Client]) {
    std::thread::scope(|scope| {
        for number in 0..WAITING {
            let waiter = &waiters[number % waiters.len()];
            let pattern = format!("/module-{number}/src/main.rs");
            let body = json!({"pattern": pattern, "wait_seconds": 1});
            scope.spawn(move || waiter.post("/api/leases", body).ok::<Lease>());
        }
    });
}

fn timed(times: usize, mut once: impl FnMut() -> Duration) -> Taken {
    let before = Ticks::now();
    let mut each: Vec<_> = (0..times).map(|_| micros(once())).collect();
    each.sort_unstable();
    Taken {
        p50: percentile(&each, 50),
        p99: percentile(&each, 99),
        foreign: before.foreign_since(),
    }
}
