//! Backup while running, and restore into either engine.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use coro_api::Reason;
use coro_api::audit::{AuditEntry, AuditVerification};
use coro_api::events::Event;
use coro_api::state::{StateHistory, StateItem};
use coro_api::tokens::Role;
use coro_tests::{Client, Engine, Failed, Options, Server, both_engines, each_engine};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

both_engines![
    a_backup_says_that_it_is_whole,
    a_backup_is_taken_while_others_write,
    a_backup_is_an_event_and_the_owners_only,
    a_backup_holds_no_secret,
];
each_engine![
    a_backup_comes_back_in_the_same_engine,
    a_backup_comes_back_in_the_other_engine,
    a_restored_server_goes_on_where_it_was,
    a_damaged_backup_is_refused_and_leaves_nothing,
    a_backup_is_not_put_on_top_of_data,
];

fn take(server: &Server) -> Vec<u8> {
    let answer = server.get("/api/backup").send().expect(200);
    assert_eq!(answer.the("content-type"), "application/gzip");
    answer.body
}

fn unpack(backup: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(backup)
        .read_to_end(&mut text)
        .expect("gzip");
    text
}

fn pack(text: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text).expect("memory");
    packed.finish().expect("memory")
}

fn file_of(options: &Options, backup: &[u8]) -> PathBuf {
    let path = options.scratch().join("backup.gz");
    std::fs::write(&path, backup).expect("a file");
    path
}

fn restore(options: &Options, backup: &[u8]) -> Failed {
    let path = file_of(options, backup).display().to_string();
    options.command(&["restore", &path])
}

/// Some of everything.
fn fill(server: &Server) {
    let agent = server.issue_for_project(Role::Agent, "frontend", "shop");
    agent.set("shop/plan", "{\"a\": 1 }");
    agent.set("shop/plan", "{}");
    server
        .put("/api/state/bytes", [0, 255, 10])
        .header("Content-Type", "image/x")
        .send()
        .expect(200);
    server
        .put("/api/state/lock?ttl=100000&conditional=true", "1")
        .send()
        .expect(200);
    server.set("gone", "1");
    server.delete("/api/state/gone").send().expect(200);
    server
        .post(
            "/api/consumers",
            json!({"name": "inbox", "pattern": "shop.*"}),
        )
        .send()
        .expect(200);
    agent.publish("shop.done", json!({"z": 1, "a": [null, 1.5]}));
}

/// Everything that a client can read.
fn readable(owner: &Client) -> Vec<(&'static str, Value)> {
    [
        "/api/state",
        "/api/state/shop/plan?history=1",
        "/api/state/shop/plan?version=1",
        "/api/state/gone?history=1",
        "/api/events/history?last=1000",
        "/api/audit?limit=1000",
        "/api/tokens",
        "/api/consumers",
    ]
    .map(|path| (path, owner.get(path).ok()))
    .into()
}

fn a_backup_says_that_it_is_whole(server: &Server) {
    fill(server);
    let text = unpack(&take(server));
    assert!(text.ends_with(b"\n"));
    let lines: Vec<&[u8]> = text[..text.len() - 1]
        .split(|byte| *byte == b'\n')
        .collect();
    let (last, before) = lines.split_last().expect("lines");
    for line in before {
        serde_json::from_slice::<Value>(line).expect("each line is JSON");
    }
    let end: Value = serde_json::from_slice(last).expect("JSON");
    let hash = Sha256::digest(&text[..text.len() - last.len() - 1]);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(end["end"]["sha256"], hex);
    assert!(
        end["end"]["rows"].as_i64().is_some_and(|rows| rows > 10),
        "{end}"
    );
}

/// The log of each backup fits together, whatever happens meanwhile.
fn a_backup_is_taken_while_others_write(server: &Server) {
    let backups: Vec<Vec<u8>> = std::thread::scope(|scope| {
        for writer in 0..2 {
            scope.spawn(move || {
                for turn in 0..40 {
                    server.set(&format!("k/{writer}"), turn.to_string());
                }
            });
        }
        (0..3).map(|_| take(server)).collect()
    });
    for backup in backups {
        let options = Options::new(Engine::Sqlite);
        let done = restore(&options, &backup);
        assert_eq!(done.code, Some(0), "{done}");
        let restored = options.start();
        assert!(
            restored
                .get("/api/audit/verify")
                .ok::<AuditVerification>()
                .ok
        );
        for item in restored.get("/api/state").ok::<Vec<StateItem>>() {
            let history: StateHistory = restored
                .get(&format!("/api/state/{}?history=1&limit=100", item.key))
                .ok();
            assert_eq!(history.versions.len() as i64, item.version);
        }
    }
}

