//! The past of a key: history, old versions, rollback, differences.

use coro_api::Reason;
use coro_api::state::{DiffKind, RolledBack, StateDiff, StateHistory, StateItem};
use coro_tests::{Engine, Options, Server, both_engines, each_engine, key_path};
use serde_json::{Value, json};

both_engines![
    history_lists_every_version_the_newest_first,
    history_takes_a_limit,
    history_of_a_key_that_never_was_is_empty,
    an_old_version_comes_back_as_it_was,
    a_version_that_is_not_kept_is_not_found,
    history_goes_on_over_delete_and_recreate,
    rollback_writes_the_old_value_as_a_new_version,
    rollback_brings_a_deleted_key_back,
    rollback_to_what_never_was_is_not_found,
    a_difference_names_what_was_added_removed_and_changed,
    a_difference_of_any_json_is_given,
    a_difference_is_given_as_json_patch_that_leads_from_one_to_the_other,
    a_difference_of_text_is_a_unified_diff,
    a_difference_of_what_is_not_comparable_is_refused,
    a_difference_that_would_be_many_times_the_values_is_refused,
    a_difference_of_too_many_lines_is_refused,
    history_survives_a_restart,
];
each_engine![history_is_kept_by_count, history_is_kept_by_age];

fn history(server: &Server, key: &str) -> Vec<i64> {
    let history: StateHistory = server.get(&format!("{}?history=1", key_path(key))).ok();
    assert_eq!(history.key, key);
    history
        .versions
        .iter()
        .map(|version| version.version)
        .collect()
}

fn history_lists_every_version_the_newest_first(server: &Server) {
    let first = server.set("k", "1");
    let second = server.set("k", "2");
    let history: StateHistory = server.get("/api/state/k?history").ok();
    let [newest, oldest] = &history.versions[..] else {
        panic!("{history:?}")
    };
    assert_eq!((newest.version, &newest.hash), (2, &second.hash));
    assert_eq!((oldest.version, &oldest.hash), (1, &first.hash));
    assert_eq!(
        (oldest.revision, &oldest.updated_at),
        (first.revision, &first.updated_at)
    );
    assert_eq!(
        (oldest.updated_by.as_str(), oldest.size),
        ("human:owner", 1)
    );
}

fn history_takes_a_limit(server: &Server) {
    for value in 1..=60 {
        server.set("k", value.to_string());
    }
    assert_eq!(history(server, "k").len(), 50);
    let two: StateHistory = server.get("/api/state/k?history=1&limit=2").ok();
    assert_eq!(
        two.versions.iter().map(|v| v.version).collect::<Vec<_>>(),
        [60, 59]
    );
    for limit in ["0", "-1", "x"] {
        server
            .get(&format!("/api/state/k?history=1&limit={limit}"))
            .refused(Reason::Invalid);
    }
}

fn history_of_a_key_that_never_was_is_empty(server: &Server) {
    assert!(history(server, "nothing").is_empty());
}

fn an_old_version_comes_back_as_it_was(server: &Server) {
    let put = server
        .put("/api/state/k", "<b>")
        .header("Content-Type", "text/html");
    let etag = put.send().etag();
    server.set("k", "2");
    let old = server.get("/api/state/k?version=1").send().expect(200);
    assert_eq!(
        (old.text().as_str(), old.the("content-type")),
        ("<b>", "text/html")
    );
    assert_eq!((old.etag(), old.the("x-koor-version")), (etag, "1"));
}

fn a_version_that_is_not_kept_is_not_found(server: &Server) {
    server.set("k", "1");
    for version in ["2", "0", "-1", "9223372036854775807"] {
        server
            .get(&format!("/api/state/k?version={version}"))
            .refused(Reason::NotFound);
    }
    for version in ["x", "", "1.0", "9223372036854775808"] {
        server
            .get(&format!("/api/state/k?version={version}"))
            .refused(Reason::Invalid);
    }
}

fn history_goes_on_over_delete_and_recreate(server: &Server) {
    server.set("k", "one");
    server.delete("/api/state/k").send().expect(200);
    assert_eq!(history(server, "k"), [1]);
    server.set("k", "two");
    assert_eq!(history(server, "k"), [2, 1]);
    let version = |v: i64| {
        server
            .get(&format!("/api/state/k?version={v}"))
            .send()
            .text()
    };
    assert_eq!((version(1).as_str(), version(2).as_str()), ("one", "two"));
}

