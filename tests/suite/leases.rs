//! Leases: taken, refused, waited for, renewed, released, expired; protected
//! paths; and what stands in the way of an edit.

use std::collections::BTreeMap;

use coro_api::Reason;
use coro_api::events::Event;
use coro_api::leases::{
    CheckedPaths, HinderedPath, Lease, LeaseKind, LeaseMode, LeaseStatus, ReleasedLease,
};
use coro_api::tokens::Role;
use coro_server::leases::pattern::{Pattern, overlap};
use coro_tests::{Client, Engine, Random, Server, both_engines};
use serde_json::{Value, json};

both_engines![
    a_lease_is_taken_and_read_back,
    what_overlaps_is_refused_with_a_witness,
    what_does_not_overlap_is_granted,
    a_name_excludes_the_same_name_only,
    an_agent_overlaps_itself,
    taking_again_renews_the_same_lease,
    patterns_that_match_nothing_are_refused,
    a_pattern_that_matches_everything_excludes_everything,
    whatever_is_no_lease_is_refused,
    a_repetition_with_a_key_takes_one_lease,
    only_a_registered_agent_takes,
    a_lease_ends_when_its_time_is_over,
    an_expired_lease_counts_as_ended_before_the_sweep,
    a_renewed_lease_lasts_and_an_ended_one_is_not_revived,
    a_stale_fencing_token_is_refused,
    a_later_lease_has_a_larger_fencing_token,
    only_the_holder_and_who_leads_release,
    a_released_lease_grants_who_waits_first,
    nobody_overtakes_a_waiter,
    waiters_that_do_not_overlap_are_granted_together,
    a_place_in_the_queue_is_lost_without_a_call,
    a_long_poll_ends_with_the_lease,
    an_expired_lease_grants_who_waits,
    who_renews_a_place_is_granted_after_what_has_expired,
    an_agent_that_ends_gives_back_what_it_held,
    a_reregistered_agent_keeps_its_leases,
    a_clock_that_jumps_ends_leases_once,
    edits_are_checked_against_leases_of_others,
    paths_of_no_named_project_are_checked_in_all,
    the_worst_mode_is_told_first,
    protected_paths_concern_edits_only,
    protected_paths_are_for_who_leads,
    an_override_frees_the_edits_of_one_agent,
    leases_are_listed_by_what_is_asked,
    a_long_list_has_pages,
    leases_of_another_project_or_tenant_are_not_there,
    what_happens_to_leases_is_in_the_log,
    no_two_agents_ever_hold_what_overlaps,
];

pub(crate) fn take(client: &Client, body: Value) -> Lease {
    client.post("/api/leases", body).ok()
}

pub(crate) fn take_pattern(client: &Client, pattern: &str) -> Lease {
    take(client, json!({ "pattern": pattern }))
}

/// Asks for a pattern and stays in the queue.
pub(crate) fn queue_up(client: &Client, pattern: &str) -> Lease {
    let body = json!({"pattern": pattern, "wait_seconds": 1});
    let lease = take(client, body);
    assert_eq!(lease.status, LeaseStatus::Waiting, "{lease:?}");
    lease
}

pub(crate) fn read(client: &Client, lease: &Lease) -> Lease {
    client.get(&format!("/api/leases/{}", lease.id)).ok()
}

pub(crate) fn release(client: &Client, lease: &Lease) -> ReleasedLease {
    client.delete(&format!("/api/leases/{}", lease.id)).ok()
}

pub(crate) fn list(client: &Client, query: &str) -> Vec<Lease> {
    client.get(&format!("/api/leases?{query}")).ok()
}

pub(crate) fn hindered(client: &Client, paths: &[&str]) -> Vec<HinderedPath> {
    let checked: CheckedPaths = client
        .post("/api/leases/check", json!({ "paths": paths }))
        .ok();
    checked.hindered
}

pub(crate) fn is_gone(client: &Client, lease: &Lease) {
    client
        .get(&format!("/api/leases/{}", lease.id))
        .refused(Reason::NotFound);
}

fn topics(server: &Server) -> Vec<String> {
    let mut events: Vec<Event> = server.owner().history("topic=coro.lease.*");
    events.reverse();
    events.into_iter().map(|event| event.topic).collect()
}

