//! Who decides: several who must agree, deputies, and who may change that.

use coro_api::Reason;
use coro_api::audit::AuditEntry;
use coro_api::requests::{Policy, Request, RequestStatus};
use coro_api::tokens::Role;
use coro_tests::{Server, both_engines};
use serde_json::{Value, json};

use crate::requests::{ask, decide, decide_as, get, humans, question, set_policy};

both_engines![
    a_quorum_takes_several_and_one_no_ends_it,
    nobody_votes_twice,
    a_token_of_a_human_is_no_vote_of_its_own,
    whoever_a_policy_names_votes_once,
    a_token_that_is_not_named_any_more_is_no_vote,
    votes_count_by_the_policy_that_holds,
    deciders_and_their_deputies,
    who_decides_what_is_protected_is_set_by_a_human,
    policies_that_nobody_can_meet_are_refused,
    a_policy_of_one_without_names_is_none,
    a_policy_of_several_is_changed_by_several,
    a_policy_that_names_humans_is_changed_by_them,
    of_two_who_change_a_policy_the_second_hears_of_the_first,
];

fn a_quorum_takes_several_and_one_no_ends_it(server: &Server) {
    let [ada, bob] = humans(server, ["ada", "bob"]);
    let policy = json!({"kind": "budget", "quorum": 2});
    set_policy(server, policy)
        .header("Coro-Human", &ada)
        .send()
        .expect(200);
    let agent = server.agent("frontend");
    let ask = || ask(&agent, json!({"title": "More?", "kind": "budget"}));
    let asked = ask();
    let voted: Request = decide_as(server, &ada, &asked, "yes").ok();
    assert_eq!((voted.status, voted.votes.len()), (RequestStatus::Open, 1));
    let decided: Request = decide_as(server, &bob, &asked, "yes").ok();
    assert_eq!(decided.status, RequestStatus::Decided);
    assert_eq!(decided.votes.len(), 2);
    let asked = ask();
    decide_as(server, &ada, &asked, "yes").send().expect(200);
    let refused: Request = decide_as(server, &bob, &asked, "no").ok();
    assert_eq!(
        (refused.status, refused.decision.as_deref()),
        (RequestStatus::Decided, Some("no"))
    );
}

fn nobody_votes_twice(server: &Server) {
    set_policy(server, json!({"kind": "question", "quorum": 2}))
        .send()
        .expect(200);
    let asked = question(&server.agent("frontend"));
    let lead = server.issue(Role::Controller, "lead");
    decide(&lead, &asked, "yes").send().expect(200);
    // Another token of the same name is no other decider.
    let twin = server.issue(Role::Controller, "lead");
    for client in [&lead, &twin] {
        for option in ["yes", "no"] {
            let problem = decide(client, &asked, option).refused(Reason::Conflict);
            assert!(problem.detail.contains("said \"yes\""), "{problem:?}");
        }
    }
    let second = server.issue(Role::Controller, "second");
    let decided: Request = decide(&second, &asked, "yes").ok();
    assert_eq!(decided.status, RequestStatus::Decided);
}

/// One person was two: with the token, and with the passphrase.
fn a_token_of_a_human_is_no_vote_of_its_own(server: &Server) {
    let [ada, bob] = humans(server, ["ada", "bob"]);
    set_policy(server, json!({"kind": "question", "quorum": 2}))
        .send()
        .expect(200);
    let agent = server.agent("frontend");
    let asked = question(&agent);
    decide_as(server, &ada, &asked, "yes").send().expect(200);
    let another = server.issue(Role::Owner, "adas-laptop");
    for client in [&server.owner(), &another] {
        let problem = decide(client, &asked, "yes").refused(Reason::Forbidden);
        assert!(problem.detail.contains("whose vote"), "{problem:?}");
        let next = problem.next.expect("a next step");
        assert!(next.contains("coro-cli yes R-1 --as NAME"), "{next}");
    }
    assert_eq!(get(&agent, &asked).votes.len(), 1);
    decide_as(server, &ada, &asked, "yes").refused(Reason::Conflict);
    let decided: Request = decide_as(server, &bob, &asked, "yes").ok();
    assert_eq!(decided.status, RequestStatus::Decided);
    // To refuse takes one: who it is makes no difference.
    let asked = question(&agent);
    let refused: Request = decide(&server.owner(), &asked, "no").ok();
    assert_eq!(refused.decision.as_deref(), Some("no"));
}

