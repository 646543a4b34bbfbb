//! The log read as an audit, and its hash chain.

use coro_api::Reason;
use coro_api::audit::{AuditEntry, AuditVerification};
use coro_api::tokens::{IssuedToken, Role};
use coro_tests::{Engine, Server, both_engines, each_engine};
use serde_json::{Value, json};

both_engines![
    every_change_is_an_entry_with_its_actor,
    each_end_of_an_agents_token_says_who_and_why,
    entries_are_newest_first_and_come_in_pages,
    entries_are_filtered,
    of_two_agents_of_a_name_each_project_has_its_own,
    a_malformed_filter_is_refused,
    an_untouched_log_verifies,
    the_head_of_the_chain_moves_with_each_change,
    a_head_that_was_noted_is_found_again,
    a_malformed_head_is_refused,
];
each_engine![
    a_changed_entry_is_found,
    a_changed_value_is_found,
    a_removed_entry_is_found,
    a_removed_end_is_seen_by_the_head,
    a_rewritten_log_is_seen_by_a_head_that_was_noted,
    an_entry_put_in_between_is_found,
];

fn entries(server: &Server, query: &str) -> Vec<AuditEntry> {
    server.get(&format!("/api/audit?{query}")).ok()
}

fn verify(server: &Server) -> AuditVerification {
    server.get("/api/audit/verify").ok()
}

fn every_change_is_an_entry_with_its_actor(server: &Server) {
    let agent = server.issue(Role::Agent, "frontend");
    agent.set("shop/plan", "{}");
    agent
        .patch(
            "/api/state/shop/plan",
            "application/merge-patch+json",
            "{\"a\":1}",
        )
        .send();
    agent.post_nothing("/api/state/shop/plan?rollback=1").send();
    agent.delete("/api/state/shop/plan").send();
    agent.publish("shop.a", json!({"n": 1}));
    agent
        .post("/api/consumers", json!({"name": "inbox"}))
        .send();
    let found = entries(server, "actor=agent:frontend");
    let actions: Vec<_> = found
        .iter()
        .rev()
        .map(|entry| entry.action.as_str())
        .collect();
    let expected = [
        "state.put",
        "state.put",
        "state.rolled_back",
        "state.deleted",
        "shop.a",
        "consumer.created",
    ];
    assert_eq!(actions, expected);
    assert!(found.iter().all(|entry| entry.outcome == "success"));
    assert_eq!(found[5].resource, "shop/plan");
    let detail: Value = serde_json::from_str(&found[5].detail).expect("JSON");
    assert_eq!(
        (&detail["version"], &detail["size"]),
        (&json!(1), &json!(2))
    );
    assert!(
        entries(server, "")
            .iter()
            .all(|entry| !entry.actor.is_empty())
    );
}

/// The newest first, as who leads the project sees them.
fn each_end_of_an_agents_token_says_who_and_why(server: &Server) {
    let body = json!({"name": "lead", "role": "controller", "project": "shop"});
    let lead: IssuedToken = server.post("/api/tokens", body).ok();
    let lead = server.client(&lead.token);
    let ends = || -> Vec<(String, String)> {
        let found: Vec<AuditEntry> = lead.get("/api/audit?action=token.revoked").ok();
        let why = |entry: &AuditEntry| {
            let detail: Value = serde_json::from_str(&entry.detail).expect("JSON");
            detail["why"].as_str().expect("text").to_owned()
        };
        let end = |entry: &AuditEntry| (entry.actor.clone(), why(entry));
        found.iter().map(end).collect()
    };
    let register =
        || server.register(json!({"name": "frontend", "project": "shop", "takeover": true}));
    let expected = |actor: &str, why: &str| (actor.to_owned(), why.to_owned());

    register();
    let (first, _) = register();
    first.get("/api/whoami").send().expect(200);
    let (second, agent) = register();
    second.get("/api/whoami").send().expect(200);
    server
        .delete(&format!("/api/instances/{}", agent.id))
        .send()
        .expect(200);
    let three = [
        expected("human:owner", "the agent was ended"),
        expected("agent:frontend", "a later registration is in use"),
        expected("human:owner", "it was never used, and another is issued"),
    ];
    assert_eq!(ends(), three);
    let (other, _) = server.register(json!({"name": "backend", "project": "shop"}));
    assert!(other.history("topic=coro.token.*").is_empty());

    // Nobody ends the last one: its agent is silent until it is forgotten.
    register();
    for days in [1, 1, 30] {
        server.advance_days(days);
        server.sweep();
    }
    assert_eq!(ends()[0], expected("system:coro", "the agent was ended"));
}