fn a_lease_is_taken_and_read_back(server: &Server) {
    let frontend = server.agent("frontend");
    let body = json!({"pattern": "/src/api/**", "reason": "the API moves", "ttl_seconds": 600});
    let lease = take(&frontend, body);
    assert_eq!(lease.id.to_string(), "L-1");
    assert_eq!(
        (lease.kind, lease.mode, lease.status),
        (LeaseKind::Path, LeaseMode::Block, LeaseStatus::Held)
    );
    assert_eq!(
        (&*lease.pattern, &*lease.holder),
        ("/src/api/**", "frontend")
    );
    assert_eq!((lease.ttl_seconds, lease.generation), (Some(600), Some(1)));
    assert!(lease.expires_at > lease.granted_at, "{lease:?}");
    assert_eq!(read(&server.owner(), &lease), lease);
    assert_eq!(list(&frontend, ""), std::slice::from_ref(&lease));
    // Also without its letter.
    let same: Lease = frontend.get("/api/leases/1").ok();
    assert_eq!(same, lease);
}

fn what_overlaps_is_refused_with_a_witness(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    take(
        &frontend,
        json!({"pattern": "/src/api/**", "reason": "the API moves"}),
    );
    let problem = backend
        .post("/api/leases", json!({"pattern": "/src/*/main.rs"}))
        .refused(Reason::Conflict);
    for part in [
        "L-1",
        "/src/api/**",
        "\"frontend\"",
        "the API moves",
        "src/api/main.rs",
    ] {
        assert!(problem.detail.contains(part), "{problem:?}");
    }
    assert!(problem.next.expect("a hint").contains("wait for it"));
    assert_eq!(list(&backend, "").len(), 1);
}

fn what_does_not_overlap_is_granted(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    take_pattern(&frontend, "/web/**");
    let lease = take_pattern(&backend, "/server/**");
    assert_eq!(lease.status, LeaseStatus::Held);
    // A mode says what an edit meets; leases exclude each other all the same.
    backend
        .post("/api/leases", json!({"pattern": "/web/x", "mode": "warn"}))
        .refused(Reason::Conflict);
}

fn a_name_excludes_the_same_name_only(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    let lease = take(&frontend, json!({"name": "staging"}));
    assert_eq!((lease.kind, &*lease.pattern), (LeaseKind::Name, "staging"));
    let problem = backend
        .post("/api/leases", json!({"name": "staging"}))
        .refused(Reason::Conflict);
    assert!(
        problem.detail.contains("held by \"frontend\""),
        "{problem:?}"
    );
    take(&backend, json!({"name": "staging 2"}));
    take_pattern(&backend, "staging");
}

fn an_agent_overlaps_itself(server: &Server) {
    let frontend = server.agent("frontend");
    take_pattern(&frontend, "/src/**");
    assert_eq!(take_pattern(&frontend, "/src/api/**").id.to_string(), "L-2");
}

fn taking_again_renews_the_same_lease(server: &Server) {
    let frontend = server.agent("frontend");
    let first = take_pattern(&frontend, "/src/**");
    server.advance_seconds(60);
    let body = json!({"pattern": "/src/**", "mode": "warn", "reason": "still at it"});
    let again = take(&frontend, body.clone());
    assert_eq!((again.id, again.fence), (first.id, first.fence));
    assert_eq!(
        (again.mode, &*again.reason),
        (LeaseMode::Warn, "still at it")
    );
    assert!(again.expires_at > first.expires_at);
    assert_eq!(topics(server), ["coro.lease.granted", "coro.lease.changed"]);
    take(&frontend, body);
    let again = take(&frontend, json!({"pattern": "/src/**", "mode": "warn"}));
    assert_eq!(again.reason, "still at it");
    assert_eq!(topics(server).len(), 2, "renewing alone is no event");
}

fn patterns_that_match_nothing_are_refused(server: &Server) {
    let frontend = server.agent("frontend");
    for (pattern, part) in [
        ("", "is empty"),
        ("/", "matches no file"),
        ("a//b", "matches no file"),
        ("../x", "matches no file"),
        ("[a", "matches no file"),
        ("a\\", "matches no file"),
        ("!src", "starts with '!'"),
        ("#src", "starts with '#'"),
        ("a\nb", "U+000A"),
        ("**/**/**/**/**/**/**/**/**/a", "'**'"),
        (&"a".repeat(257), "257 bytes"),
    ] {
        let problem = frontend
            .post("/api/leases", json!({ "pattern": pattern }))
            .refused(Reason::Invalid);
        assert!(problem.detail.contains(part), "{problem:?}");
        assert!(problem.next.is_some(), "{problem:?}");
    }
    assert!(list(&frontend, "").is_empty());
}