fn whoever_a_policy_names_votes_once(server: &Server) {
    let [ada] = humans(server, ["ada"]);
    let policy = json!({"kind": "question", "quorum": 2, "deciders": ["human:owner", "ada"]});
    set_policy(server, policy).send().expect(200);
    let agent = server.agent("frontend");
    let asked = question(&agent);
    decide(&server.owner(), &asked, "yes").send().expect(200);
    decide(&server.owner(), &asked, "yes").refused(Reason::Conflict);
    let decided: Request = decide_as(server, &ada, &asked, "yes").ok();
    let hows: Vec<_> = decided
        .votes
        .iter()
        .map(|vote| (vote.decider.as_str(), vote.how.as_str()))
        .collect();
    assert_eq!(hows, [("human:owner", "token"), ("human:ada", "session")]);
    assert_eq!(decided.status, RequestStatus::Decided);
}

/// One person was two: their token voted while the policy named it.
fn a_token_that_is_not_named_any_more_is_no_vote(server: &Server) {
    let [ada, bob] = humans(server, ["ada", "bob"]);
    let named = json!({"kind": "question", "quorum": 2, "deciders": ["human:owner", "ada"]});
    set_policy(server, named).send().expect(200);
    let asked = question(&server.agent("frontend"));
    decide(&server.owner(), &asked, "yes").send().expect(200);
    set_policy(server, json!({"kind": "question", "quorum": 2}))
        .header("Coro-Human", &ada)
        .send()
        .expect(200);
    let voted: Request = decide_as(server, &ada, &asked, "yes").ok();
    assert_eq!((voted.status, voted.votes.len()), (RequestStatus::Open, 2));
    let decided: Request = decide_as(server, &bob, &asked, "yes").ok();
    assert_eq!(decided.status, RequestStatus::Decided);
}

fn votes_count_by_the_policy_that_holds(server: &Server) {
    let [ada, bob, eve] = humans(server, ["ada", "bob", "eve"]);
    let both = format!("{ada}, {bob}");
    let set = |policy: Value| {
        let set = set_policy(server, policy).header("Coro-Human", &both);
        set.send().expect(200);
    };
    let agent = server.agent("frontend");
    let ask = || ask(&agent, json!({"title": "A rule", "kind": "rule"}));
    set(json!({"kind": "rule", "quorum": 2}));
    let (asked, lowered) = (ask(), ask());
    decide_as(server, &eve, &asked, "yes").send().expect(200);
    decide_as(server, &ada, &lowered, "yes").send().expect(200);
    // Eve is none of those who decide any more.
    set(json!({"kind": "rule", "quorum": 2, "deciders": ["ada", "bob"]}));
    let voted: Request = decide_as(server, &ada, &asked, "yes").ok();
    assert_eq!((voted.status, voted.votes.len()), (RequestStatus::Open, 2));
    let decided: Request = decide_as(server, &bob, &asked, "yes").ok();
    assert_eq!(decided.status, RequestStatus::Decided);
    // Where one is enough now, whoever has voted says so again.
    set(json!({"kind": "rule"}));
    decide_as(server, &ada, &lowered, "no").refused(Reason::Conflict);
    let decided: Request = decide_as(server, &ada, &lowered, "yes").ok();
    assert_eq!(
        (decided.status, decided.votes.len()),
        (RequestStatus::Decided, 1)
    );
}

