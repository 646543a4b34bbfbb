//! Two servers on one PostgreSQL: together they are one program.

use coro_api::Reason;
use coro_api::agents::AgentStatus;
use coro_api::audit::AuditVerification;
use coro_api::events::Event;
use coro_api::state::StateItem;
use coro_api::tokens::IssuedToken;
use coro_tests::{Engine, Options, Server, Sse};
use serde_json::{Value, json};

use crate::liveness::{active, status_of};

/// Two servers on one database, or none where PostgreSQL is not here.
fn pair() -> Option<[Server; 2]> {
    let engine = Engine::Postgres;
    engine.is_here().then(|| {
        let first = Options::new(engine).start();
        let second = first.replica();
        [first, second]
    })
}

#[test]
fn servers_that_start_together_on_an_empty_database_make_one_tenant() {
    if !Engine::Postgres.is_here() {
        return;
    }
    let options = Options::new(Engine::Postgres);
    let servers: Vec<Server> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..3)
            .map(|_| options.beside())
            .map(|options| scope.spawn(|| options.start()))
            .collect();
        let started = started.into_iter();
        started.map(|one| one.join().expect("it starts")).collect()
    });
    let has_token = |server: &&Server| server.data_dir().join("owner.token").exists();
    assert_eq!(servers.iter().filter(has_token).count(), 1);
    let tenants = options.database().query_text("SELECT count(*) FROM tenant");
    assert_eq!(tenants, "1");
}

#[test]
fn what_one_writes_the_other_reads() {
    let Some([first, second]) = pair() else {
        return;
    };
    first.set("k", "1");
    assert_eq!(second.value("k"), "1");
    assert_eq!(second.set("k", "2").version, 2);
    assert_eq!(first.value("k"), "2");
}

#[test]
fn races_for_one_key_lose_no_update() {
    const EACH: i64 = 10;
    let Some(servers) = pair() else { return };
    servers[0].set("counter", "0");
    let increment = |server: &Server| {
        loop {
            let read = server.get("/api/state/counter").send().expect(200);
            let next = (read.json::<i64>() + 1).to_string();
            let put = server
                .put("/api/state/counter", next)
                .header("If-Match", &read.etag());
            match put.send().status {
                200 => return,
                412 => {}
                other => panic!("{other}"),
            }
        }
    };
    std::thread::scope(|scope| {
        for server in servers.iter().chain(&servers) {
            scope.spawn(move || (0..EACH).for_each(|_| increment(server)));
        }
    });
    for server in &servers {
        assert_eq!(server.value("counter"), (4 * EACH).to_string());
        assert_eq!(
            server
                .get("/api/state/counter?meta")
                .ok::<StateItem>()
                .version,
            4 * EACH + 1
        );
    }
}

#[test]
fn races_of_transactions_keep_what_must_hold() {
    let Some(servers) = pair() else { return };
    servers[0].set("a", "50");
    servers[0].set("b", "50");
    let read = |server: &Server, key: &str| {
        let answer = server.get(&format!("/api/state/{key}")).send().expect(200);
        let version: i64 = answer.the("x-koor-version").parse().expect("a number");
        (version, answer.json::<i64>())
    };
    std::thread::scope(|scope| {
        for (worker, server) in servers.iter().chain(&servers).enumerate() {
            scope.spawn(move || {
                let (from, to) = if worker.is_multiple_of(2) {
                    ("a", "b")
                } else {
                    ("b", "a")
                };
                let mut done = 0;
                while done < 8 {
                    let ((v1, x), (v2, y)) = (read(server, from), read(server, to));
                    let body = json!({
                        "compare": [{"key": from, "version": v1}, {"key": to, "version": v2}],
                        "writes": [
                            {"op": "put", "key": from, "value": x - 1},
                            {"op": "put", "key": to, "value": y + 1},
                        ],
                    });
                    let status = server.post("/api/txn", body).send().status;
                    assert!(matches!(status, 200 | 412), "{status}");
                    done += usize::from(status == 200);
                }
            });
        }
    });
    assert_eq!(read(&servers[0], "a").1 + read(&servers[1], "b").1, 100);
    assert_eq!(read(&servers[0], "a").0, 1 + 4 * 8);
}

#[test]
fn readers_of_both_see_the_same_order_without_gaps() {
    const EACH: usize = 40;
    let Some(servers) = pair() else { return };
    let from = servers[0].revision();
    let seen: Vec<Vec<Event>> = std::thread::scope(|scope| {
        let readers: Vec<_> = servers
            .iter()
            .map(|server| {
                let mut stream = Sse::open(server.get(&format!("/api/events?from={from}")));
                scope.spawn(move || stream.take(4 * EACH))
            })
            .collect();
        for server in servers.iter().chain(&servers) {
            scope.spawn(move || {
                for number in 0..EACH {
                    server.publish("shop.n", json!(number));
                }
            });
        }
        readers
            .into_iter()
            .map(|reader| reader.join().expect("no panic"))
            .collect()
    });
    assert_eq!(seen[0], seen[1]);
    let revisions: Vec<i64> = seen[0].iter().map(|event| event.revision).collect();
    assert_eq!(
        revisions,
        (from + 1..=from + 4 * EACH as i64).collect::<Vec<_>>()
    );
    let verified: AuditVerification = servers[0].get("/api/audit/verify").ok();
    assert!(verified.ok, "{verified:?}");
}