fn a_pattern_that_matches_everything_excludes_everything(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    let all = take_pattern(&frontend, "**");
    backend
        .post("/api/leases", json!({"pattern": "/a"}))
        .refused(Reason::Conflict);
    take(&backend, json!({"name": "staging"}));
    release(&frontend, &all);
    take_pattern(&backend, "/a");
    frontend
        .post("/api/leases", json!({"pattern": "*"}))
        .refused(Reason::Conflict);
}

fn whatever_is_no_lease_is_refused(server: &Server) {
    let frontend = server.agent("frontend");
    for body in [
        json!({}),
        json!({"pattern": "a", "name": "a"}),
        json!({"name": ""}),
        json!({"name": "a\u{202e}b"}),
        json!({"pattern": "a", "mode": "shared"}),
        json!({"pattern": "a", "ttl_seconds": 0}),
        json!({"pattern": "a", "ttl_seconds": 86_401}),
        json!({"pattern": "a", "wait_seconds": 51}),
        json!({"pattern": "a", "wait_seconds": -1}),
        json!({"pattern": "a", "reason": "x".repeat(501)}),
        json!({"pattern": "a", "holder": "backend"}),
    ] {
        frontend.post("/api/leases", body).refused(Reason::Invalid);
    }
    for path in ["/api/leases/T-1", "/api/leases/x", "/api/leases?cursor=x"] {
        frontend.get(path).refused(Reason::Invalid);
    }
    frontend.get("/api/leases/L-9").refused(Reason::NotFound);
    for path in ["/etc/passwd", "a/../b", "", "a//b"] {
        frontend
            .post("/api/leases/check", json!({ "paths": [path] }))
            .refused(Reason::Invalid);
    }
    let many = vec!["a"; 10_001];
    frontend
        .post("/api/leases/check", json!({ "paths": many }))
        .refused(Reason::Invalid);
}

fn a_repetition_with_a_key_takes_one_lease(server: &Server) {
    let frontend = server.agent("frontend");
    let call = || {
        let request = frontend.post("/api/leases", json!({"pattern": "/a"}));
        request.header("Idempotency-Key", "k").ok::<Lease>()
    };
    assert_eq!(call(), call());
    assert_eq!(topics(server).len(), 1);
}

fn only_a_registered_agent_takes(server: &Server) {
    let problem = server
        .post("/api/leases", json!({"pattern": "/a"}))
        .refused(Reason::Conflict);
    assert!(
        problem.detail.contains("no registered agent"),
        "{problem:?}"
    );
}

fn a_lease_ends_when_its_time_is_over(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    let lease = take(&frontend, json!({"pattern": "/a", "ttl_seconds": 60}));
    server.advance_seconds(59);
    backend
        .post("/api/leases", json!({"pattern": "/a"}))
        .refused(Reason::Conflict);
    server.advance_seconds(2);
    server.sweep();
    is_gone(&frontend, &lease);
    take_pattern(&backend, "/a");
    let said = ["granted", "expired", "granted"].map(|word| format!("coro.lease.{word}"));
    assert_eq!(topics(server), said);
}

fn an_expired_lease_counts_as_ended_before_the_sweep(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    let lease = take(&frontend, json!({"pattern": "/a", "ttl_seconds": 60}));
    server.advance_seconds(61);
    is_gone(&frontend, &lease);
    assert!(list(&frontend, "").is_empty());
    assert!(hindered(&backend, &["a"]).is_empty());
    let next = take_pattern(&backend, "/a");
    let said = ["granted", "expired", "granted"].map(|word| format!("coro.lease.{word}"));
    assert_eq!(topics(server), said);
    assert_eq!(hindered(&frontend, &["a"])[0].lease, next.id);
}

fn a_renewed_lease_lasts_and_an_ended_one_is_not_revived(server: &Server) {
    let frontend = server.agent("frontend");
    let lease = take(&frontend, json!({"pattern": "/a", "ttl_seconds": 60}));
    let renew = |body: Value| frontend.post(&format!("/api/leases/{}/renew", lease.id), body);
    server.advance_seconds(50);
    let renewed: Lease = renew(json!({})).ok();
    assert_eq!(renewed.fence, lease.fence);
    server.advance_seconds(50);
    let renewed: Lease = renew(json!({"ttl_seconds": 600})).ok();
    assert_eq!(renewed.ttl_seconds, Some(600));
    server.advance_seconds(599);
    read(&frontend, &lease);
    renew(json!({"ttl_seconds": 0})).refused(Reason::Invalid);
    server.advance_seconds(2);
    let problem = renew(json!({})).refused(Reason::NotFound);
    assert!(problem.next.expect("a hint").contains("take it again"));
    assert_eq!(topics(server), ["coro.lease.granted"]);
}

