//! How many leases there may be, what that means for who wants more, and that
//! nothing costs more than it may where there are many.

use coro_api::Reason;
use coro_api::leases::{Lease, LeaseStatus};
use coro_api::limits::{LEASES_OF_AGENT_MAX, LEASES_OF_PROJECT_MAX};
use coro_api::tokens::Role;
use coro_tests::{Client, Server, both_engines};
use serde_json::json;

use crate::leases::{hindered, is_gone, list, queue_up, read, release, take, take_pattern};
use crate::streams::take_all_streams;
use crate::tasks::{act, add, next, next_id, refused, task, why};

both_engines![
    a_full_project_takes_no_more,
    what_is_over_or_a_human_allowed_takes_no_room,
    an_agent_takes_a_bounded_number,
    an_agent_waits_for_a_bounded_number,
    who_can_not_wait_gets_no_place_in_line,
    next_gives_what_needs_no_lease_where_there_is_no_room,
    who_waits_is_granted_among_many,
    a_waiter_that_nobody_told_is_granted_at_its_next_call,
    a_place_in_line_is_asked_for_without_waiting,
    a_waiting_lease_has_no_fencing_token,
    an_agent_that_ends_is_granted_nothing,
    a_list_by_path_goes_through_many_leases_in_pages,
    paths_are_told_apart_from_many_leases,
];

/// Copies the first lease until there are so many, on paths of their own, of
/// its agent.
fn fill(server: &Server, count: usize) {
    server.database().execute(&format!(
        "WITH RECURSIVE n (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < {count}) \
         INSERT INTO lease (tenant_id, number, project, kind, pattern, mode, status, reason, \
         agent_id, holder, actor, requested_at) SELECT tenant_id, n, project, kind, \
         '/filled/' || n || '/', mode, status, reason, agent_id, holder, actor, requested_at \
         FROM lease, n WHERE number = 1"
    ));
    server.database().execute(&format!(
        "UPDATE number SET taken = {count} WHERE kind = 'lease'"
    ));
}

fn a_full_project_takes_no_more(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    let first = take_pattern(&frontend, "/first");
    fill(server, LEASES_OF_PROJECT_MAX);
    for (client, body) in [
        (&backend, json!({"pattern": "/more"})),
        (
            &server.owner(),
            json!({"pattern": "/more", "protected": true}),
        ),
    ] {
        let problem = client.post("/api/leases", body).refused(Reason::Conflict);
        assert!(problem.detail.contains("takes 1000"), "{problem:?}");
        assert!(problem.next.expect("a hint").contains("release those"));
    }
    assert_eq!(list(&frontend, "").len(), LEASES_OF_PROJECT_MAX);
    release(&frontend, &first);
    take_pattern(&backend, "/more");
}

fn what_is_over_or_a_human_allowed_takes_no_room(server: &Server) {
    let frontend = server.agent("frontend");
    take(&frontend, json!({"pattern": "/first", "ttl_seconds": 60}));
    fill(server, LEASES_OF_PROJECT_MAX);
    let protect = |path: &str| {
        let body = json!({"pattern": path, "protected": true});
        server.post("/api/leases", body)
    };
    protect("/a").refused(Reason::Conflict);
    server.advance_seconds(61);
    protect("/a").ok::<Lease>();
    protect("/b").refused(Reason::Conflict);
    // As a decided request leaves it.
    server
        .database()
        .execute("UPDATE lease SET overrides = 2 WHERE number = 3");
    protect("/b").ok::<Lease>();
    protect("/c").refused(Reason::Conflict);
}

fn an_agent_takes_a_bounded_number(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    let first = take_pattern(&frontend, "/first");
    fill(server, LEASES_OF_AGENT_MAX);
    let more = json!({"pattern": "/more"});
    let problem = frontend
        .post("/api/leases", more.clone())
        .refused(Reason::Conflict);
    assert_eq!(
        problem.detail,
        "\"frontend\" has 100 leases; an agent takes 100"
    );
    // Others are not concerned, and what it has it may renew.
    let others = take(&backend, more.clone());
    release(&backend, &others);
    assert_eq!(take_pattern(&frontend, "/first").id, first.id);
    add(&server.owner(), json!({"title": "a", "paths": ["/task/"]}));
    let said = refused(&frontend, "T-1", "claim", json!(null));
    assert!(said.contains("its paths can't be leased"), "{said}");
    release(&frontend, &first);
    take(&frontend, more);
}