fn rollback_writes_the_old_value_as_a_new_version(server: &Server) {
    server
        .put("/api/state/k", "one")
        .header("Content-Type", "text/plain")
        .send()
        .expect(200);
    server.set("k", "2");
    let answer = server
        .owner()
        .post_nothing("/api/state/k?rollback=1")
        .send()
        .expect(200);
    let back: RolledBack = answer.json();
    assert_eq!((back.rolled_back, back.item.version), (1, 3));
    let now = server.get("/api/state/k").send();
    assert_eq!(
        (now.text().as_str(), now.the("content-type")),
        ("one", "text/plain")
    );
    assert_eq!(now.etag(), answer.etag());
    assert_eq!(history(server, "k"), [3, 2, 1]);
    let event = server.owner().history("last=1").remove(0);
    assert_eq!(event.topic, "coro.state.rolled_back");
    assert_eq!(
        (&event.data["version"], &event.data["rolled_back"]),
        (&json!(3), &json!(1))
    );
}

fn rollback_brings_a_deleted_key_back(server: &Server) {
    server.set("k", "one");
    server.delete("/api/state/k").send().expect(200);
    let back: RolledBack = server.owner().post_nothing("/api/state/k?rollback=1").ok();
    assert_eq!((back.item.version, server.value("k").as_str()), (2, "one"));
}

fn rollback_to_what_never_was_is_not_found(server: &Server) {
    server.set("k", "1");
    let owner = server.owner();
    owner
        .post_nothing("/api/state/k?rollback=7")
        .refused(Reason::NotFound);
    owner
        .post_nothing("/api/state/other?rollback=1")
        .refused(Reason::NotFound);
    owner
        .post_nothing("/api/state/k?rollback=x")
        .refused(Reason::Invalid);
    owner.post_nothing("/api/state/k").refused(Reason::Invalid);
    assert_eq!(history(server, "k"), [1]);
}