fn a_stale_fencing_token_is_refused(server: &Server) {
    let frontend = server.agent("frontend");
    let lease = take_pattern(&frontend, "/a");
    let fence = lease.fence.expect("it is held");
    let path = format!("/api/leases/{}", lease.id);
    let renew = |fence: i64| frontend.post(&format!("{path}/renew"), json!({ "fence": fence }));
    let problem = renew(fence - 1).refused(Reason::Conflict);
    assert!(problem.detail.contains("stale"), "{problem:?}");
    renew(fence).send().expect(200);
    let release = |fence: i64| frontend.delete(&format!("{path}?fence={fence}"));
    release(fence + 1).refused(Reason::Conflict);
    release(fence).send().expect(200);
}

fn a_later_lease_has_a_larger_fencing_token(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    let first = take_pattern(&frontend, "/a");
    let waiting = queue_up(&backend, "/a");
    assert_eq!(waiting.fence, None);
    let released = release(&frontend, &first);
    let second = read(&backend, &waiting);
    assert!(second.fence > first.fence && second.fence > Some(released.revision));
    let granted = server.owner().history("topic=coro.lease.granted&last=1");
    assert_eq!(Some(granted[0].revision), second.fence);
}

fn only_the_holder_and_who_leads_release(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    let lease = take_pattern(&frontend, "/a");
    let path = format!("/api/leases/{}", lease.id);
    let problem = backend.delete(&path).refused(Reason::Forbidden);
    assert!(problem.detail.contains("\"frontend\""), "{problem:?}");
    backend
        .post(&format!("{path}/renew"), json!({}))
        .refused(Reason::Forbidden);
    release(&frontend, &lease);
    frontend.delete(&path).refused(Reason::NotFound);
    let lease = take_pattern(&frontend, "/a");
    release(&server.issue(Role::Controller, "lead"), &lease);
}

fn a_released_lease_grants_who_waits_first(server: &Server) {
    let [a, b, c] = ["a", "b", "c"].map(|name| server.agent(name));
    let held = take_pattern(&a, "/x");
    let (first, second) = (queue_up(&b, "/x"), queue_up(&c, "/x"));
    release(&a, &held);
    assert_eq!(read(&b, &first).status, LeaseStatus::Held);
    assert_eq!(read(&c, &second).status, LeaseStatus::Waiting);
    release(&b, &first);
    let second = read(&c, &second);
    assert_eq!(second.status, LeaseStatus::Held);
    assert!(second.expires_at > second.granted_at);
}

fn nobody_overtakes_a_waiter(server: &Server) {
    let [a, b, c] = ["a", "b", "c"].map(|name| server.agent(name));
    let held = take_pattern(&a, "/x/y");
    let waiting = queue_up(&b, "/x/**");
    let problem = c
        .post("/api/leases", json!({"pattern": "/x/z"}))
        .refused(Reason::Conflict);
    assert!(
        problem.detail.contains("waited for by \"b\""),
        "{problem:?}"
    );
    let behind = queue_up(&c, "/x/z");
    release(&a, &held);
    assert_eq!(read(&b, &waiting).status, LeaseStatus::Held);
    assert_eq!(read(&c, &behind).status, LeaseStatus::Waiting);
    // Who gives a place up lets those behind it through.
    release(&b, &waiting);
    assert_eq!(read(&c, &behind).status, LeaseStatus::Held);
}

fn waiters_that_do_not_overlap_are_granted_together(server: &Server) {
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| server.agent(name));
    let held = take_pattern(&a, "**");
    let waiting = [
        queue_up(&b, "/x/**"),
        queue_up(&c, "/y/**"),
        queue_up(&d, "/x/z"),
    ];
    release(&a, &held);
    let statuses = waiting.map(|lease| read(&a, &lease).status);
    use LeaseStatus::{Held, Waiting};
    assert_eq!(statuses, [Held, Held, Waiting]);
}