fn a_backup_is_an_event_and_the_owners_only(server: &Server) {
    server
        .issue(Role::Controller, "lead")
        .get("/api/backup")
        .refused(Reason::Forbidden);
    take(server);
    let entries: Vec<AuditEntry> = server.get("/api/audit?action=backup.taken").ok();
    assert_eq!(
        (entries.len(), entries[0].actor.as_str()),
        (1, "human:owner")
    );
}

fn a_backup_holds_no_secret(server: &Server) {
    fill(server);
    let text = String::from_utf8_lossy(&unpack(&take(server))).into_owned();
    assert!(!text.contains("cor_"));
}

fn comes_back(from: Engine, into: Engine) {
    if !into.is_here() {
        return;
    }
    let server = Server::start(from);
    fill(&server);
    let backup = take(&server);
    let before = readable(&server.owner());
    let options = Options::new(into);
    let done = restore(&options, &backup);
    assert_eq!(done.code, Some(0), "{done}");
    let restored = options.start();
    // The tokens of then are good again.
    let owner = restored.client(server.owner().token());
    for ((path, then), (_, now)) in before.into_iter().zip(readable(&owner)) {
        assert_eq!(without_what_came_since(&then, now), then, "{path}");
    }
    assert!(owner.get("/api/audit/verify").ok::<AuditVerification>().ok);
    assert_eq!(owner.get("/api/state/bytes").send().body, [0, 255, 10]);
}

/// The new data folder has an owner token of its own, which is news.
fn without_what_came_since(then: &Value, now: Value) -> Value {
    match (then, now) {
        (Value::Array(then), Value::Array(now)) => {
            now.into_iter().filter(|one| then.contains(one)).collect()
        }
        (_, now) => now,
    }
}

fn a_backup_comes_back_in_the_same_engine(engine: Engine) {
    comes_back(engine, engine);
}

fn a_backup_comes_back_in_the_other_engine(engine: Engine) {
    match engine {
        Engine::Sqlite => comes_back(engine, Engine::Postgres),
        Engine::Postgres => comes_back(engine, Engine::Sqlite),
    }
}

fn a_restored_server_goes_on_where_it_was(engine: Engine) {
    let server = Server::start(engine);
    fill(&server);
    let backup = take(&server);
    let last = server.owner().history("last=1").remove(0).revision;
    let options = Options::new(engine);
    assert_eq!(restore(&options, &backup).code, Some(0));
    let restored = options.start();
    let item = restored.set("shop/plan", "next");
    assert_eq!(item.version, 3);
    assert!(item.revision > last);
    assert_eq!(
        restored.set("gone", "2").version,
        2,
        "versions are never used twice"
    );
    let events: Vec<Event> = restored.owner().history("last=1000");
    assert!(
        events
            .windows(2)
            .all(|pair| pair[0].revision > pair[1].revision)
    );
}

fn a_damaged_backup_is_refused_and_leaves_nothing(engine: Engine) {
    let server = Server::start(engine);
    fill(&server);
    let whole = take(&server);
    let text = unpack(&whole);
    let end = text[..text.len() - 1]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .expect("lines");
    let changed = String::from_utf8_lossy(&text)
        .replace("frontend", "backhand")
        .into_bytes();
    let options = Options::new(engine);
    for (damage, backup) in [
        ("cut off", whole[..whole.len() / 2].to_vec()),
        ("without its end", pack(&text[..=end])),
        ("changed", pack(&changed)),
        ("no gzip", text.clone()),
        ("empty", Vec::new()),
        ("something else", pack(b"{\"hello\": 1}\n")),
    ] {
        let failed = restore(&options, &backup);
        assert_eq!(failed.code, Some(1), "{damage}: {failed}");
        assert!(failed.stderr.contains("backup.gz"), "{damage}: {failed}");
    }
    let missing = options.command(&["restore", "/nonexistent.gz"]);
    assert_eq!(missing.code, Some(1), "{missing}");
    let done = restore(&options, &whole);
    assert_eq!(done.code, Some(0), "nothing is in its way: {done}");
}

fn a_backup_is_not_put_on_top_of_data(engine: Engine) {
    let server = Server::start(engine);
    server.set("k", "1");
    let backup = take(&server);
    server.set("k", "2");
    server.stop();
    let failed = restore(server.options(), &backup);
    assert_eq!(failed.code, Some(1), "{failed}");
    server.start_again();
    assert_eq!(server.value("k"), "2");
}