fn an_agent_waits_for_a_bounded_number(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    take_pattern(&frontend, "/x");
    queue_up(&backend, "/x");
    server.database().execute(
        "WITH RECURSIVE n (n) AS (SELECT 3 UNION ALL SELECT n + 1 FROM n WHERE n < 21) \
         INSERT INTO lease (tenant_id, number, project, kind, pattern, mode, status, reason, \
         agent_id, holder, actor, requested_at, ttl_seconds, expires_at) SELECT tenant_id, n, \
         project, kind, '/x/' || n, mode, status, reason, agent_id, holder, actor, \
         requested_at, ttl_seconds, expires_at FROM lease, n WHERE number = 2",
    );
    server
        .database()
        .execute("UPDATE number SET taken = 21 WHERE kind = 'lease'");
    let body = json!({"pattern": "/x/more", "wait_seconds": 1});
    let problem = backend
        .post("/api/leases", body.clone())
        .refused(Reason::Conflict);
    assert!(
        problem.detail.contains("waits for 20 leases"),
        "{problem:?}"
    );
    let lease = take(&server.agent("other"), body);
    assert_eq!(lease.status, LeaseStatus::Waiting);
}

/// It was told that its request did nothing, and stood in line all the same.
fn who_can_not_wait_gets_no_place_in_line(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    let held = take_pattern(&frontend, "/x");
    let streams = take_all_streams(server, &backend);
    let ask = |pattern: &str| json!({"pattern": pattern, "wait_seconds": 50});
    let problem = backend
        .post("/api/leases", ask("/x"))
        .refused(Reason::RateLimited);
    assert!(
        problem.detail.contains("this one did not"),
        "{}",
        problem.detail
    );
    assert_eq!(list(&frontend, ""), [held]);
    // What nobody has needs no waiting.
    assert_eq!(take(&backend, ask("/y")).status, LeaseStatus::Held);
    drop(streams);
}

fn next_gives_what_needs_no_lease_where_there_is_no_room(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    let first = take_pattern(&frontend, "/first");
    fill(server, LEASES_OF_PROJECT_MAX);
    let paths = json!({"title": "a", "paths": ["/a/"], "priority": 0});
    add(&server.owner(), paths);
    add(&server.owner(), json!({"title": "b"}));
    assert_eq!(next_id(&backend), "T-2");
    act(&backend, "T-2", "done", json!({}));
    let nothing = next(&backend);
    assert_eq!(
        nothing.why.as_deref(),
        Some(
            "nothing is ready for backend (for others, for other capabilities or on leased \
             paths: 1); T-1 would be, but its paths can't be leased: the project has 1000 \
             leases; it takes 1000"
        )
    );
    let said = "T-1: its paths can't be leased: the project has 1000 leases; it takes 1000";
    assert_eq!(why(&server.owner(), "T-1"), said);
    assert_eq!(refused(&backend, "T-1", "claim", json!(null)), said);
    release(&frontend, &first);
    assert_eq!(next_id(&backend), "T-1");
    assert_eq!(list(&backend, "task=T-1").len(), 1);
}

fn who_waits_is_granted_among_many(server: &Server) {
    let [a, b, c] = ["a", "b", "c"].map(|name| server.agent(name));
    let held = take_pattern(&a, "/first/x");
    fill(server, 900);
    let (first, second) = (queue_up(&b, "/first/"), queue_up(&c, "x"));
    // What has nothing to do with them changes nothing for them.
    let other = take(&b, json!({"name": "staging"}));
    release(&b, &other);
    assert_eq!(read(&b, &first).status, LeaseStatus::Waiting);
    release(&a, &held);
    assert_eq!(read(&b, &first).status, LeaseStatus::Held);
    assert_eq!(read(&c, &second).status, LeaseStatus::Waiting);
}