fn a_place_in_the_queue_is_lost_without_a_call(server: &Server) {
    let [a, b, c] = ["a", "b", "c"].map(|name| server.agent(name));
    let held = take_pattern(&a, "/x");
    let (lost, kept) = (queue_up(&b, "/x"), queue_up(&c, "/x"));
    server.advance_seconds(100);
    assert_eq!(queue_up(&c, "/x").id, kept.id);
    server.advance_seconds(50);
    release(&a, &held);
    assert_eq!(read(&c, &kept).status, LeaseStatus::Held);
    is_gone(&b, &lost);
}

fn a_long_poll_ends_with_the_lease(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    let held = take_pattern(&frontend, "/a");
    std::thread::scope(|scope| {
        let body = json!({"pattern": "/a", "wait_seconds": 50});
        let waiting = scope.spawn(move || take(&backend, body));
        // Until it stands in the queue.
        let from = held.fence.expect("it is held");
        let polled = server
            .owner()
            .poll(&format!("from={from}&pattern=coro.lease.waiting&wait=50"));
        assert_eq!(polled.events.len(), 1);
        release(&frontend, &held);
        let lease = waiting.join().expect("no panic");
        assert_eq!(lease.status, LeaseStatus::Held);
        assert!(lease.fence > held.fence);
    });
}

fn an_expired_lease_grants_who_waits(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    take(&frontend, json!({"pattern": "/a", "ttl_seconds": 60}));
    let waiting = queue_up(&backend, "/a");
    server.advance_seconds(61);
    server.sweep();
    assert_eq!(read(&backend, &waiting).status, LeaseStatus::Held);
}

/// The log once told that two agents had the same.
fn who_renews_a_place_is_granted_after_what_has_expired(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    take(&frontend, json!({"pattern": "/a", "ttl_seconds": 60}));
    let waiting = queue_up(&backend, "/a");
    server.advance_seconds(61);
    let renew = format!("/api/leases/{}/renew", waiting.id);
    let renewed: Lease = backend.post(&renew, json!({"ttl_seconds": 90})).ok();
    assert_eq!(
        (renewed.status, renewed.ttl_seconds),
        (LeaseStatus::Held, Some(90))
    );
    assert_eq!(read(&backend, &waiting), renewed);
    let told = ["granted", "waiting", "expired", "granted"];
    assert_eq!(
        topics(server),
        told.map(|word| format!("coro.lease.{word}"))
    );
}

fn an_agent_that_ends_gives_back_what_it_held(server: &Server) {
    let [a, b, c] = ["a", "b", "c"].map(|name| server.agent(name));
    let held = take_pattern(&a, "/x");
    let place = queue_up(&b, "/x");
    let waiting = queue_up(&c, "/x");
    b.delete("/api/instances/self").send().expect(200);
    is_gone(&a, &place);
    a.delete("/api/instances/self").send().expect(200);
    is_gone(&c, &held);
    assert_eq!(read(&c, &waiting).status, LeaseStatus::Held);
}

fn a_reregistered_agent_keeps_its_leases(server: &Server) {
    let lease = take_pattern(&server.agent("frontend"), "/a");
    let takeover = json!({"name": "frontend", "takeover": true});
    let (frontend, agent) = server.register(takeover);
    assert_eq!(agent.generation, 2);
    assert!(hindered(&frontend, &["a"]).is_empty());
    let again = take_pattern(&frontend, "/a");
    assert_eq!((again.id, again.generation), (lease.id, Some(2)));
    release(&frontend, &lease);
}

fn a_clock_that_jumps_ends_leases_once(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    let lease = take(&frontend, json!({"pattern": "/a", "ttl_seconds": 60}));
    server.advance_seconds(3600);
    let next = take_pattern(&backend, "/a");
    // Back again: what has ended stays ended.
    server.advance_seconds(-3600);
    is_gone(&frontend, &lease);
    assert_eq!(read(&backend, &next).status, LeaseStatus::Held);
    frontend
        .post("/api/leases", json!({"pattern": "/a"}))
        .refused(Reason::Conflict);
}

/// Twenty patterns and 400 kB of paths once took a minute of a reader.
#[test]
fn a_check_that_would_take_too_long_is_refused() {
    let server = Server::start(Engine::Sqlite);
    let holder = server.agent("frontend");
    let letters = "abcdefghijklmnopqrstuvwxyz";
    let stars: String = letters.repeat(4).chars().flat_map(|c| ['*', c]).collect();
    for number in 0..20 {
        take_pattern(&holder, &format!("{stars}*{number}?"));
    }
    let backend = server.agent("backend");
    let paths: Vec<String> = (0..100)
        .map(|number| format!("{}/{number}", letters.repeat(150)))
        .collect();
    let check = |count: usize| {
        let paths = json!({ "paths": paths[..count] });
        backend.post("/api/leases/check", paths)
    };
    let problem = check(100).refused(Reason::Invalid);
    assert!(problem.detail.contains("too long"), "{problem:?}");
    check(1).send().expect(200);
}

