//! Values under keys: write, read, list, delete, change a part, expire.

use coro_api::Reason;
use coro_api::limits::TTL_SECONDS_MAX;
use coro_api::state::{Deleted, StateItem};
use coro_api::tokens::Role;
use coro_tests::{Engine, Server, both_engines, encode, key_path};
use serde_json::{Value, json};

both_engines![
    a_value_comes_back_as_it_was_written,
    any_bytes_with_any_content_type_come_back,
    a_value_of_the_largest_size_is_stored_and_one_byte_more_is_refused,
    an_empty_body_is_refused,
    a_write_answers_with_version_hash_and_etag,
    writing_the_same_value_again_makes_a_new_version,
    a_key_that_never_was_is_not_found,
    keys_of_any_characters_are_kept_apart,
    keys_that_could_mislead_are_refused,
    head_answers_as_get_without_the_body,
    a_read_tells_where_the_log_stands,
    meta_tells_about_a_value_without_it,
    a_list_is_sorted_by_bytes,
    a_list_takes_a_prefix_literally,
    a_list_in_pages_is_the_whole_list,
    a_list_of_a_token_with_limits_has_all_that_it_may_see,
    a_list_of_a_project_reads_no_other,
    a_page_of_a_list_says_at_which_revision_it_was_read,
    an_absurd_limit_is_refused,
    a_list_beyond_the_largest_asks_for_a_limit,
    a_deleted_key_is_gone_and_its_versions_go_on,
    deleting_what_is_not_there_is_not_found,
    a_merge_patch_changes_members_and_removes_nulls,
    a_json_patch_is_applied_whole_or_not_at_all,
    a_json_patch_that_multiplies_a_value_is_refused,
    a_merge_patch_of_nothing_makes_the_key,
    a_patch_of_a_value_that_is_not_json_is_refused,
    a_patch_needs_a_patch_type,
    a_key_expires_by_itself_and_says_so,
    an_expired_key_is_gone_before_any_sweep,
    a_write_without_ttl_lets_a_key_live,
    an_absurd_ttl_is_refused,
    values_survive_a_restart,
    sixty_four_clients_writing_lose_no_version,
    a_key_that_is_written_after_its_time_says_first_that_it_expired,
    a_patch_keeps_the_time_of_a_key,
];

fn a_value_comes_back_as_it_was_written(server: &Server) {
    server
        .put("/api/state/shop/plan", "{\"a\": 1 }")
        .send()
        .expect(200);
    let answer = server.get("/api/state/shop/plan").send().expect(200);
    assert_eq!(answer.text(), "{\"a\": 1 }");
    assert_eq!(answer.the("content-type"), "application/json");
    assert_eq!(answer.the("x-koor-version"), "1");
}

fn any_bytes_with_any_content_type_come_back(server: &Server) {
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let put = server.put("/api/state/shop/picture", &bytes);
    put.header("Content-Type", "image/x-strange; a=\"b\"")
        .send()
        .expect(200);
    let answer = server.get("/api/state/shop/picture").send().expect(200);
    assert_eq!(answer.body, bytes);
    assert_eq!(answer.the("content-type"), "image/x-strange; a=\"b\"");
    assert_eq!(answer.the("x-content-type-options"), "nosniff");
}

fn a_value_of_the_largest_size_is_stored_and_one_byte_more_is_refused(server: &Server) {
    let largest = vec![b'x'; coro_api::limits::BODY_BYTES_MAX];
    let item: StateItem = server.put("/api/state/big", &largest).ok();
    assert_eq!(item.size, largest.len() as i64);
    assert!(server.get("/api/state/big").send().expect(200).body == largest);
    let larger = [&largest[..], b"x"].concat();
    server
        .put("/api/state/big", larger)
        .refused(Reason::TooLarge);
    assert_eq!(
        server.head("/api/state/big").send().the("x-koor-version"),
        "1"
    );
}

