//! Compare-and-write of several keys at once.

use coro_api::Reason;
use coro_api::state::StateItem;
use coro_api::tokens::Role;
use coro_api::txn::{TxnResponse, TxnResult};
use coro_tests::{Request, Server, both_engines};
use serde_json::{Value, json};

both_engines![
    writes_of_a_transaction_happen_together,
    a_failing_comparison_writes_nothing,
    version_zero_means_that_a_key_does_not_exist,
    a_comparison_of_a_deleted_key_is_zero,
    a_comparison_may_be_of_a_key_that_is_not_written,
    values_are_json_or_bytes,
    a_transaction_has_one_event_for_each_write_in_order,
    a_failing_write_takes_the_whole_transaction_with_it,
    a_key_that_demands_conditions_needs_a_comparison,
    a_transaction_takes_a_time_to_live,
    a_malformed_transaction_is_refused,
    a_transaction_has_bounds,
    keys_outside_of_the_project_are_refused,
    transfers_between_accounts_keep_the_sum,
];

fn txn(server: &Server, compare: Value, writes: Value) -> Request {
    server.post("/api/txn", json!({"compare": compare, "writes": writes}))
}

fn put(key: &str, value: i64) -> Value {
    json!({"op": "put", "key": key, "value": value})
}

fn writes_of_a_transaction_happen_together(server: &Server) {
    server.set("old", "1");
    let writes = json!([put("a", 1), put("b", 2), {"op": "delete", "key": "old"}]);
    let answer = txn(server, json!([{"key": "old", "version": 1}]), writes)
        .send()
        .expect(200);
    let done: TxnResponse = answer.json();
    assert_eq!(answer.revision(), done.revision);
    let [
        TxnResult::Put(a),
        TxnResult::Put(b),
        TxnResult::Delete { key, revision },
    ] = &done.results[..]
    else {
        panic!("{done:?}")
    };
    assert_eq!(
        (a.version, b.revision, *revision),
        (1, a.revision + 1, a.revision + 2)
    );
    assert_eq!((key.as_str(), *revision), ("old", done.revision));
    assert_eq!(
        (server.value("a"), server.value("b")),
        ("1".to_owned(), "2".to_owned())
    );
    server.get("/api/state/old").refused(Reason::NotFound);
}

fn a_failing_comparison_writes_nothing(server: &Server) {
    server.set("a", "1");
    let before = server.revision();
    let compare = json!([{"key": "a", "version": 7}]);
    let problem = txn(server, compare, json!([put("b", 1)])).refused(Reason::PreconditionFailed);
    assert!(
        problem.detail.contains("\"a\"") && problem.detail.contains('1'),
        "{problem:?}"
    );
    server.get("/api/state/b").refused(Reason::NotFound);
    assert_eq!(server.revision(), before);
}

fn version_zero_means_that_a_key_does_not_exist(server: &Server) {
    let create = || {
        txn(
            server,
            json!([{"key": "a", "version": 0}]),
            json!([put("a", 1)]),
        )
    };
    create().send().expect(200);
    create().refused(Reason::PreconditionFailed);
}

fn a_comparison_of_a_deleted_key_is_zero(server: &Server) {
    server.set("a", "1");
    server.delete("/api/state/a").send().expect(200);
    let with = |version: i64| {
        txn(
            server,
            json!([{"key": "a", "version": version}]),
            json!([put("a", 2)]),
        )
    };
    with(1).refused(Reason::PreconditionFailed);
    with(0).send().expect(200);
    with(2).send().expect(200);
}

fn a_comparison_may_be_of_a_key_that_is_not_written(server: &Server) {
    server.set("leader", "\"me\"");
    let write = |version: i64| {
        txn(
            server,
            json!([{"key": "leader", "version": version}]),
            json!([put("work", 1)]),
        )
    };
    write(1).send().expect(200);
    server.set("leader", "\"you\"");
    write(1).refused(Reason::PreconditionFailed);
}