fn edits_are_checked_against_leases_of_others(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    let lease = take(
        &frontend,
        json!({"pattern": "/src/api/**", "reason": "the API moves"}),
    );
    take(&frontend, json!({"name": "src/web/x"}));
    let found = hindered(&backend, &["src/web/x", "src/api/x", "README.md"]);
    let expected = HinderedPath {
        path: "src/api/x".to_owned(),
        lease: lease.id,
        project: "default".to_owned(),
        pattern: "/src/api/**".to_owned(),
        holder: "frontend".to_owned(),
        mode: LeaseMode::Block,
        reason: "the API moves".to_owned(),
    };
    assert_eq!(found, [expected]);
    assert!(hindered(&frontend, &["src/api/x"]).is_empty());
    // Who is no agent holds nothing.
    assert_eq!(hindered(&server.owner(), &["src/api/x"]).len(), 1);
    // Who waits holds nothing yet.
    queue_up(&backend, "/src/**");
    assert!(hindered(&frontend, &["src/api/x"]).is_empty());
}

fn paths_of_no_named_project_are_checked_in_all(server: &Server) {
    let shop = json!({"name": "a", "project": "shop"});
    take_pattern(&server.register(shop).0, "/src/lib/");
    let check = |client: &Client, project: &str| -> CheckedPaths {
        let body = json!({"paths": ["src/lib/x"], "project": project});
        client.post("/api/leases/check", body).ok()
    };
    let owner = server.owner();
    let all = check(&owner, "");
    let found = &all.hindered[0];
    assert_eq!((&*found.project, &all.project), ("shop", &None));
    for (client, project) in [
        (&owner, "default"),
        (&server.agent("other"), ""),
        (&server.issue_for_project(Role::Viewer, "eye", "tools"), ""),
    ] {
        let checked = check(client, project);
        assert!(checked.hindered.is_empty() && checked.project.is_some());
    }
    assert_eq!(check(&owner, "shop").hindered, all.hindered);
    assert!(hindered(&server.other_tenant("x"), &["src/lib/x"]).is_empty());
}

fn the_worst_mode_is_told_first(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    take(&frontend, json!({"pattern": "/a", "mode": "warn"}));
    take(&frontend, json!({"pattern": "/b", "mode": "confirm"}));
    take(&frontend, json!({"pattern": "/b/c", "mode": "block"}));
    let found = hindered(&backend, &["a", "b/x", "b/c"]);
    let told: Vec<(&str, LeaseMode)> = found.iter().map(|one| (&*one.path, one.mode)).collect();
    use LeaseMode::{Block, Confirm, Warn};
    assert_eq!(told, [("b/c", Block), ("b/x", Confirm), ("a", Warn)]);
}

fn protected_paths_concern_edits_only(server: &Server) {
    let frontend = server.agent("frontend");
    let body = json!({"pattern": "/migrations/**", "protected": true, "reason": "released"});
    let lease = take(&server.owner(), body.clone());
    assert!(lease.protected && lease.expires_at.is_none() && lease.fence.is_some());
    assert_eq!(take(&server.owner(), body).id, lease.id);
    let own = take_pattern(&frontend, "/migrations/1.sql");
    assert_eq!(own.status, LeaseStatus::Held);
    // It is told that this lets nobody edit.
    assert_eq!(own.protected_by, Some(lease.id));
    assert_eq!(take_pattern(&frontend, "/src/").protected_by, None);
    let found = hindered(&frontend, &["migrations/1.sql"]);
    assert_eq!((found[0].lease, &*found[0].holder), (lease.id, ""));
    server.advance_days(400);
    server.sweep();
    assert_eq!(read(&server.owner(), &lease), lease);
    release(&server.owner(), &lease);
}