fn entries_are_newest_first_and_come_in_pages(server: &Server) {
    for number in 0..7 {
        server.set(&format!("k/{number}"), "1");
    }
    let mut resources = Vec::new();
    let mut next = Some("/api/audit?action=state.*&limit=3".to_owned());
    while let Some(path) = next {
        let page = server.get(&path).send().expect(200);
        resources.extend(
            page.json::<Vec<AuditEntry>>()
                .into_iter()
                .map(|entry| entry.resource),
        );
        next = page.next_page();
    }
    assert_eq!(resources, ["k/6", "k/5", "k/4", "k/3", "k/2", "k/1", "k/0"]);
}

fn entries_are_filtered(server: &Server) {
    let agent = server.issue(Role::Agent, "frontend");
    agent.set("shop/plan", "1");
    server.set("shop/other", "1");
    let last = server
        .delete("/api/state/shop/plan")
        .send()
        .expect(200)
        .revision();
    assert_eq!(entries(server, "action=state.put").len(), 2);
    assert_eq!(
        entries(server, "action=state.*&resource=shop/plan").len(),
        2
    );
    assert_eq!(entries(server, "actor=agent:frontend").len(), 1);
    assert_eq!(
        entries(server, &format!("action=state.*&before={last}")).len(),
        2
    );
    assert_eq!(entries(server, "action=*.deleted").len(), 1);
    assert!(entries(server, "to=2000-01-01T00:00:00Z").is_empty());
}

fn of_two_agents_of_a_name_each_project_has_its_own(server: &Server) {
    for project in ["shop", "bank"] {
        let new = json!({"name": "frontend", "project": project});
        let (agent, _) = server.register(new);
        agent.set(&format!("{project}/plan"), "1");
    }
    let puts = |query: &str| -> Vec<String> {
        let query = format!("actor=agent:frontend&action=state.put{query}");
        let found = entries(server, &query);
        found.into_iter().map(|entry| entry.resource).collect()
    };
    assert_eq!(puts(""), ["bank/plan", "shop/plan"]);
    assert_eq!(puts("&project=shop"), ["shop/plan"]);
    assert_eq!(puts("&project=blog"), [""; 0]);
    // What a script has not set is no filter.
    assert_eq!(puts("&project=&resource=&from="), puts(""));
    let page = server.get("/api/audit?project=shop&limit=1").send();
    let next = page.expect(200).next_page().expect("there is more");
    assert!(next.contains("project=shop"), "{next}");
    let shop = server.cli().ok(&["audit", "--project", "shop"]);
    assert!(
        shop.contains("shop/plan") && !shop.contains("bank/plan"),
        "{shop}"
    );
    let lead = server.issue_for_project(Role::Controller, "lead", "bank");
    lead.get("/api/audit?project=shop")
        .refused(Reason::Forbidden);
}

fn a_malformed_filter_is_refused(server: &Server) {
    for filter in [
        "limit=0",
        "limit=x",
        "from=yesterday",
        "to=x",
        "before=-1",
        "colour=red",
    ] {
        server
            .get(&format!("/api/audit?{filter}"))
            .refused(Reason::Invalid);
    }
}

fn an_untouched_log_verifies(server: &Server) {
    for number in 0..100 {
        server.set("k", number.to_string());
    }
    server.restart();
    let found = verify(server);
    assert!(found.ok && found.fault.is_none(), "{found:?}");
    assert_eq!(
        (found.first, found.last, found.checked),
        (1, server.revision(), found.last)
    );
}

fn the_head_of_the_chain_moves_with_each_change(server: &Server) {
    let before = verify(server);
    assert_eq!(verify(server), before);
    server.set("k", "1");
    let after = verify(server);
    assert_ne!(before.head, after.head);
    assert_eq!(after.head.len(), 64);
}

fn verify_noted(server: &Server, revision: i64, hash: &str) -> AuditVerification {
    server
        .get(&format!(
            "/api/audit/verify?revision={revision}&hash={hash}"
        ))
        .ok()
}