#[test]
fn a_poll_at_one_is_woken_by_a_write_at_the_other() {
    let Some([first, second]) = pair() else {
        return;
    };
    let from = first.revision();
    std::thread::scope(|scope| {
        let owner = second.owner();
        let poll = format!("from={from}&wait=50&pattern=shop.*");
        let waiting = scope.spawn(move || owner.poll(&poll));
        first.publish("shop.a", json!(1));
        assert_eq!(waiting.join().expect("no panic").events.len(), 1);
    });
}

#[test]
fn an_idempotency_key_holds_on_both() {
    let Some(servers) = pair() else { return };
    let token = servers[0].owner().token().to_owned();
    let bodies: Vec<String> = std::thread::scope(|scope| {
        let senders: Vec<_> = servers
            .iter()
            .chain(&servers)
            .map(|server| {
                let publish = server
                    .client(&token)
                    .post("/api/events/publish", json!({"topic": "shop.a"}))
                    .header("Idempotency-Key", "once");
                scope.spawn(move || publish.send().expect(200).text())
            })
            .collect();
        senders
            .into_iter()
            .map(|sender| sender.join().expect("no panic"))
            .collect()
    });
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    assert_eq!(servers[1].owner().history("topic=shop.a").len(), 1);
}

#[test]
fn a_token_revoked_at_one_is_refused_at_the_other() {
    let Some([first, second]) = pair() else {
        return;
    };
    let issued: IssuedToken = first
        .post("/api/tokens", json!({"name": "a", "role": "agent"}))
        .ok();
    let agent = second.client(&issued.token);
    agent.get("/api/whoami").send().expect(200);
    first
        .delete(&format!("/api/tokens/{}", issued.info.id))
        .send()
        .expect(200);
    // What the second has found is believed for two seconds.
    second.advance_seconds(3);
    agent.get("/api/whoami").refused(Reason::Unauthenticated);
}

#[test]
fn one_that_is_killed_keeps_the_other_from_nothing() {
    let Some([first, second]) = pair() else {
        return;
    };
    std::thread::scope(|scope| {
        let owner = first.owner();
        let writing = scope.spawn(move || {
            let write = |n: i64| owner.put("/api/state/k", n.to_string()).try_send();
            (1..5000)
                .take_while(|n| write(*n).is_ok_and(|answer| answer.status == 200))
                .count() as i64
        });
        for number in 0..10 {
            second.set("other", number.to_string());
        }
        first.kill();
        let acknowledged = writing.join().expect("no panic");
        let version = second
            .get("/api/state/k?meta")
            .send()
            .json::<Value>()
            .get("version")
            .and_then(Value::as_i64)
            .unwrap_or(0);
        assert!(
            (acknowledged..=acknowledged + 1).contains(&version),
            "{version} {acknowledged}"
        );
    });
    assert_eq!(second.set("after", "1").version, 1);
    assert!(second.get("/api/audit/verify").ok::<AuditVerification>().ok);
}

#[test]
fn an_expired_key_expires_once() {
    let Some(servers) = pair() else { return };
    servers[0]
        .put("/api/state/lock?ttl=60", "1")
        .send()
        .expect(200);
    for server in &servers {
        server.advance_seconds(61);
    }
    std::thread::scope(|scope| {
        for server in &servers {
            scope.spawn(|| server.sweep());
        }
    });
    assert_eq!(
        servers[0].owner().history("topic=coro.state.expired").len(),
        1
    );
}

/// What one server hears of an agent keeps it alive for the other.
#[test]
fn replicas_hear_for_each_other() {
    let Some([first, second]) = pair() else {
        return;
    };
    let client = active(&first, "frontend");
    let elsewhere = second.client(client.token());
    for _ in 0..3 {
        first.advance_seconds(200);
        second.advance_seconds(200);
        elsewhere.get("/api/state").send().expect(200);
        second.sweep();
        first.sweep();
        assert_eq!(status_of(&first, "frontend"), Some(AgentStatus::Active));
    }
    // A token that was revoked elsewhere registers nothing, remembered or not.
    let (old, agent) = first.register(json!({"name": "backend"}));
    let remembered = second.client(old.token());
    remembered.get("/api/whoami").send().expect(200);
    remembered.get("/api/whoami").send().expect(200);
    first
        .delete(&format!("/api/instances/{}", agent.id))
        .send()
        .expect(200);
    remembered
        .post("/api/instances/register", json!({"name": "backend"}))
        .refused(Reason::Unauthenticated);
    // A new token, used at the other server for the first time, ends the old.
    let body = json!({"name": "frontend", "takeover": true});
    let (new, _) = first.register(body);
    second
        .client(new.token())
        .get("/api/whoami")
        .send()
        .expect(200);
    first.advance_seconds(3);
    client.get("/api/whoami").refused(Reason::Unauthenticated);
}