fn a_difference_names_what_was_added_removed_and_changed(server: &Server) {
    server.set("k", r#"{"a":1,"b":{"c":[1]},"x":0}"#);
    server.set("k", r#"{"a":1,"b":{"c":[2]},"y":0}"#);
    let diff: StateDiff = server.get("/api/state/k?diff=1,2").ok();
    let found: Vec<_> = diff
        .diffs
        .iter()
        .map(|entry| (entry.path.as_str(), entry.kind))
        .collect();
    assert_eq!((diff.v1, diff.v2), (1, 2));
    assert_eq!(
        found,
        [
            ("b.c", DiffKind::Changed),
            ("x", DiffKind::Removed),
            ("y", DiffKind::Added)
        ]
    );
}

fn a_difference_of_any_json_is_given(server: &Server) {
    server.set("k", "[1]");
    server.set("k", "\"text\"");
    let diff: StateDiff = server.get("/api/state/k?diff=1,2").ok();
    assert_eq!((diff.diffs.len(), diff.diffs[0].path.as_str()), (1, ""));
    let same: StateDiff = server.get("/api/state/k?diff=2,2").ok();
    assert!(same.diffs.is_empty());
}

fn a_difference_is_given_as_json_patch_that_leads_from_one_to_the_other(server: &Server) {
    let (old, new) = (json!({"a": [1, 2], "~/": 1}), json!({"a": [2], "b": null}));
    server.set("k", old.to_string());
    server.set("k", new.to_string());
    let diff = server
        .get("/api/state/k?diff=1,2&format=json-patch")
        .send()
        .expect(200);
    assert_eq!(diff.the("content-type"), "application/json-patch+json");
    server.set("copy", old.to_string());
    let patch = server
        .owner()
        .patch("/api/state/copy", "application/json-patch+json", &diff.body);
    patch.ok::<StateItem>();
    assert_eq!(server.get("/api/state/copy").ok::<Value>(), new);
}

fn a_difference_of_text_is_a_unified_diff(server: &Server) {
    server.set("k", "one\ntwo\n");
    server.set("k", "one\nthree\n");
    let diff = server
        .get("/api/state/k?diff=1,2&format=text")
        .send()
        .expect(200);
    assert!(diff.the("content-type").starts_with("text/plain"));
    assert!(
        diff.text()
            .contains("@@ -1,2 +1,2 @@\n one\n-two\n+three\n"),
        "{}",
        diff.text()
    );
}

fn a_difference_of_what_is_not_comparable_is_refused(server: &Server) {
    server.set("k", "text");
    server.set("k", [0xff, 0xfe]);
    server.get("/api/state/k?diff=1,2").refused(Reason::Invalid);
    server
        .get("/api/state/k?diff=1,2&format=text")
        .refused(Reason::Invalid);
    server
        .get("/api/state/k?diff=1,3")
        .refused(Reason::NotFound);
    for diff in ["1", "1,2,3", "a,b", "", "1;2"] {
        server
            .get(&format!("/api/state/k?diff={diff}"))
            .refused(Reason::Invalid);
    }
    server
        .get("/api/state/k?diff=1,2&format=xml")
        .refused(Reason::Invalid);
}

/// Each entry names its path: together they were many times the values.
fn a_difference_that_would_be_many_times_the_values_is_refused(server: &Server) {
    let refused = |query: &str| {
        let path = format!("/api/state/k?diff={query}");
        let refused = server.get(&path).refused(Reason::Invalid);
        assert!(refused.next.expect("a hint").contains("?version="));
    };
    server.set("k", json!(vec![1; 100_001]).to_string());
    server.set("k", json!(vec![2; 100_001]).to_string());
    refused("1,2&format=json-patch");
    // Koor's form compares arrays whole.
    let diff: StateDiff = server.get("/api/state/k?diff=1,2").ok();
    assert_eq!(diff.diffs.len(), 1);
    let under_a_long_name = |value: i32| {
        let members: serde_json::Map<String, Value> =
            (0..500).map(|n| (n.to_string(), json!(value))).collect();
        json!({ "x".repeat(100_000): members }).to_string()
    };
    server.set("k", under_a_long_name(1));
    server.set("k", under_a_long_name(2));
    refused("3,4");
    refused("3,4&format=json-patch");
}

fn a_difference_of_too_many_lines_is_refused(server: &Server) {
    server.set("k", "\n".repeat(1_000_000));
    server.set("k", "\n");
    let text = server.get("/api/state/k?diff=1,2&format=text");
    let refused = text.refused(Reason::Invalid);
    assert!(
        refused.detail.contains("1000001 lines"),
        "{}",
        refused.detail
    );
}

fn history_survives_a_restart(server: &Server) {
    server.set("k", "1");
    server.set("k", "2");
    server.restart();
    server.set("k", "3");
    assert_eq!(history(server, "k"), [3, 2, 1]);
    assert_eq!(server.get("/api/state/k?version=1").send().text(), "1");
}

fn history_is_kept_by_count(engine: Engine) {
    let server = Options::new(engine)
        .config("[retention]\nhistory_versions = 3\n")
        .start();
    for value in 1..=40 {
        server.set("k", value.to_string());
    }
    server.sweep();
    assert_eq!(history(&server, "k"), [40, 39, 38]);
    assert_eq!(server.get("/api/state/k?version=38").send().text(), "38");
    let problem = server
        .get("/api/state/k?version=37")
        .refused(Reason::NotFound);
    assert!(problem.next.expect("a hint").contains("no longer kept"));
    server
        .owner()
        .post_nothing("/api/state/k?rollback=37")
        .refused(Reason::NotFound);
}

fn history_is_kept_by_age(engine: Engine) {
    let server = Options::new(engine)
        .config("[retention]\nhistory_days = 10\n")
        .start();
    server.set("k", "1");
    server.set("k", "2");
    server.set("alone", "1");
    server.advance_days(11);
    server.set("k", "3");
    server.sweep();
    assert_eq!(history(&server, "k"), [3, 2], "2 is of the past since now");
    server.advance_days(11);
    server.publish("shop.a", json!(1));
    server.sweep();
    assert_eq!(history(&server, "k"), [3]);
    assert_eq!(server.value("alone"), "1", "the present value has no age");
}