fn an_empty_body_is_refused(server: &Server) {
    let problem = server
        .put("/api/state/shop/plan", "")
        .refused(Reason::Invalid);
    assert_eq!(problem.detail, "empty body");
    server.get("/api/state/shop/plan").refused(Reason::NotFound);
}

fn a_write_answers_with_version_hash_and_etag(server: &Server) {
    let answer = server.put("/api/state/shop/plan", "1").send().expect(200);
    let item: StateItem = answer.json();
    let hash = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b";
    assert_eq!(answer.etag(), "\"v1-6b86b273ff34fce1\"");
    assert_eq!(answer.revision(), item.revision);
    assert_eq!(
        (item.key.as_str(), item.version, item.size),
        ("shop/plan", 1, 1)
    );
    assert_eq!(
        (item.hash.as_str(), item.updated_by.as_str()),
        (hash, "human:owner")
    );
    assert_eq!((item.expires_at, item.conditional), (None, false));
    assert_eq!(
        server.get("/api/state/shop/plan").send().etag(),
        answer.etag()
    );
}

fn writing_the_same_value_again_makes_a_new_version(server: &Server) {
    let first = server.set("k", "1");
    let second = server.set("k", "1");
    assert_eq!((second.version, second.revision), (2, first.revision + 1));
    assert_eq!(first.hash, second.hash);
}

fn a_key_that_never_was_is_not_found(server: &Server) {
    let problem = server
        .get("/api/state/shop/nothing")
        .refused(Reason::NotFound);
    assert_eq!(problem.detail, "key not found: shop/nothing");
    assert!(problem.next.is_some());
}

fn keys_of_any_characters_are_kept_apart(server: &Server) {
    let keys = [
        "a b",
        "a+b",
        "a%20b",
        "ä/日本/🦀",
        "x?y=1&z#w",
        "a/.b",
        "\"'\\",
        "A",
        "a",
        "%2F",
    ];
    for key in keys {
        server.set(key, key);
    }
    for key in keys {
        assert_eq!(server.value(key), key);
        server.delete(&key_path(key)).ok::<Deleted>();
        server.get(&key_path(key)).refused(Reason::NotFound);
    }
}

fn keys_that_could_mislead_are_refused(server: &Server) {
    let long = "k".repeat(513);
    for key in [
        "%20/../a",
        "a/%2E%2E/b",
        "a//b",
        "a%00b",
        "a%0Ab",
        "%E2%80%AEtxt",
        "%FF",
        &long,
    ] {
        let problem = server
            .put(&format!("/api/state/{key}"), "1")
            .refused(Reason::Invalid);
        let names = problem.detail.contains("key") || problem.detail.contains("path");
        assert!(names, "{}", problem.detail);
    }
    server.set(&long[..512], "1");
}

fn head_answers_as_get_without_the_body(server: &Server) {
    server.set("shop/plan", "12345");
    let get = server.get("/api/state/shop/plan").send().expect(200);
    let head = server.head("/api/state/shop/plan").send().expect(200);
    assert!(head.body.is_empty());
    for name in [
        "etag",
        "content-type",
        "x-koor-version",
        "coro-revision",
        "content-length",
    ] {
        assert_eq!(head.the(name), get.the(name), "{name}");
    }
    assert_eq!(server.head("/api/state/nothing").send().status, 404);
}

fn a_read_tells_where_the_log_stands(server: &Server) {
    let written = server.set("shop/plan", "1");
    let last = server.set("shop/other", "2").revision;
    assert!(last > written.revision);
    for reading in ["", "?meta", "?version=1"] {
        let answer = server.get(&format!("/api/state/shop/plan{reading}"));
        assert_eq!(answer.send().expect(200).revision(), last, "{reading}");
    }
    let known = server.get("/api/state/shop/plan").send().etag();
    let answer = server
        .get("/api/state/shop/plan")
        .header("If-None-Match", &known);
    assert_eq!(answer.send().expect(304).revision(), last);
}

