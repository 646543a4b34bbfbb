//! Named consumers: cursors that the server keeps.

use coro_api::Reason;
use coro_api::consumers::Consumer;
use coro_api::events::EventPage;
use coro_api::state::Deleted;
use coro_api::tokens::Role;
use coro_tests::{Client, Server, both_engines};
use serde_json::{Value, json};

both_engines![
    a_consumer_gets_what_comes_after_it_was_made,
    fetching_does_not_move_the_cursor_and_acknowledging_does,
    a_lower_acknowledgement_changes_nothing,
    an_acknowledgement_from_the_future_is_refused,
    a_consumer_may_begin_at_a_revision,
    a_fetch_waits_for_the_next_event,
    making_a_consumer_again_gives_the_same,
    a_consumer_of_someone_else_is_not_touched,
    a_consumer_sees_what_its_owner_may_see,
    a_deleted_consumer_is_gone,
    a_viewer_may_have_consumers,
    a_malformed_consumer_is_refused,
    a_consumer_survives_a_restart,
    an_agent_that_registers_again_has_its_consumers,
    a_consumer_behind_the_kept_log_is_told,
];

fn make(client: &Client, body: Value) -> Consumer {
    client.post("/api/consumers", body).ok()
}

fn fetch(client: &Client, query: &str) -> EventPage {
    client
        .get(&format!("/api/consumers/inbox/events?{query}"))
        .ok()
}

fn ack(client: &Client, revision: i64) -> Consumer {
    client
        .post("/api/consumers/inbox/ack", json!({ "revision": revision }))
        .ok()
}

fn data(page: &EventPage) -> Vec<Value> {
    page.events.iter().map(|event| event.data.clone()).collect()
}

fn a_consumer_gets_what_comes_after_it_was_made(server: &Server) {
    let owner = server.owner();
    server.publish("shop.a", json!("before"));
    let made = make(&owner, json!({"name": "inbox", "pattern": "shop.*"}));
    assert_eq!(
        (made.name.as_str(), made.pattern.as_str()),
        ("inbox", "shop.*")
    );
    server.publish("shop.a", json!(1));
    server.publish("other.a", json!(2));
    server.publish("shop.b", json!(3));
    assert_eq!(data(&fetch(&owner, "")), [json!(1), json!(3)]);
    assert_eq!(owner.get("/api/consumers/inbox").ok::<Consumer>(), made);
    assert_eq!(owner.get("/api/consumers").ok::<Vec<Consumer>>(), [made]);
}

fn fetching_does_not_move_the_cursor_and_acknowledging_does(server: &Server) {
    let owner = server.owner();
    make(&owner, json!({"name": "inbox", "pattern": "shop.*"}));
    for number in 1..=5 {
        server.publish("shop.n", json!(number));
    }
    let page = fetch(&owner, "limit=2");
    assert_eq!((data(&page), page.more), (vec![json!(1), json!(2)], true));
    assert_eq!(fetch(&owner, "limit=2"), page);
    assert_eq!(ack(&owner, page.next).acknowledged, page.next);
    let rest = fetch(&owner, "");
    assert_eq!(
        (data(&rest), rest.more),
        (vec![json!(3), json!(4), json!(5)], false)
    );
    ack(&owner, rest.next);
    assert_eq!(fetch(&owner, "").events, []);
}

fn a_lower_acknowledgement_changes_nothing(server: &Server) {
    let owner = server.owner();
    make(&owner, json!({"name": "inbox"}));
    let first = server.publish("shop.a", json!(1)).revision;
    let second = server.publish("shop.a", json!(2)).revision;
    assert_eq!(ack(&owner, second).acknowledged, second);
    assert_eq!(ack(&owner, first).acknowledged, second);
}

fn an_acknowledgement_from_the_future_is_refused(server: &Server) {
    let owner = server.owner();
    make(&owner, json!({"name": "inbox"}));
    for revision in [server.revision() + 1, i64::MAX, -1] {
        let call = owner.post("/api/consumers/inbox/ack", json!({ "revision": revision }));
        call.refused(Reason::Invalid);
    }
}

fn a_consumer_may_begin_at_a_revision(server: &Server) {
    let owner = server.owner();
    let from = server.publish("shop.a", json!(1)).revision;
    server.publish("shop.a", json!(2));
    make(
        &owner,
        json!({"name": "inbox", "pattern": "shop.*", "from": from}),
    );
    assert_eq!(data(&fetch(&owner, "")), [json!(2)]);
    let future = json!({"name": "late", "from": server.revision() + 1000});
    owner
        .post("/api/consumers", future)
        .refused(Reason::Invalid);
}

fn a_fetch_waits_for_the_next_event(server: &Server) {
    let owner = server.owner();
    make(&owner, json!({"name": "inbox", "pattern": "shop.go"}));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| fetch(&server.owner(), "wait=50"));
        server.publish("shop.other", json!(1));
        server.publish("shop.go", json!(2));
        assert_eq!(data(&waiting.join().expect("no panic")), [json!(2)]);
    });
}

fn making_a_consumer_again_gives_the_same(server: &Server) {
    let owner = server.owner();
    let body = json!({"name": "inbox", "pattern": "shop.*"});
    let first = make(&owner, body.clone());
    server.publish("shop.a", json!(1));
    assert_eq!(make(&owner, body), first);
    let other = json!({"name": "inbox", "pattern": "other.*"});
    let problem = owner
        .post("/api/consumers", other)
        .refused(Reason::Conflict);
    assert!(problem.detail.contains("inbox"), "{}", problem.detail);
}

