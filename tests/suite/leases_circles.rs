//! Agents that would wait for each other's leases are told so.

use coro_api::Reason;
use coro_api::leases::LeaseStatus;
use coro_tests::{Client, Server, both_engines};
use serde_json::json;

use crate::leases::{queue_up, read, release, take_pattern};
use crate::tasks::{act, add};

both_engines![
    who_would_close_a_circle_is_refused,
    a_circle_of_three_is_noticed,
    a_circle_of_many_is_told_in_few_words,
    the_leases_of_a_claim_close_a_circle,
    a_queue_is_no_circle,
    who_stands_in_line_for_the_own_lease_is_waited_for_in_vain,
    a_circle_ends_with_a_place_in_it,
];

/// What an agent is told that may not wait for a pattern.
fn refused(client: &Client, pattern: &str) -> String {
    let body = json!({"pattern": pattern, "wait_seconds": 50});
    let problem = client.post("/api/leases", body).refused(Reason::Conflict);
    let hint = problem.next.unwrap_or_default();
    format!("{} ({hint})", problem.detail)
}

fn who_would_close_a_circle_is_refused(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    let own = take_pattern(&a, "/src/a/");
    take_pattern(&b, "/src/b/");
    let waiting = queue_up(&b, "/src/a/x");
    assert_eq!(
        refused(&a, "/src/b/x"),
        "you would wait for \"/src/b/x\" in a circle: \"b\" holds L-2, \"/src/b/\", and waits \
         for your L-1, \"/src/a/\" (release L-1 and take it again later, or ask \"b\" to \
         release L-2)"
    );
    release(&a, &own);
    assert_eq!(read(&b, &waiting).status, LeaseStatus::Held);
    queue_up(&a, "/src/b/x");
}

fn a_circle_of_three_is_noticed(server: &Server) {
    let [a, b, c] = ["a", "b", "c"].map(|name| server.agent(name));
    for (client, pattern) in [(&a, "/a/"), (&b, "/b/"), (&c, "/c/")] {
        take_pattern(client, pattern);
    }
    queue_up(&b, "/c/x");
    queue_up(&c, "/a/x");
    let said = refused(&a, "/b/x");
    let circle = "\"b\" holds L-2, \"/b/\", and waits for L-3 of \"c\", which waits for your L-1";
    assert!(said.contains(circle), "{said}");
}

fn a_circle_of_many_is_told_in_few_words(server: &Server) {
    let agents: Vec<Client> = (0..8).map(|n| server.agent(&format!("n{n}"))).collect();
    for (n, client) in agents.iter().enumerate() {
        take_pattern(client, &format!("/{n}/"));
    }
    for (n, client) in agents.iter().enumerate().skip(1) {
        queue_up(client, &format!("/{}/x", (n + 1) % agents.len()));
    }
    let said = refused(&agents[0], "/1/x");
    let end = "L-6 of \"n5\", which waits for 2 more, the last of which waits for your L-1";
    assert!(said.contains(end), "{said}");
}

fn the_leases_of_a_claim_close_a_circle(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    let task = json!({"title": "one", "paths": ["/src/a/**"]});
    add(&server.owner(), task);
    act(&a, "T-1", "claim", json!(null));
    take_pattern(&b, "/src/b/");
    queue_up(&b, "/src/a/x");
    let said = refused(&a, "/src/b/x");
    assert!(said.contains("waits for your L-1"), "{said}");
}

fn a_queue_is_no_circle(server: &Server) {
    let [a, b, c] = ["a", "b", "c"].map(|name| server.agent(name));
    take_pattern(&a, "/src/a/");
    take_pattern(&b, "/src/b/");
    queue_up(&b, "/src/a/x");
    queue_up(&c, "/src/a/x");
    queue_up(&c, "/src/b/x");
    // It waits for b, which waits for a; nobody waits for what it waits for.
    queue_up(&c, "/src/b/y");
    // What it has already it may have again.
    take_pattern(&a, "/src/a/");
}

fn who_stands_in_line_for_the_own_lease_is_waited_for_in_vain(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    take_pattern(&a, "/src/a/");
    queue_up(&b, "/src/**");
    let said = refused(&a, "/src/b/");
    let before = "\"b\" stands in line before you with L-2, \"/src/**\", and waits for your L-1";
    assert!(said.contains(before), "{said}");
}

fn a_circle_ends_with_a_place_in_it(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    take_pattern(&a, "/src/a/");
    take_pattern(&b, "/src/b/");
    queue_up(&b, "/src/a/x");
    refused(&a, "/src/b/x");
    server.advance_seconds(121);
    queue_up(&a, "/src/b/x");
    refused(&b, "/src/a/x");
}