fn meta_tells_about_a_value_without_it(server: &Server) {
    let written = server.set("shop/plan", "1");
    let answer = server.get("/api/state/shop/plan?meta").send().expect(200);
    assert_eq!(answer.json::<StateItem>(), written);
    assert_eq!(
        answer.etag(),
        server.get("/api/state/shop/plan").send().etag()
    );
}

fn a_list_is_sorted_by_bytes(server: &Server) {
    for key in ["b", "a/b", "a-b", "a", "B", "é", "z", "a/a"] {
        server.set(key, "1");
    }
    let keys = keys_of(&server.get("/api/state").send().expect(200).json());
    assert_eq!(keys, ["B", "a", "a-b", "a/a", "a/b", "b", "z", "é"]);
}

fn a_list_takes_a_prefix_literally(server: &Server) {
    for key in [
        "shop/a", "shop/b", "shop%/c", "shop_", "shopx", "sho", "SHOP/a",
    ] {
        server.set(key, "1");
    }
    for (prefix, count) in [
        ("shop/", 2),
        ("shop", 5),
        ("shop%", 1),
        ("shop_", 1),
        ("x", 0),
    ] {
        let list: Value = server
            .get(&format!("/api/state?prefix={}", encode(prefix)))
            .ok();
        assert_eq!(keys_of(&list).len(), count, "{prefix}");
    }
}

fn a_list_in_pages_is_the_whole_list(server: &Server) {
    for number in 0..7 {
        server.set(&format!("a/k {number}&"), "1");
    }
    server.set("b", "1");
    let mut keys = Vec::new();
    let mut next = Some("/api/state?prefix=a/&limit=3".to_owned());
    while let Some(path) = next {
        let page = server.get(&path).send().expect(200);
        keys.extend(keys_of(&page.json()));
        next = page.next_page();
    }
    let whole: Value = server.get("/api/state?prefix=a/").ok();
    assert_eq!((keys.len(), &keys), (7, &keys_of(&whole)));
    assert_eq!(
        server
            .get("/api/state?prefix=a/&limit=7")
            .send()
            .next_page(),
        None
    );
}

fn a_list_of_a_token_with_limits_has_all_that_it_may_see(server: &Server) {
    let all = [
        "a/b", "shop", "shop!/x", "shop-x/a", "shop/a", "shop/a/b", "shop/b", "shop/ä", "shop0",
        "shop0/a", "z",
    ];
    for key in all {
        server.set(key, "1");
    }
    let check = |token: Value, prefix: &str, seen: &[&str]| {
        let client = server.issue_with(token);
        let path = format!("/api/state?limit=1&prefix={}", encode(prefix));
        let mut keys = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = client.get(&format!("{path}&cursor={}", encode(&cursor)));
            let page: Vec<StateItem> = page.ok();
            let Some(last) = page.last() else { break };
            cursor.clone_from(&last.key);
            keys.push(last.key.clone());
        }
        assert_eq!(keys, seen, "{prefix:?}");
    };
    let of_project = json!({"role": "viewer", "name": "p", "project": "shop"});
    check(
        of_project.clone(),
        "",
        &["shop", "shop/a", "shop/a/b", "shop/b", "shop/ä"],
    );
    check(of_project.clone(), "shop/a", &["shop/a", "shop/a/b"]);
    check(of_project, "shop0", &[]);
    let of_prefixes = |prefixes: &[&str]| json!({"role": "viewer", "name": "k", "project": "shop", "key_prefixes": prefixes});
    // They overlap.
    let prefixes = of_prefixes(&["shop/b", "shop/a/", "shop/a"]);
    check(prefixes, "", &["shop/a", "shop/a/b", "shop/b"]);
    check(of_prefixes(&["shop/b"]), "shop/a", &[]);
    let of_all = json!({"role": "viewer", "name": "a", "key_prefixes": ["shop0", "a/"]});
    check(of_all, "", &["a/b", "shop0", "shop0/a"]);
}