fn protected_paths_are_for_who_leads(server: &Server) {
    let frontend = server.agent("frontend");
    let new = json!({"pattern": "/a", "protected": true});
    frontend
        .post("/api/leases", new.clone())
        .refused(Reason::Forbidden);
    let lead = server.issue(Role::Controller, "lead");
    let lease = take(&lead, new);
    let path = format!("/api/leases/{}", lease.id);
    frontend.delete(&path).refused(Reason::Forbidden);
    lead.post(&format!("{path}/renew"), json!({}))
        .refused(Reason::Conflict);
    for more in [
        json!({"pattern": "/a", "protected": true, "mode": "warn"}),
        json!({"name": "a", "protected": true}),
        json!({"pattern": "/a", "protected": true, "ttl_seconds": 60}),
        json!({"pattern": "/a", "protected": true, "wait_seconds": 1}),
    ] {
        lead.post("/api/leases", more).refused(Reason::Invalid);
    }
    let confirm = take(
        &lead,
        json!({"pattern": "/a", "protected": true, "mode": "confirm"}),
    );
    assert_eq!((confirm.id, confirm.mode), (lease.id, LeaseMode::Confirm));
    release(&lead, &lease);
}

fn an_override_frees_the_edits_of_one_agent(server: &Server) {
    let (frontend, other) = (server.agent("frontend"), server.agent("other"));
    let (backend, agent) = server.register(json!({"name": "backend"}));
    let lease = take_pattern(&frontend, "/a");
    // As a decided request leaves it.
    server.database().execute(&format!(
        "INSERT INTO lease (tenant_id, number, project, kind, pattern, mode, status, reason, \
         agent_id, holder, generation, actor, overrides, fence, ttl_seconds, requested_at, \
         granted_at, expires_at) SELECT tenant_id, 99, project, kind, pattern, mode, status, '', \
         '{}', 'backend', 1, 'human:a', 1, fence, 3600, requested_at, granted_at, \
         granted_at + 3600000000 FROM lease",
        agent.id
    ));
    assert!(hindered(&backend, &["a"]).is_empty());
    assert_eq!(hindered(&other, &["a"])[0].lease, lease.id);
    // It lets edit, and excludes nobody.
    assert!(hindered(&frontend, &["a"]).is_empty());
    backend
        .post("/api/leases", json!({"pattern": "/a"}))
        .refused(Reason::Conflict);
    take_pattern(&frontend, "/a/b");
    server.advance_seconds(1700);
    frontend
        .post("/api/leases/L-1/renew", json!({"ttl_seconds": 86_400}))
        .send()
        .expect(200);
    server.advance_seconds(2000);
    assert_eq!(hindered(&backend, &["a"]).len(), 1);
}

fn leases_are_listed_by_what_is_asked(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    take_pattern(&frontend, "/web/**");
    take_pattern(&backend, "/server/**");
    let shop = json!({"name": "shop", "project": "shop"});
    take_pattern(&server.register(shop).0, "/web/**");
    let ids = |query: &str| -> Vec<String> {
        let found = list(&server.owner(), query);
        found.iter().map(|lease| lease.id.to_string()).collect()
    };
    assert_eq!(ids(""), ["L-1", "L-2", "L-3"]);
    assert_eq!(ids("holder=backend"), ["L-2"]);
    assert_eq!(ids("project=shop"), ["L-3"]);
    assert_eq!(ids("path=web/index.html"), ["L-1", "L-3"]);
    assert_eq!(ids("path=web/index.html&project=default"), ["L-1"]);
    assert!(ids("task=T-1").is_empty());
    server.get("/api/leases?path=/web").refused(Reason::Invalid);
    server.get("/api/leases?task=L-1").refused(Reason::Invalid);
}

fn a_long_list_has_pages(server: &Server) {
    let frontend = server.agent("frontend");
    for number in 0..5 {
        take_pattern(&frontend, &format!("/web/{number}"));
    }
    let mut path = Some("/api/leases?limit=2&holder=frontend".to_owned());
    let mut found = Vec::new();
    while let Some(next) = path {
        let answer = server.get(&next).send().expect(200);
        found.extend(answer.json::<Vec<Lease>>());
        path = answer.next_page();
    }
    assert_eq!(found, list(&frontend, ""));
}

fn leases_of_another_project_or_tenant_are_not_there(server: &Server) {
    let (shop, _) = server.register(json!({"name": "a", "project": "shop"}));
    let (other, _) = server.register(json!({"name": "a", "project": "other"}));
    let lease = take_pattern(&shop, "/a");
    is_gone(&other, &lease);
    other
        .delete(&format!("/api/leases/{}", lease.id))
        .refused(Reason::NotFound);
    assert!(list(&other, "").is_empty());
    assert!(list(&other, "project=shop").is_empty());
    assert!(hindered(&other, &["a"]).is_empty());
    other
        .post(
            "/api/leases/check",
            json!({"paths": ["a"], "project": "shop"}),
        )
        .refused(Reason::Forbidden);
    take_pattern(&other, "/a");
    let stranger = server.other_tenant("other");
    is_gone(&stranger, &lease);
    assert!(list(&stranger, "").is_empty());
}

