//! What hangs holds up its own tenant, and nobody else (PostgreSQL).

use coro_api::hooks::HookAnswer;
use coro_tests::{Client, Engine, LOCK_OF_TENANT, Options, Server};
use serde_json::json;

use crate::hooks::{hook, session};

/// How many sessions wait for an advisory lock.
const WAITING: &str = "SELECT CAST(count(*) AS TEXT) FROM pg_locks \
     WHERE locktype = 'advisory' AND NOT granted \
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// A server, and a client of another tenant.
fn two_tenants() -> Option<(Server, Client)> {
    let engine = Engine::Postgres;
    engine.is_here().then(|| {
        let server = Options::new(engine).start();
        let other = server.other_tenant("other");
        (server, other)
    })
}

fn wait_until_one_waits(server: &Server) {
    let start = std::time::Instant::now();
    while server.database().query_text(WAITING) == "0" {
        assert!(start.elapsed() < coro_tests::PATIENCE, "nobody waits");
        std::thread::yield_now();
    }
}

#[test]
fn a_hung_tenant_holds_up_no_other() {
    let Some((server, other)) = two_tenants() else {
        return;
    };
    server.set("k", "before");
    let hung = server.database().session(&format!(
        "SELECT pg_advisory_lock({LOCK_OF_TENANT}) FROM tenant WHERE name <> 'other'"
    ));
    std::thread::scope(|scope| {
        // More than there are threads that write.
        let writing: Vec<_> = (0..12)
            .map(|number| {
                let put = server.put(&format!("/api/state/hung/{number}"), "1");
                scope.spawn(move || put.send().status)
            })
            .collect();
        wait_until_one_waits(&server);
        for number in 1..=50 {
            assert_eq!(other.set("k", number.to_string()).version, number);
        }
        other.get("/api/events?from=0").send().expect(200);
        // Who only reads is not held up either.
        assert_eq!(server.value("k"), "before");
        assert_ne!(server.database().query_text(WAITING), "0");
        drop(hung);
        for one in writing {
            assert_eq!(one.join().expect("no panic"), 200);
        }
    });
}

/// Ends waiting as the server's own time-out does.
const CANCEL: &str = "SELECT pg_cancel_backend(pid) FROM pg_locks \
     WHERE locktype = 'advisory' AND NOT granted \
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

#[test]
fn a_write_that_waited_too_long_was_not_carried_out() {
    let Some((server, _)) = two_tenants() else {
        return;
    };
    let hung = server.database().session(&format!(
        "SELECT pg_advisory_lock({LOCK_OF_TENANT}) FROM tenant WHERE name <> 'other'"
    ));
    // Each of the threads that write, on connections new and old.
    for number in 0..12 {
        std::thread::scope(|scope| {
            let put = server.put(&format!("/api/state/k/{number}"), "1");
            let writing = scope.spawn(move || put.send());
            wait_until_one_waits(&server);
            server.database().execute(CANCEL);
            let answer = writing.join().expect("no panic");
            assert_eq!(answer.status, 503, "{answer}");
            assert!(answer.text().contains("nothing was changed"), "{answer}");
        });
    }
    drop(hung);
    assert_eq!(
        server.get("/api/state?prefix=k/").send().expect(200).text(),
        "[]"
    );
    assert_eq!(server.set("k/0", "1").version, 1);
}

#[test]
fn a_hung_transaction_holds_up_no_other_tenant() {
    let Some((server, other)) = two_tenants() else {
        return;
    };
    server.set("k", "before");
    let hung = server.database().session(
        "BEGIN; SELECT 1 FROM state WHERE key = 'k' AND tenant_id = \
         (SELECT tenant_id FROM tenant WHERE name <> 'other') FOR UPDATE",
    );
    std::thread::scope(|scope| {
        let put = server.put("/api/state/k", "after");
        let writing = scope.spawn(move || put.send().status);
        for number in 1..=50 {
            assert_eq!(other.set("k", number.to_string()).version, number);
        }
        assert_eq!(server.value("k"), "before");
        drop(hung);
        assert_eq!(writing.join().expect("no panic"), 200);
    });
    assert_eq!(server.value("k"), "after");
}

/// A stop once waited for the writer, though nothing waited for the agent.
#[test]
fn a_hook_that_has_nothing_to_say_writes_nothing() {
    let Some((server, _)) = two_tenants() else {
        return;
    };
    let client = session(&server, "frontend");
    let hung = server.database().session(&format!(
        "SELECT pg_advisory_lock({LOCK_OF_TENANT}) FROM tenant WHERE name <> 'other'"
    ));
    for event in ["prompt", "before_tool", "after_tool", "stop"] {
        let call = json!({"event": event, "paths": ["src/cart.rs"], "shown": []});
        assert_eq!(hook(&client, call), HookAnswer::default(), "{event}");
    }
    drop(hung);
}