fn deciders_and_their_deputies(server: &Server) {
    let [ada, bob, eve] = humans(server, ["ada", "bob", "eve"]);
    let policy = json!({"kind": "rule", "deciders": ["ada"], "deputies": ["bob"],
        "deputies_after_seconds": 60});
    set_policy(server, policy)
        .header("Coro-Human", &ada)
        .send()
        .expect(200);
    let agent = server.agent("frontend");
    let ask = |silence: &str| {
        let request = json!({"title": "A rule", "kind": "rule", "expires_in": 30,
            "on_silence": silence});
        ask(&agent, request)
    };
    let (now, later, escalated) = (ask("park"), ask("park"), ask("escalate"));
    decide_as(server, &eve, &now, "yes").refused(Reason::Forbidden);
    let problem = decide_as(server, &bob, &now, "yes").refused(Reason::Forbidden);
    assert!(problem.detail.contains("deputy"), "{problem:?}");
    decide_as(server, &ada, &now, "yes").send().expect(200);
    server.advance_seconds(31);
    decide_as(server, &bob, &escalated, "yes")
        .send()
        .expect(200);
    decide_as(server, &bob, &later, "yes").refused(Reason::Forbidden);
    server.advance_seconds(30);
    decide_as(server, &eve, &later, "yes").refused(Reason::Forbidden);
    decide_as(server, &bob, &later, "yes").send().expect(200);
}

fn who_decides_what_is_protected_is_set_by_a_human(server: &Server) {
    let [ada] = humans(server, ["ada"]);
    let policy = json!({"kind": "rule", "deciders": ["ada"]});
    let problem = set_policy(server, policy.clone()).refused(Reason::Forbidden);
    assert!(problem.detail.contains("passphrase"), "{problem:?}");
    let refused: Vec<AuditEntry> = server.get("/api/audit?action=request.refused").ok();
    assert_eq!(refused.len(), 1, "{refused:?}");
    let set: Policy = set_policy(server, policy).header("Coro-Human", &ada).ok();
    assert_eq!(
        (set.set_by.as_str(), set.project.as_str()),
        ("human:ada", "default")
    );
    let lead = server.issue(Role::Controller, "lead");
    lead.request("PUT", "/api/requests/policies")
        .json(&json!({"kind": "question", "quorum": 2}))
        .refused(Reason::Forbidden);
}

fn policies_that_nobody_can_meet_are_refused(server: &Server) {
    let [ada] = humans(server, ["ada"]);
    for policy in [
        json!({"kind": "rule", "quorum": 2}),
        json!({"kind": "rule", "quorum": 0}),
        json!({"kind": "rule", "quorum": 17}),
        json!({"kind": "rule", "deciders": ["eve"]}),
        json!({"kind": "rule", "deciders": ["agent:lead"]}),
        json!({"kind": "rule", "deciders": ["ada", "ada"]}),
        json!({"kind": "rule", "deputies": ["ada"]}),
        json!({"kind": "rule", "deciders": ["ada"], "quorum": 2}),
        json!({"kind": "rule", "deciders": ["ada"], "deputies_after_seconds": -1}),
        json!({"kind": "unheard of"}),
    ] {
        let set = set_policy(server, policy).header("Coro-Human", &ada);
        set.refused(Reason::Invalid);
    }
}

fn a_policy_of_one_without_names_is_none(server: &Server) {
    let list = || server.get("/api/requests/policies").ok::<Vec<Policy>>();
    let named = json!({"kind": "question", "deciders": ["agent:lead"], "project": "shop"});
    set_policy(server, named).send().expect(200);
    assert_eq!(list().len(), 1);
    let agent = server.issue_for_project(Role::Agent, "frontend", "shop");
    let asked = question(&agent);
    decide(&server.owner(), &asked, "yes").refused(Reason::Forbidden);
    let lead = server.issue(Role::Controller, "lead");
    decide(&lead, &asked, "yes").send().expect(200);
    set_policy(server, json!({"kind": "question", "project": "shop"}))
        .send()
        .expect(200);
    assert_eq!(list(), []);
    decide(&server.owner(), &question(&agent), "yes")
        .send()
        .expect(200);
}