fn what_happens_to_leases_is_in_the_log(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    let lease = take(&frontend, json!({"pattern": "/a", "reason": "why"}));
    queue_up(&backend, "/a");
    let event = &server.owner().history("topic=coro.lease.granted")[0];
    assert_eq!((&*event.subject, &*event.actor), ("L-1", "agent:frontend"));
    for (field, value) in [
        ("pattern", "/a"),
        ("holder", "frontend"),
        ("mode", "block"),
        ("reason", "why"),
    ] {
        assert_eq!(event.data[field], value, "{event:?}");
    }
    release(&frontend, &lease);
    let body = json!({"pattern": "/p", "protected": true});
    take(&server.owner(), body);
    let said = ["granted", "waiting", "released", "granted", "protected"];
    assert_eq!(
        topics(server),
        said.map(|word| format!("coro.lease.{word}"))
    );
    let audit = server.get("/api/audit?resource=L-1").send().expect(200);
    assert!(audit.text().contains("lease.released"), "{audit}");
}

/// What agents do at random: some patterns overlap, some don't.
fn act_at_random(client: &Client, seed: u64) {
    const PATTERNS: [&str; 7] = ["/a/**", "/a/b", "/a/c/**", "/d/", "*.rs", "/d/e", "**"];
    let mut random = Random::new(seed);
    for _ in 0..30 {
        let pattern = PATTERNS[random.below(PATTERNS.len() as u32) as usize];
        let wait_seconds = u32::from(random.below(6) == 0);
        let ttl_seconds = 20 + random.below(100);
        let body = json!({
            "pattern": pattern, "wait_seconds": wait_seconds, "ttl_seconds": ttl_seconds,
        });
        let answer = client.post("/api/leases", body).send();
        assert!(matches!(answer.status, 200 | 404 | 409), "{answer}");
        if answer.status == 200 && random.below(4) > 0 {
            let lease: Lease = answer.json();
            let released = client.delete(&format!("/api/leases/{}", lease.id)).send();
            assert!(matches!(released.status, 200 | 404), "{released}");
        }
    }
}

fn no_two_agents_ever_hold_what_overlaps(server: &Server) {
    let agents: Vec<Client> = (0..6)
        .map(|n| server.agent(&format!("agent-{n}")))
        .collect();
    std::thread::scope(|scope| {
        for (seed, client) in agents.iter().enumerate() {
            scope.spawn(move || act_at_random(client, seed as u64 + 1));
        }
        for _ in 0..10 {
            server.advance_seconds(15);
            server.sweep();
        }
    });
    for client in &agents {
        client.delete("/api/instances/self").send().expect(200);
    }
    assert!(list(&server.owner(), "").is_empty());
    let mut events: Vec<Event> = server.owner().history("topic=coro.lease.*&last=10000");
    events.reverse();
    check_story(&events);
}

/// Reads what the log tells of leases, and fails where two agents have what
/// overlaps, or one overtakes another.
fn check_story(events: &[Event]) {
    struct Told {
        holder: String,
        pattern: Pattern,
        held: bool,
    }
    let mut told: BTreeMap<i64, Told> = BTreeMap::new();
    let mut granted = 0;
    for event in events {
        let text = |field: &str| event.data[field].as_str().expect("a text").to_owned();
        let number: i64 = event.subject[2..].parse().expect("a number");
        if event.topic.ends_with("released") || event.topic.ends_with("expired") {
            assert!(told.remove(&number).is_some(), "{event:?}");
            continue;
        }
        let held = event.topic.ends_with("granted");
        let new = Told {
            holder: text("holder"),
            pattern: Pattern::parse(&text("pattern")).expect("a pattern"),
            held,
        };
        let in_the_way = told.iter().find(|(other, one)| {
            one.holder != new.holder
                && (one.held || **other < number)
                && !overlap(&one.pattern, &new.pattern).is_disjoint()
        });
        if held {
            granted += 1;
            assert!(
                in_the_way.is_none(),
                "{event:?} beside {:?}",
                in_the_way.map(|w| w.0)
            );
        } else {
            assert!(in_the_way.is_some(), "{event:?} waits for nobody");
        }
        told.insert(number, new);
    }
    assert!(told.is_empty() && granted > 6, "{granted}");
}