/// What another project has must cost nothing: here it can't even be read.
fn a_list_of_a_project_reads_no_other(server: &Server) {
    for key in ["other/k", "shop-x/k", "shop/k", "zoo/k"] {
        server.set(key, "1");
    }
    let viewer = server.issue_for_project(Role::Viewer, "viewer", "shop");
    server.stop();
    let broken = match server.engine() {
        Engine::Sqlite => "x'00'",
        Engine::Postgres => "'\\x00'::bytea",
    };
    server.database().execute(&format!(
        "UPDATE state SET hash = {broken} WHERE key <> 'shop/k'"
    ));
    server.start_again();
    let viewer = server.client(viewer.token());
    for path in ["/api/state", "/api/state?prefix=s"] {
        let items: Vec<StateItem> = viewer.get(path).ok();
        assert_eq!(items.len(), 1, "{path}");
    }
    server.get("/api/state").refused(Reason::Internal);
}

fn a_page_of_a_list_says_at_which_revision_it_was_read(server: &Server) {
    server.set("a", "1");
    let last = server.set("b", "1");
    assert_eq!(server.get("/api/state").send().revision(), last.revision);
    assert_eq!(
        server.get("/api/state?limit=1").send().revision(),
        last.revision
    );
}

fn an_absurd_limit_is_refused(server: &Server) {
    for limit in ["0", "-1", "10001", "99999999999999999999", "x", "1.5", ""] {
        let problem = server
            .get(&format!("/api/state?limit={limit}"))
            .refused(Reason::Invalid);
        assert!(
            problem.detail.contains("limit"),
            "{limit}: {}",
            problem.detail
        );
    }
}

fn a_list_beyond_the_largest_asks_for_a_limit(server: &Server) {
    for chunk in 0..79 {
        let writes: Vec<Value> = (0..128)
            .map(|i| json!({"op": "put", "key": format!("k/{chunk}/{i}"), "value": 1}))
            .collect();
        server
            .post("/api/txn", json!({ "writes": writes }))
            .send()
            .expect(200);
    }
    let problem = server.get("/api/state").refused(Reason::Invalid);
    assert!(problem.next.expect("a hint").contains("limit"));
    assert_eq!(
        keys_of(&server.get("/api/state?limit=10000").ok()).len(),
        10_000
    );
    assert_eq!(
        keys_of(&server.get("/api/state?prefix=k/1/").ok()).len(),
        128
    );
}

fn a_deleted_key_is_gone_and_its_versions_go_on(server: &Server) {
    server.set("shop/plan", "1");
    let answer = server.delete("/api/state/shop/plan").send().expect(200);
    let deleted: Deleted = answer.json();
    assert_eq!(
        (deleted.deleted.as_str(), deleted.revision),
        ("shop/plan", answer.revision())
    );
    server.get("/api/state/shop/plan").refused(Reason::NotFound);
    assert!(keys_of(&server.get("/api/state").ok()).is_empty());
    assert_eq!(server.set("shop/plan", "2").version, 2);
}

fn deleting_what_is_not_there_is_not_found(server: &Server) {
    server
        .delete("/api/state/shop/plan")
        .refused(Reason::NotFound);
    server.set("shop/plan", "1");
    server.delete("/api/state/shop/plan").send().expect(200);
    server
        .delete("/api/state/shop/plan")
        .refused(Reason::NotFound);
}

