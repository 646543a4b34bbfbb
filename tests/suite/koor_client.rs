//! A client of Koor's: each route of its sections on health, state, events,
//! instances and metrics answers as such a client expects.
//!
//! What differs, and why:
//! - Every call needs a token: without one Koor is open to any web page.
//! - `PUT` answers with an `ETag` header too, and `ETag`s name the version:
//!   two equal values are two versions. Koor's bare hash is still taken.
//! - `GET …?version=N` has an `ETag`: it is a versioned thing.
//! - `POST`s need a JSON content type: a web page can send text anywhere.
//! - What Koor ignores is refused: unknown parameters, numbers and times that
//!   are none, a body of more than 10 MiB.
//! - Keys and topics have rules; the empty key is none.
//! - `source` of an event is who published it, which Koor leaves empty.
//! - A topic filter holds before the limit, so that nothing is hidden by it.
//! - Errors have a content type and more fields; `error` and `code` are there.
//! - Unknown routes and methods answer with the same kind of error.
//! - Registering a name again continues it; one that is alive answers `409`.
//! - A deregistered instance is shown with the status `ended`.

use coro_tests::{Response, Server, WebSocket, both_engines};
use serde_json::{Value, json};

both_engines![
    health_is_what_koor_answers,
    a_list_of_keys_is_what_koor_answers,
    a_value_is_what_koor_answers,
    history_is_what_koor_answers,
    a_difference_is_what_koor_answers,
    an_old_version_is_what_koor_answers,
    a_write_is_what_koor_answers,
    a_rollback_is_what_koor_answers,
    a_delete_is_what_koor_answers,
    publish_is_what_koor_answers,
    event_history_is_what_koor_answers,
    a_subscription_is_what_koor_answers,
    metrics_are_what_koor_answers,
    the_names_of_koors_own_topics_are_known,
    an_instance_is_what_koor_answers,
];

/// Has all of these members, and perhaps more.
#[track_caller]
fn has(value: &Value, members: &[&str]) {
    for member in members {
        assert!(value.get(member).is_some(), "no {member} in {value}");
    }
}

#[track_caller]
fn koor_error(answer: Response, code: u16, message: &str) {
    let answer = answer.expect(code);
    let body: Value = answer.json();
    assert_eq!(
        (&body["code"], &body["error"]),
        (&json!(code), &json!(message))
    );
}

fn health_is_what_koor_answers(server: &Server) {
    let health: Value = server.anonymous().get("/health").ok();
    assert_eq!(health["status"], "ok");
    assert!(health["uptime"].is_string());
}

fn a_list_of_keys_is_what_koor_answers(server: &Server) {
    assert_eq!(server.get("/api/state").ok::<Value>(), json!([]));
    server.set("b", "1");
    server.set("a", "1");
    let list: Value = server.get("/api/state").ok();
    has(&list[0], &["key", "version", "content_type", "updated_at"]);
    assert_eq!(
        (&list[0]["key"], &list[1]["key"]),
        (&json!("a"), &json!("b"))
    );
}

fn a_value_is_what_koor_answers(server: &Server) {
    let hash: Value = server.put("/api/state/p/k", "{\"a\": 1}").ok();
    let answer = server.get("/api/state/p/k").send().expect(200);
    assert_eq!(
        (answer.text().as_str(), answer.the("x-koor-version")),
        ("{\"a\": 1}", "1")
    );
    let bare = format!("\"{}\"", hash["hash"].as_str().expect("text"));
    server
        .get("/api/state/p/k")
        .header("If-None-Match", &bare)
        .send()
        .expect(304);
    koor_error(
        server.get("/api/state/none").send(),
        404,
        "key not found: none",
    );
}

fn history_is_what_koor_answers(server: &Server) {
    server.set("k", "1");
    server.set("k", "2");
    for query in ["history=1", "history=true", "history=1&limit=5"] {
        let history: Value = server.get(&format!("/api/state/k?{query}")).ok();
        assert_eq!(history["key"], "k");
        assert_eq!(history["versions"][0]["version"], 2);
        has(
            &history["versions"][0],
            &[
                "key",
                "version",
                "hash",
                "content_type",
                "updated_at",
                "updated_by",
            ],
        );
    }
    let none: Value = server.get("/api/state/none?history=1").ok();
    assert_eq!(none["versions"], json!([]));
}