fn a_consumer_of_someone_else_is_not_touched(server: &Server) {
    let (mine, other) = (
        server.issue(Role::Agent, "mine"),
        server.issue(Role::Agent, "other"),
    );
    make(&mine, json!({"name": "inbox", "pattern": "shop.*"}));
    let revision = server.publish("shop.a", json!(1)).revision;
    let calls = [
        other.get("/api/consumers/inbox"),
        other.get("/api/consumers/inbox/events"),
        other.post("/api/consumers/inbox/ack", json!({ "revision": revision })),
        other.delete("/api/consumers/inbox"),
    ];
    for call in calls {
        let status = call.send().status;
        assert!(matches!(status, 403 | 404), "{status}");
    }
    let again = other
        .post("/api/consumers", json!({"name": "inbox"}))
        .send();
    assert!(matches!(again.status, 403 | 409), "{again}");
    assert_eq!(fetch(&mine, "").events.len(), 1);
}

fn a_consumer_sees_what_its_owner_may_see(server: &Server) {
    let agent = server.issue_for_project(Role::Agent, "frontend", "shop");
    make(&agent, json!({"name": "inbox", "pattern": "*.put"}));
    server.publish("other.secret.put", json!(1));
    server.set("other/secret", "1");
    server.set("shop/plan", "1");
    let page = fetch(&agent, "");
    let subjects: Vec<_> = page
        .events
        .iter()
        .map(|event| event.subject.as_str())
        .collect();
    assert_eq!(subjects, ["shop/plan"]);
}

fn a_deleted_consumer_is_gone(server: &Server) {
    let owner = server.owner();
    make(&owner, json!({"name": "inbox"}));
    assert_eq!(
        owner.delete("/api/consumers/inbox").ok::<Deleted>().deleted,
        "inbox"
    );
    owner.get("/api/consumers/inbox").refused(Reason::NotFound);
    owner
        .get("/api/consumers/inbox/events")
        .refused(Reason::NotFound);
    owner
        .delete("/api/consumers/inbox")
        .refused(Reason::NotFound);
    let topics: Vec<String> = owner
        .history("topic=coro.consumer.*")
        .into_iter()
        .map(|event| event.topic)
        .collect();
    assert_eq!(topics, ["coro.consumer.deleted", "coro.consumer.created"]);
}

fn a_viewer_may_have_consumers(server: &Server) {
    let viewer = server.issue(Role::Viewer, "reader");
    make(&viewer, json!({"name": "inbox"}));
    let revision = server.publish("shop.a", json!(1)).revision;
    ack(&viewer, revision);
    viewer.delete("/api/consumers/inbox").send().expect(200);
}

fn a_malformed_consumer_is_refused(server: &Server) {
    let owner = server.owner();
    let long = "n".repeat(513);
    for body in [
        json!({}),
        json!({"name": ""}),
        json!({"name": "a/b"}),
        json!({"name": long}),
        json!({"name": "a", "pattern": 1}),
        json!({"name": "a", "pattern": long}),
        json!({"name": "a", "from": -1}),
        json!({"name": "a", "colour": "red"}),
    ] {
        owner.post("/api/consumers", body).refused(Reason::Invalid);
    }
    assert!(owner.get("/api/consumers").ok::<Vec<Consumer>>().is_empty());
}

fn a_consumer_survives_a_restart(server: &Server) {
    make(
        &server.owner(),
        json!({"name": "inbox", "pattern": "shop.*"}),
    );
    let first = server.publish("shop.a", json!(1)).revision;
    server.publish("shop.a", json!(2));
    ack(&server.owner(), first);
    server.restart();
    assert_eq!(data(&fetch(&server.owner(), "")), [json!(2)]);
}

/// Consumers never hold the log back, and are never moved on silently.
fn a_consumer_behind_the_kept_log_is_told(server: &Server) {
    let owner = server.owner();
    make(&owner, json!({"name": "inbox", "pattern": "shop.*"}));
    let lost = server.publish("shop.a", json!(1)).revision;
    let kept = server.publish("shop.a", json!(2)).revision;
    server.compact(lost);
    let problem = owner
        .get("/api/consumers/inbox/events")
        .refused(Reason::Compacted);
    assert_eq!(problem.revision, Some(kept));
    ack(&owner, kept - 1);
    assert_eq!(data(&fetch(&owner, ""))[0], json!(2));
}

fn an_agent_that_registers_again_has_its_consumers(server: &Server) {
    let new = json!({"name": "frontend", "project": "shop", "takeover": true});
    let (before, _) = server.register(new.clone());
    let inbox = json!({"name": "inbox", "pattern": "shop.*"});
    make(&before, inbox.clone());
    let first = server.publish("shop.a", json!(1)).revision;
    server.publish("shop.a", json!(2));
    ack(&before, first);
    let (after, _) = server.register(new);
    assert_eq!(data(&fetch(&after, "")), [json!(2)]);
    make(&after, inbox);
    server
        .agent("backend")
        .get("/api/consumers/inbox")
        .refused(Reason::NotFound);

    // It ends, and is forgotten.
    for days in [1, 2, 40] {
        server.advance_days(days);
        server.sweep();
    }
    server.get("/api/consumers/inbox").refused(Reason::NotFound);
}
