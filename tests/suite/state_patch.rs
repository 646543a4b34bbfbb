//! Patches of large values, and large patches: they are applied outside of the
//! writer, which serves everyone.

use coro_api::Reason;
use coro_api::state::StateItem;
use coro_tests::{Request, Server, both_engines};
use serde_json::{Value, json};

both_engines![
    a_patch_of_many_operations_that_is_refused_needs_no_writer,
    a_patch_that_shifts_too_many_elements_is_refused,
    patches_of_a_large_value_at_the_same_time_are_all_applied,
    a_repeated_patch_of_a_large_value_is_applied_once,
    a_patch_of_a_large_value_holds_its_condition,
];

fn patch(server: &Server, operations: &[Value]) -> Request {
    let body = json!(operations).to_string();
    let kind = "application/json-patch+json";
    server.owner().patch("/api/state/k", kind, body)
}

/// A value that the writer leaves to others.
fn set_large(server: &Server) {
    let text = "x".repeat(100_000);
    server.set("k", json!({"text": text, "list": []}).to_string());
}

fn list_of(server: &Server) -> Vec<Value> {
    let value: Value = server.get("/api/state/k").ok();
    value["list"].as_array().expect("a list").clone()
}

fn a_patch_of_many_operations_that_is_refused_needs_no_writer(server: &Server) {
    server.set("k", "[1]");
    let mut operations = vec![json!({"op": "test", "path": "/0", "value": 1}); 999];
    operations.push(json!({"op": "test", "path": "/0", "value": 2}));
    let held = server.database().hold_writes();
    patch(server, &operations).refused(Reason::Conflict);
    drop(held);
    assert_eq!(server.set("k", "[2]").version, 2);
}

fn a_patch_that_shifts_too_many_elements_is_refused(server: &Server) {
    let zeros = json!(vec![0; 60_000]).to_string();
    server.set("k", &zeros);
    let first = json!({"op": "remove", "path": "/0"});
    let refused = patch(server, &vec![first; 999]).refused(Reason::Invalid);
    assert!(refused.detail.contains("elements"), "{}", refused.detail);
    assert!(refused.next.expect("a hint").contains("whole array"));
    assert_eq!(server.value("k"), zeros);
    // From the end nothing is shifted.
    let last = |n: i32| json!({"op": "remove", "path": format!("/{}", 59_999 - n)});
    let from_the_end: Vec<_> = (0..999).map(last).collect();
    assert_eq!(patch(server, &from_the_end).ok::<StateItem>().version, 2);
}

fn patches_of_a_large_value_at_the_same_time_are_all_applied(server: &Server) {
    set_large(server);
    std::thread::scope(|scope| {
        for client in 0..4 {
            let add = json!({"op": "add", "path": "/list/-", "value": client});
            scope.spawn(move || {
                for _ in 0..5 {
                    patch(server, std::slice::from_ref(&add)).ok::<StateItem>();
                }
            });
        }
    });
    let list = list_of(server);
    for client in 0..4 {
        assert_eq!(list.iter().filter(|one| **one == json!(client)).count(), 5);
    }
    let item: StateItem = server.get("/api/state/k?meta").ok();
    assert_eq!(item.version, 21);
}

fn a_repeated_patch_of_a_large_value_is_applied_once(server: &Server) {
    set_large(server);
    let once = [
        json!({"op": "test", "path": "/list", "value": []}),
        json!({"op": "add", "path": "/list/-", "value": 1}),
    ];
    let send = || patch(server, &once).header("Idempotency-Key", "patch-1");
    let first = send().ok::<StateItem>();
    // It does not fit any more, and was carried out.
    let again = send().send().expect(200);
    assert_eq!(again.the("idempotency-replayed"), "true");
    assert_eq!(again.json::<StateItem>(), first);
    let other = patch(server, &once).header("Idempotency-Key", "patch-2");
    other.refused(Reason::Conflict);
    assert_eq!(list_of(server), [1]);
}

fn a_patch_of_a_large_value_holds_its_condition(server: &Server) {
    set_large(server);
    let add = [json!({"op": "add", "path": "/list/-", "value": 1})];
    let tag = server.get("/api/state/k").send().expect(200);
    let tag = tag.the("etag").to_owned();
    let matching = || patch(server, &add).header("If-Match", &tag);
    assert_eq!(matching().ok::<StateItem>().version, 2);
    matching().refused(Reason::PreconditionFailed);
    assert_eq!(list_of(server), [1]);
}