fn a_head_that_was_noted_is_found_again(server: &Server) {
    let mut noted = vec![verify(server)];
    for number in 0..40 {
        server.set("k", number.to_string());
        noted.push(verify(server));
    }
    for head in &noted {
        let found = verify_noted(server, head.last, &head.head.to_uppercase());
        assert!(found.ok && found.head_fault.is_none(), "{found:?}");
    }
    let other = verify_noted(server, noted[3].last, &noted[4].head);
    assert!(!other.ok && other.fault.is_none(), "{other:?}");
    assert!(other.head_fault.expect("a fault").contains("rewritten"));
    // Older entries go, the hash before the oldest stays known.
    server.compact(noted[9].last);
    let kept = verify(server).first - 1;
    let then = noted.iter().find(|head| head.last == kept);
    if let Some(then) = then {
        assert!(verify_noted(server, kept, &then.head).ok);
    }
}

fn a_malformed_head_is_refused(server: &Server) {
    let hash = "0".repeat(64);
    for query in [
        "revision=1".to_owned(),
        format!("hash={hash}"),
        format!("revision=-1&hash={hash}"),
        format!("revision=1&hash={}", &hash[1..]),
        format!("revision=1&hash={}x", &hash[1..]),
    ] {
        server
            .get(&format!("/api/audit/verify?{query}"))
            .refused(Reason::Invalid);
    }
}

/// A server whose log was tampered with from behind while it stood still.
fn tampered(engine: Engine, sql: impl Fn(i64) -> String) -> (Server, i64, AuditVerification) {
    let server = Server::start(engine);
    server.set("k", "before");
    let revision = server.set("k", "the value").revision;
    server.set("k", "after");
    let before = verify(&server);
    assert!(before.ok);
    server.stop();
    server.database().execute(&sql(revision));
    server.start_again();
    (server, revision, before)
}

#[track_caller]
fn is_found_at(server: &Server, revision: i64) {
    let found = verify(server);
    assert!(!found.ok, "{found:?}");
    let fault = found.fault.expect("a fault");
    assert!(fault.contains(&revision.to_string()), "{fault}");
}

fn a_changed_entry_is_found(engine: Engine) {
    for change in [
        "actor = 'human:nobody'",
        "at = at + 1",
        "subject = 'other'",
        "refused = 1",
    ] {
        let (server, revision, _) = tampered(engine, |revision| {
            format!("UPDATE log SET {change} WHERE revision = {revision}")
        });
        is_found_at(&server, revision);
    }
}

fn a_changed_value_is_found(engine: Engine) {
    let (server, revision, _) = tampered(engine, |revision| {
        let other = match engine {
            Engine::Sqlite => "CAST('THE VALUE' AS BLOB)",
            Engine::Postgres => "'THE VALUE'::bytea",
        };
        format!("UPDATE log SET payload = {other} WHERE revision = {revision}")
    });
    is_found_at(&server, revision);
}

fn a_removed_entry_is_found(engine: Engine) {
    let (server, revision, _) = tampered(engine, |revision| {
        format!("DELETE FROM log WHERE revision = {revision}")
    });
    is_found_at(&server, revision);
}

/// What follows is then a log that fits together: only who kept the head
/// elsewhere can tell.
fn a_removed_end_is_seen_by_the_head(engine: Engine) {
    let (server, _, before) = tampered(engine, |revision| {
        format!("DELETE FROM log WHERE revision > {revision}")
    });
    let found = verify(&server);
    assert!(!found.ok || found.head != before.head);
}

/// The end is written anew and fits together: only the noted head is missing.
fn a_rewritten_log_is_seen_by_a_head_that_was_noted(engine: Engine) {
    let (server, revision, before) = tampered(engine, |revision| {
        format!("DELETE FROM log WHERE revision > {revision}")
    });
    let found = verify_noted(&server, before.last, &before.head);
    assert!(found.head_fault.expect("a fault").contains("ends at"));
    while verify(&server).last < before.last {
        server.set("other", "another end");
    }
    let found = verify_noted(&server, before.last, &before.head);
    assert!(found.head_fault.expect("a fault").contains("rewritten"));
    assert!(verify(&server).ok && before.last > revision);
}

fn an_entry_put_in_between_is_found(engine: Engine) {
    let (server, revision, _) = tampered(engine, |revision| {
        let next = revision + 1;
        format!("UPDATE log SET revision = 1000000 WHERE revision = {next}")
    });
    is_found_at(&server, revision + 1);
}