/// One end may concern more than it may cost: who is left out is not forgotten.
fn a_waiter_that_nobody_told_is_granted_at_its_next_call(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    take_pattern(&frontend, "/x");
    let place = queue_up(&backend, "/x");
    server
        .database()
        .execute("DELETE FROM lease WHERE number = 1");
    assert_eq!(read(&backend, &place).status, LeaseStatus::Waiting);
    let body = json!({"pattern": "/x", "wait_seconds": 50, "ttl_seconds": 60});
    let lease = take(&backend, body);
    assert_eq!((lease.id, lease.status), (place.id, LeaseStatus::Held));
    assert_eq!(lease.ttl_seconds, Some(60));
    let granted = server.owner().history("topic=coro.lease.granted&last=1");
    assert_eq!(Some(granted[0].revision), lease.fence);
    // Also by a call that only keeps the place.
    let place = queue_up(&frontend, "/x/y");
    let renew = format!("/api/leases/{}/renew", place.id);
    let kept: Lease = frontend.post(&renew, json!({})).ok();
    assert_eq!(kept.status, LeaseStatus::Waiting);
    server
        .database()
        .execute("DELETE FROM lease WHERE number = 2");
    let granted: Lease = frontend.post(&renew, json!({})).ok();
    assert_eq!(granted.status, LeaseStatus::Held);
    assert!(granted.fence > lease.fence, "{granted:?}");
}

fn a_place_in_line_is_asked_for_without_waiting(server: &Server) {
    let [a, b, c] = ["a", "b", "c"].map(|name| server.agent(name));
    let held = take_pattern(&a, "/x");
    let place = queue_up(&b, "/x");
    queue_up(&c, "/x");
    let ask = json!({"pattern": "/x"});
    let problem = b.post("/api/leases", ask.clone()).refused(Reason::Conflict);
    assert!(problem.detail.contains("held by \"a\""), "{problem:?}");
    assert_eq!(read(&b, &place).status, LeaseStatus::Waiting);
    release(&a, &held);
    assert_eq!(take(&b, ask).id, place.id);
}

fn a_waiting_lease_has_no_fencing_token(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    let held = take_pattern(&frontend, "/x");
    let place = queue_up(&backend, "/x");
    let path = format!("/api/leases/{}?fence={}", place.id, held.fence.unwrap_or(0));
    let problem = backend.delete(&path).refused(Reason::Conflict);
    assert!(
        problem.detail.contains("no fencing token yet"),
        "{problem:?}"
    );
    release(&backend, &place);
}

fn an_agent_that_ends_is_granted_nothing(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    add(&server.owner(), json!({"title": "a", "paths": ["/task/"]}));
    next_id(&frontend);
    take(&backend, json!({"pattern": "/x", "ttl_seconds": 60}));
    let place = queue_up(&frontend, "/x");
    server.advance_seconds(61);
    frontend.delete("/api/instances/self").send().expect(200);
    is_gone(&backend, &place);
    let granted = server.owner().history("topic=coro.lease.granted");
    let holders = granted
        .iter()
        .filter(|event| event.subject == place.id.to_string());
    assert_eq!(holders.count(), 0, "{granted:?}");
    assert_eq!(task(&backend, "T-1").item.attempt, 2);
}

/// The leases of all pages, and how many pages there were.
fn walk(client: &Client, query: &str) -> (Vec<Lease>, usize) {
    let (mut path, mut found, mut pages) = (Some(format!("/api/leases?{query}")), Vec::new(), 0);
    while let Some(next) = path {
        let answer = client.get(&next).send().expect(200);
        found.extend(answer.json::<Vec<Lease>>());
        path = answer.next_page();
        pages += 1;
    }
    (found, pages)
}

fn a_list_by_path_goes_through_many_leases_in_pages(server: &Server) {
    let (frontend, _) = server.register(json!({"name": "frontend", "project": "shop"}));
    let first = take_pattern(&frontend, "/first");
    fill(server, 10_002);
    let lead = server.issue(Role::Controller, "lead");
    let query = "path=filled/10001/x";
    // Whole lists are no pages: they would be silently short.
    let problem = lead
        .get(&format!("/api/leases?{query}"))
        .refused(Reason::Invalid);
    assert!(problem.next.expect("a hint").contains("limit"));
    let (found, pages) = walk(&lead, &format!("{query}&limit=10"));
    assert_eq!(pages, 2);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].pattern, "/filled/10001/");
    assert_eq!(walk(&lead, "path=first&limit=1").0, [read(&lead, &first)]);
    assert_eq!(walk(&lead, "project=other&path=first&limit=1").0, []);
}

fn paths_are_told_apart_from_many_leases(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    take_pattern(&frontend, "/first");
    fill(server, LEASES_OF_PROJECT_MAX);
    let paths: Vec<String> = (0..2_000).map(|n| format!("filled/{n}/x")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    assert_eq!(hindered(&backend, &paths).len(), LEASES_OF_PROJECT_MAX - 1);
    assert!(hindered(&backend, &["filled/x", "filled"]).is_empty());
}