fn a_policy_of_several_is_changed_by_several(server: &Server) {
    let [ada, bob, eve] = humans(server, ["ada", "bob", "eve"]);
    let four_eyes = json!({"kind": "rule", "quorum": 2, "deciders": ["ada", "bob"]});
    let set: Policy = set_policy(server, four_eyes)
        .header("Coro-Human", &ada)
        .ok();
    assert_eq!(set.humans_to_change, 2);
    let alone = json!({"kind": "rule"});
    let own = json!({"kind": "rule", "deciders": ["eve"]});
    for (sessions, policy) in [
        (ada.clone(), &alone),
        (format!("{ada}, {ada}"), &alone),
        (format!("{ada}, {eve}"), &alone),
        (eve, &own),
    ] {
        let set = set_policy(server, policy.clone()).header("Coro-Human", &sessions);
        let problem = set.refused(Reason::Forbidden);
        assert!(problem.detail.contains("2 of ada, bob"), "{problem:?}");
    }
    let refused: Vec<AuditEntry> = server.get("/api/audit?action=request.refused").ok();
    assert_eq!(refused.len(), 4, "{refused:?}");
    let unknown = format!("{ada}, cor_unknown");
    let set = set_policy(server, alone.clone()).header("Coro-Human", &unknown);
    set.refused(Reason::SessionOver);
    let together = format!("{ada}, {bob}");
    set_policy(server, alone)
        .header("Coro-Human", &together)
        .send()
        .expect(200);
    let policies: Vec<Policy> = server.get("/api/requests/policies").ok();
    assert_eq!(policies, []);
}

fn a_policy_that_names_humans_is_changed_by_them(server: &Server) {
    let [ada, bob] = humans(server, ["ada", "bob"]);
    let only_ada = json!({"kind": "checkpoint", "deciders": ["ada"]});
    set_policy(server, only_ada).send().expect(200);
    let nobody = json!({"kind": "checkpoint"});
    let problem = set_policy(server, nobody.clone()).refused(Reason::Forbidden);
    assert!(problem.detail.contains("passphrase"), "{problem:?}");
    let refused: Vec<AuditEntry> = server.get("/api/audit?action=request.refused").ok();
    assert_eq!(refused.len(), 1, "{refused:?}");
    set_policy(server, nobody.clone())
        .header("Coro-Human", &bob)
        .refused(Reason::Forbidden);
    set_policy(server, nobody)
        .header("Coro-Human", &ada)
        .send()
        .expect(200);
}

fn of_two_who_change_a_policy_the_second_hears_of_the_first(server: &Server) {
    let set = |quorum: i64, header: &str, value: &str| {
        set_policy(server, json!({"kind": "question", "quorum": quorum})).header(header, value)
    };
    let first: Policy = set(2, "If-None-Match", "*").ok();
    let problem = set(3, "If-None-Match", "*").refused(Reason::PreconditionFailed);
    assert!(problem.detail.contains("human:owner"), "{problem:?}");
    let seen = format!("\"{}\"", first.digest);
    let second: Policy = set(3, "If-Match", &seen).ok();
    assert_ne!(first.digest, second.digest);
    for stale in [&seen, "\"v0-0000000000000000\"", "\"\""] {
        set(4, "If-Match", stale).refused(Reason::PreconditionFailed);
    }
    set(1, "If-Match", &format!("\"{}\"", second.digest))
        .send()
        .expect(200);
    let problem = set(5, "If-Match", &seen).refused(Reason::PreconditionFailed);
    assert!(problem.detail.contains("taken away"), "{problem:?}");
}