fn a_difference_is_what_koor_answers(server: &Server) {
    server.set("k", r#"{"a":{"b":1},"c":1}"#);
    server.set("k", r#"{"a":{"b":2},"d":1}"#);
    let diff: Value = server.get("/api/state/k?diff=1,2").ok();
    let diffs = json!([
        {"path": "a.b", "old": 1, "new": 2, "kind": "changed"},
        {"path": "c", "old": 1, "kind": "removed"},
        {"path": "d", "new": 1, "kind": "added"},
    ]);
    assert_eq!(diff, json!({"key": "k", "v1": 1, "v2": 2, "diffs": diffs}));
    server.get("/api/state/k?diff=1,x").send().expect(400);
}

fn an_old_version_is_what_koor_answers(server: &Server) {
    server
        .put("/api/state/k", "old")
        .header("Content-Type", "text/plain")
        .send()
        .expect(200);
    server.set("k", "2");
    let old = server.get("/api/state/k?version=1").send().expect(200);
    assert_eq!(
        (old.text().as_str(), old.the("content-type")),
        ("old", "text/plain")
    );
    assert_eq!(old.the("x-koor-version"), "1");
    server.get("/api/state/k?version=x").send().expect(400);
    server.get("/api/state/k?version=9").send().expect(404);
}

fn a_write_is_what_koor_answers(server: &Server) {
    let created: Value = server.put("/api/state/k", "1").ok();
    has(
        &created,
        &["key", "version", "hash", "content_type", "updated_at"],
    );
    assert_eq!(
        (&created["version"], &created["content_type"]),
        (&json!(1), &json!("application/json"))
    );
    assert_eq!(server.put("/api/state/k", "1").ok::<Value>()["version"], 2);
    koor_error(server.put("/api/state/k", "").send(), 400, "empty body");
}

fn a_rollback_is_what_koor_answers(server: &Server) {
    server.set("k", "1");
    server.set("k", "2");
    let answer: Value = server.owner().post_nothing("/api/state/k?rollback=1").ok();
    has(
        &answer,
        &["key", "version", "hash", "rolled_back", "updated_at"],
    );
    assert_eq!(
        (&answer["version"], &answer["rolled_back"]),
        (&json!(3), &json!(1))
    );
    server
        .owner()
        .post_nothing("/api/state/k")
        .send()
        .expect(400);
    server
        .owner()
        .post_nothing("/api/state/k?rollback=9")
        .send()
        .expect(404);
}

fn a_delete_is_what_koor_answers(server: &Server) {
    server.set("k", "1");
    assert_eq!(server.delete("/api/state/k").ok::<Value>()["deleted"], "k");
    koor_error(
        server.delete("/api/state/k").send(),
        404,
        "key not found: k",
    );
}

fn publish_is_what_koor_answers(server: &Server) {
    let event: Value = server
        .post(
            "/api/events/publish",
            json!({"topic": "api.change", "data": {"a": 1}}),
        )
        .ok();
    has(&event, &["id", "topic", "data", "source", "created_at"]);
    assert!(event["id"].is_i64());
    server
        .post("/api/events/publish", json!({"data": 1}))
        .send()
        .expect(400);
    server
        .post("/api/events/publish", json!({"topic": ""}))
        .send()
        .expect(400);
}

fn event_history_is_what_koor_answers(server: &Server) {
    let first = server.publish("api.change.contract", json!(1));
    let second = server.publish("other", json!(2));
    let history: Value = server
        .get("/api/events/history?last=2&topic=*&source=")
        .ok();
    assert_eq!(
        (&history[0]["id"], &history[1]["id"]),
        (&json!(second.id), &json!(first.id))
    );
    let filtered: Value = server.get("/api/events/history?topic=api.*").ok();
    assert_eq!(filtered.as_array().map(Vec::len), Some(1));
    let timed = "/api/events/history?from=2020-01-01T00:00:00Z&to=2999-01-01T00:00:00Z&topic=other";
    assert_eq!(server.get(timed).ok::<Value>()[0]["id"], second.id);
}

fn a_subscription_is_what_koor_answers(server: &Server) {
    let mut socket = WebSocket::subscribe(&server.owner(), "pattern=api.*");
    server.publish("other", json!(1));
    let event = server.publish("api.change.contract", json!({"a": 1}));
    assert_eq!(socket.next_event(), event);
    let mut all = WebSocket::subscribe(&server.owner(), "");
    server.publish("anything", json!(1));
    assert_eq!(all.next_event().topic, "anything");
}

fn metrics_are_what_koor_answers(server: &Server) {
    server.set("k", "1");
    let event = server.publish("a", json!(1));
    let metrics: Value = server.get("/api/metrics").ok();
    has(
        &metrics,
        &[
            "uptime",
            "state_keys",
            "instances",
            "last_event_id",
            "api_bind",
            "dashboard_bind",
        ],
    );
    assert_eq!(
        (&metrics["state_keys"], &metrics["last_event_id"]),
        (&json!(1), &json!(event.id))
    );
    let tax = &metrics["token_tax"];
    has(
        tax,
        &[
            "mcp_calls",
            "total_calls",
            "mcp_estimated_tokens",
            "rest_tokens_saved",
            "savings_percent",
        ],
    );
    assert_eq!(tax["rest_calls"], 2);
    assert_eq!(
        server
            .owner()
            .post_nothing("/api/metrics/reset")
            .ok::<Value>(),
        json!({"reset": true})
    );
    assert_eq!(
        server.get("/api/metrics").ok::<Value>()["token_tax"]["rest_calls"],
        0
    );
}

fn the_names_of_koors_own_topics_are_known(server: &Server) {
    for topic in ["agent.stale", "compliance.violation", "llm.usage.recorded"] {
        server
            .get(&format!("/api/events/history?topic={topic}"))
            .ok::<Vec<Value>>();
    }
}

/// Koor's clients share one token and name the instance.
fn an_instance_is_what_koor_answers(server: &Server) {
    let body =
        json!({"name": "frontend", "workspace": "~/shop", "intent": "begin", "stack": "react"});
    let registered: Value = server.post("/api/instances/register", body).ok();
    let members = [
        "id",
        "name",
        "workspace",
        "intent",
        "stack",
        "capabilities",
        "status",
        "registered_at",
        "last_seen",
    ];
    has(&registered, &members);
    assert!(registered["token"].is_string() && registered["status"] == "pending");
    let id = registered["id"].as_str().expect("an id");
    let path = format!("/api/instances/{id}");
    let call = |what: &str| {
        server
            .owner()
            .post_nothing(&format!("{path}/{what}"))
            .ok::<Value>()
    };
    assert_eq!(call("activate"), json!({"id": id, "status": "active"}));
    assert_eq!(call("heartbeat"), json!({"id": id, "status": "ok"}));
    let body = json!({"capabilities": ["css"]});
    let set: Value = server.post(&format!("{path}/capabilities"), body).ok();
    assert_eq!(set, json!({"id": id, "capabilities": ["css"]}));
    let one: Value = server.get(&path).ok();
    has(&one, &members);
    assert!(one["token"].is_null());
    for query in [
        "",
        "?name=frontend&stack=react",
        "?capability=css",
        "?workspace=~/shop",
    ] {
        let list: Value = server.get(&format!("/api/instances{query}")).ok();
        assert_eq!(list[0]["id"], id, "{query}");
    }
    assert_eq!(server.get("/api/instances/stale").ok::<Value>(), json!([]));
    let check: Value = server.owner().post_nothing("/api/liveness/check").ok();
    assert_eq!(
        check,
        json!({"checked": true, "newly_stale": [], "count": 0})
    );
    assert_eq!(server.delete(&path).ok::<Value>(), json!({ "deleted": id }));
    server.get("/api/instances/nothing").send().expect(404);
    server
        .post("/api/instances/register", json!({"workspace": "x"}))
        .send()
        .expect(400);
}