fn values_are_json_or_bytes(server: &Server) {
    let writes = json!([
        {"op": "put", "key": "json", "value": {"b": 1, "a": [null]}},
        {"op": "put", "key": "null", "value": null},
        {"op": "put", "key": "bytes", "base64": "AP+A"},
        {"op": "put", "key": "text", "base64": "aGk=", "content_type": "text/plain"},
    ]);
    txn(server, json!([]), writes).send().expect(200);
    assert_eq!(server.value("json"), r#"{"b":1,"a":[null]}"#);
    assert_eq!(server.value("null"), "null");
    let bytes = server.get("/api/state/bytes").send();
    assert_eq!(
        (&bytes.body[..], bytes.the("content-type")),
        (&[0, 255, 128][..], "application/octet-stream")
    );
    assert_eq!(
        server.get("/api/state/text").send().the("content-type"),
        "text/plain"
    );
}

fn a_transaction_has_one_event_for_each_write_in_order(server: &Server) {
    server.set("c", "1");
    let from = server.revision();
    let writes = json!([put("b", 1), put("a", 1), {"op": "delete", "key": "c"}]);
    txn(server, json!([]), writes).send().expect(200);
    let events = server.owner().poll(&format!("from={from}")).events;
    let seen: Vec<_> = events
        .iter()
        .map(|e| (e.topic.as_str(), e.subject.as_str()))
        .collect();
    let put = "coro.state.put";
    assert_eq!(seen, [(put, "b"), (put, "a"), ("coro.state.deleted", "c")]);
}

fn a_failing_write_takes_the_whole_transaction_with_it(server: &Server) {
    let writes = json!([put("a", 1), {"op": "delete", "key": "nothing"}]);
    txn(server, json!([]), writes).refused(Reason::NotFound);
    server.get("/api/state/a").refused(Reason::NotFound);
}

fn a_key_that_demands_conditions_needs_a_comparison(server: &Server) {
    server
        .put("/api/state/a?conditional=true", "1")
        .send()
        .expect(200);
    txn(server, json!([]), json!([put("a", 2)])).refused(Reason::PreconditionRequired);
    txn(
        server,
        json!([{"key": "a", "version": 1}]),
        json!([put("a", 2)]),
    )
    .send()
    .expect(200);
}

fn a_transaction_takes_a_time_to_live(server: &Server) {
    let writes = json!([{"op": "put", "key": "lock", "value": 1, "ttl": 60}, put("b", 1)]);
    txn(server, json!([]), writes).send().expect(200);
    server.advance_seconds(61);
    server.sweep();
    server.get("/api/state/lock").refused(Reason::NotFound);
    assert_eq!(server.value("b"), "1");
}

fn a_malformed_transaction_is_refused(server: &Server) {
    for body in [
        json!({}),
        json!({"writes": []}),
        json!({"writes": [{"op": "put", "key": "a"}]}),
        json!({"writes": [{"op": "put", "key": "a", "value": 1, "base64": "AA=="}]}),
        json!({"writes": [{"op": "put", "key": "a", "base64": "not base64"}]}),
        json!({"writes": [{"op": "put", "key": "a", "base64": ""}]}),
        json!({"writes": [{"op": "move", "key": "a"}]}),
        json!({"writes": [put("a//b", 1)]}),
        json!({"writes": [put("a", 1), put("a", 2)]}),
        json!({"writes": [put("a", 1)], "extra": 1}),
        json!({"writes": [put("a", 1)], "compare": [{"key": "a", "version": -1}]}),
        json!({"writes": [put("a", 1)], "compare": [{"key": "a"}]}),
        json!({"writes": [{"op": "put", "key": "a", "value": 1, "ttl": 0}]}),
    ] {
        server.post("/api/txn", body).refused(Reason::Invalid);
    }
    server.get("/api/state/a").refused(Reason::NotFound);
}

fn a_transaction_has_bounds(server: &Server) {
    let writes = |count: i64| {
        (0..count)
            .map(|n| put(&format!("k/{n}"), n))
            .collect::<Value>()
    };
    let compare = |count: i64| {
        (0..count)
            .map(|n| json!({"key": format!("c/{n}"), "version": 0}))
            .collect::<Value>()
    };
    txn(server, compare(128), writes(128)).send().expect(200);
    txn(server, compare(129), writes(1)).refused(Reason::Invalid);
    let problem = txn(server, json!([]), writes(129)).refused(Reason::Invalid);
    assert!(problem.detail.contains("128"), "{}", problem.detail);
}

fn keys_outside_of_the_project_are_refused(server: &Server) {
    let agent = server.issue_for_project(Role::Agent, "frontend", "shop");
    let send = |compare: Value, writes: Value| {
        agent.post("/api/txn", json!({"compare": compare, "writes": writes}))
    };
    send(json!([]), json!([put("shop/a", 1), put("other/a", 1)])).refused(Reason::Forbidden);
    let peek = json!([{"key": "other/a", "version": 0}]);
    send(peek, json!([put("shop/a", 1)])).refused(Reason::Forbidden);
    server.get("/api/state/shop/a").refused(Reason::NotFound);
    send(json!([]), json!([put("shop/a", 1)]))
        .send()
        .expect(200);
}

fn transfers_between_accounts_keep_the_sum(server: &Server) {
    const ACCOUNTS: usize = 3;
    for account in 0..ACCOUNTS {
        server.set(&format!("account/{account}"), "100");
    }
    let read = |account: usize| {
        let answer = server
            .get(&format!("/api/state/account/{account}"))
            .send()
            .expect(200);
        let version: i64 = answer.the("x-koor-version").parse().expect("a number");
        (version, answer.json::<i64>())
    };
    std::thread::scope(|scope| {
        for worker in 0..4 {
            scope.spawn(move || {
                let (from, to) = (worker % ACCOUNTS, (worker + 1) % ACCOUNTS);
                let mut done = 0;
                while done < 5 {
                    let ((v1, source), (v2, target)) = (read(from), read(to));
                    let keys = [format!("account/{from}"), format!("account/{to}")];
                    let compare =
                        json!([{"key": keys[0], "version": v1}, {"key": keys[1], "version": v2}]);
                    let writes = json!([put(&keys[0], source - 1), put(&keys[1], target + 1)]);
                    let status = txn(server, compare, writes).send().status;
                    assert!(matches!(status, 200 | 412), "{status}");
                    done += usize::from(status == 200);
                }
            });
        }
    });
    let versions = |n: usize| {
        server
            .get(&format!("/api/state/account/{n}?meta"))
            .ok::<StateItem>()
            .version
    };
    assert_eq!(
        (0..ACCOUNTS).map(|account| read(account).1).sum::<i64>(),
        300
    );
    assert_eq!((0..ACCOUNTS).map(versions).sum::<i64>(), 3 + 2 * 20);
}