fn a_merge_patch_changes_members_and_removes_nulls(server: &Server) {
    server.set("k", r#"{"a":1,"b":{"c":2,"d":3}}"#);
    let patch = server.owner().patch(
        "/api/state/k",
        "application/merge-patch+json",
        r#"{"a":null,"b":{"c":9},"e":[1]}"#,
    );
    assert_eq!(patch.ok::<StateItem>().version, 2);
    let value: Value = server.get("/api/state/k").ok();
    assert_eq!(value, json!({"b": {"c": 9, "d": 3}, "e": [1]}));
}

fn a_json_patch_that_multiplies_a_value_is_refused(server: &Server) {
    let patch = |operations: Vec<Value>| {
        let body = Value::from(operations).to_string();
        let patch = "application/json-patch+json";
        server.owner().patch("/api/state/k", patch, body)
    };
    // The whole copied to its own deepest place: the depth doubles each time.
    server.set("k", r#"{"a":0}"#);
    let deeper = |n: u32| json!({"op": "copy", "from": "", "path": "/a".repeat(1 << n)});
    patch((0..12).map(deeper).collect()).refused(Reason::TooLarge);
    // The whole copied beside itself: the size doubles each time.
    let larger = |n: u32| json!({"op": "copy", "from": "", "path": format!("/b{n}")});
    patch((0..40).map(larger).collect()).refused(Reason::TooLarge);
    let many = vec![json!({"op": "add", "path": "/c", "value": 1}); 1_001];
    patch(many).refused(Reason::Invalid);
    assert_eq!(server.value("k"), r#"{"a":0}"#);
}

fn a_json_patch_is_applied_whole_or_not_at_all(server: &Server) {
    server.set("k", r#"{"a":[1,2]}"#);
    let patch = |operations: Value| {
        let body = operations.to_string();
        server
            .owner()
            .patch("/api/state/k", "application/json-patch+json", body)
    };
    let add = json!({"op": "add", "path": "/a/-", "value": 3});
    let fails = json!({"op": "test", "path": "/a/0", "value": 7});
    patch(json!([add, fails])).send().expect(409);
    assert_eq!(server.value("k"), r#"{"a":[1,2]}"#);
    patch(json!([add, {"op": "remove", "path": "/a/0"}])).ok::<StateItem>();
    assert_eq!(
        server.get("/api/state/k").ok::<Value>(),
        json!({"a": [2, 3]})
    );
}

fn a_merge_patch_of_nothing_makes_the_key(server: &Server) {
    let patch = |content_type, body| server.owner().patch("/api/state/k", content_type, body);
    patch("application/json-patch+json", "[]").refused(Reason::NotFound);
    let merge = patch("application/merge-patch+json", r#"{"a":1,"b":null}"#);
    merge
        .clone()
        .header("If-Match", "*")
        .refused(Reason::PreconditionFailed);
    assert_eq!(merge.ok::<StateItem>().version, 1);
    assert_eq!(server.value("k"), r#"{"a":1}"#);
}

fn a_patch_of_a_value_that_is_not_json_is_refused(server: &Server) {
    server.set("k", "not json");
    let patch = |body| {
        server
            .owner()
            .patch("/api/state/k", "application/merge-patch+json", body)
    };
    patch(r#"{"a":1}"#).send().expect(409);
    patch("{").refused(Reason::Invalid);
    assert_eq!(server.value("k"), "not json");
}

fn a_patch_needs_a_patch_type(server: &Server) {
    server.set("k", "{}");
    let patch = server
        .owner()
        .patch("/api/state/k", "application/json", "{}");
    let problem = patch.refused(Reason::UnsupportedMediaType);
    assert!(
        problem
            .next
            .expect("a hint")
            .contains("application/merge-patch+json")
    );
}

fn a_key_expires_by_itself_and_says_so(server: &Server) {
    let item: StateItem = server.put("/api/state/shop/lock?ttl=60", "1").ok();
    assert!(item.expires_at.expect("it ends") > item.updated_at);
    server.advance_seconds(59);
    server.sweep();
    assert_eq!(server.value("shop/lock"), "1");
    server.advance_seconds(2);
    server.sweep();
    server.get("/api/state/shop/lock").refused(Reason::NotFound);
    let expired = server
        .owner()
        .history("last=1&topic=coro.state.expired")
        .remove(0);
    assert_eq!(
        (expired.subject.as_str(), expired.actor.as_str()),
        ("shop/lock", "system:coro")
    );
    assert_eq!(server.set("shop/lock", "2").version, 2);
}

fn an_expired_key_is_gone_before_any_sweep(server: &Server) {
    server.put("/api/state/a?ttl=60", "1").send().expect(200);
    server.advance_seconds(61);
    server.get("/api/state/a").refused(Reason::NotFound);
    server.delete("/api/state/a").refused(Reason::NotFound);
    assert!(keys_of(&server.get("/api/state").ok()).is_empty());
    server
        .put("/api/state/a", "2")
        .header("If-None-Match", "*")
        .send()
        .expect(200);
    server.sweep();
    assert_eq!(server.value("a"), "2");
}

fn a_write_without_ttl_lets_a_key_live(server: &Server) {
    server.put("/api/state/a?ttl=60", "1").send().expect(200);
    let item = server.set("a", "2");
    assert_eq!(item.expires_at, None);
    server.advance_seconds(61);
    server.sweep();
    assert_eq!(server.value("a"), "2");
}

fn an_absurd_ttl_is_refused(server: &Server) {
    for ttl in ["0", "-5", "x", "", &(TTL_SECONDS_MAX + 1).to_string()] {
        let problem = server
            .put(&format!("/api/state/a?ttl={ttl}"), "1")
            .refused(Reason::Invalid);
        assert!(problem.detail.contains("ttl"), "{}", problem.detail);
    }
}

fn values_survive_a_restart(server: &Server) {
    let before = server.set("shop/plan", "1");
    server.restart();
    assert_eq!(
        server.get("/api/state/shop/plan?meta").ok::<StateItem>(),
        before
    );
    server.kill();
    server.start_again();
    assert_eq!(server.set("shop/plan", "2").version, 2);
}

/// Koor's B4: concurrent writers got errors and lost history.
fn sixty_four_clients_writing_lose_no_version(server: &Server) {
    const EACH: usize = 5;
    std::thread::scope(|scope| {
        for client in 0..64 {
            scope.spawn(move || {
                for _ in 0..EACH {
                    server.set(&format!("shop/{}", client % 4), client.to_string());
                }
            });
        }
    });
    for key in ["shop/0", "shop/1", "shop/2", "shop/3"] {
        let item: StateItem = server.get(&format!("{}?meta", key_path(key))).ok();
        assert_eq!(item.version, 16 * EACH as i64);
    }
}

fn keys_of(list: &Value) -> Vec<String> {
    let items: Vec<StateItem> = serde_json::from_value(list.clone()).expect("a list of keys");
    items.into_iter().map(|item| item.key).collect()
}

fn a_key_that_is_written_after_its_time_says_first_that_it_expired(server: &Server) {
    server.put("/api/state/lock?ttl=10", "1").send().expect(200);
    server.advance(11_000);
    let again = server
        .put("/api/state/lock", "2")
        .header("If-None-Match", "*");
    assert_eq!(again.ok::<StateItem>().version, 2);
    let topics: Vec<String> = server
        .owner()
        .history("subject=lock")
        .into_iter()
        .map(|event| event.topic)
        .collect();
    assert_eq!(
        topics,
        ["coro.state.put", "coro.state.expired", "coro.state.put"]
    );
}

fn a_patch_keeps_the_time_of_a_key(server: &Server) {
    let put: StateItem = server.put("/api/state/k?ttl=100", r#"{"a":1}"#).ok();
    let merge = "application/merge-patch+json";
    let patched: StateItem = server
        .owner()
        .patch("/api/state/k", merge, r#"{"b":1}"#)
        .ok();
    assert_eq!(patched.expires_at, put.expires_at);
    assert!(put.expires_at.is_some());
}
