//! Requests: asked, decided once by whoever may, and never by silence.

use coro_api::Reason;
use coro_api::audit::AuditEntry;
use coro_api::events::Event;
use coro_api::humans::Unlocked;
use coro_api::leases::{CheckedPaths, Lease};
use coro_api::limits::REQUESTS_OF_PROJECT_MAX;
use coro_api::messages::Inbox;
use coro_api::requests::{Request, RequestKind, RequestStatus};
use coro_api::tokens::Role;
use coro_tests::{Client, Server, both_engines};
use serde_json::{Value, json};

both_engines![
    a_question_is_asked_and_decided,
    who_asks_does_not_decide,
    an_agent_decides_for_no_other,
    plain_requests_are_decided_by_owner_controller_or_human,
    a_protected_request_takes_a_humans_session,
    every_refused_try_at_a_protected_request_is_in_the_audit,
    a_human_decides_what_their_own_token_asked,
    a_decision_is_bound_to_the_digest,
    the_digest_is_over_what_is_decided,
    a_decided_request_is_not_decided_again,
    one_of_many_decisions_at_once_counts,
    a_decision_is_one_of_the_options_or_no,
    silence_denies_where_it_says_so,
    silence_parks_where_nothing_is_said,
    silence_escalates_once,
    a_request_that_expired_in_between_is_not_decided,
    a_clock_that_jumps_leaves_the_whole_second_time,
    a_clock_that_jumps_back_changes_nothing,
    the_sweep_settles_what_nobody_looks_at,
    ended_requests_are_forgotten_after_90_days,
    whoever_asked_withdraws,
    whoever_asked_waits_for_the_decision,
    the_agent_that_asked_is_told_what_became_of_it,
    nobody_else_is_told_what_became_of_a_request,
    requests_are_listed_by_what_they_are,
    pages_of_requests_begin_with_the_newest_and_leave_none_out,
    requests_of_another_project_or_tenant_are_not_there,
    what_is_malformed_is_refused,
    a_lease_override_names_a_lease_and_is_an_agents,
    a_human_lets_an_agent_edit_under_anothers_lease,
    a_lease_override_is_asked_in_the_project_of_the_lease,
    a_full_inbox_takes_no_more,
    asking_twice_with_one_key_asks_once,
    what_happens_to_requests_is_in_the_log,
];

const PASSPHRASE: &str = "correct horse battery";

pub(crate) fn ask(client: &Client, request: Value) -> Request {
    client.post("/api/requests", request).ok()
}

pub(crate) fn question(client: &Client) -> Request {
    ask(client, json!({"title": "May I?"}))
}

pub(crate) fn get(client: &Client, request: &Request) -> Request {
    client.get(&path(request, "")).ok()
}

fn path(request: &Request, action: &str) -> String {
    format!("/api/requests/{}{action}", request.number)
}

pub(crate) fn decide(client: &Client, request: &Request, option: &str) -> coro_tests::Request {
    let body = json!({"option": option, "digest": request.digest, "why": "so it is"});
    client.post(&path(request, "/decide"), body)
}

/// As a human: the owner's token with a session of theirs.
pub(crate) fn decide_as(
    server: &Server,
    session: &str,
    request: &Request,
    option: &str,
) -> coro_tests::Request {
    decide(&server.owner(), request, option).header("Coro-Human", session)
}

/// Makes humans, and gives a session of each.
pub(crate) fn humans<const COUNT: usize>(server: &Server, names: [&str; COUNT]) -> [String; COUNT] {
    let mut first: Option<String> = None;
    names.map(|name| {
        let body = json!({"name": name, "passphrase": PASSPHRASE});
        let mut set = server.post("/api/humans", body.clone());
        if let Some(session) = &first {
            set = set.header("Coro-Human", session);
        }
        set.send().expect(200);
        let unlocked: Unlocked = server.post("/api/humans/unlock", body).ok();
        first.get_or_insert(unlocked.session.clone());
        unlocked.session
    })
}

pub(crate) fn set_policy(server: &Server, policy: Value) -> coro_tests::Request {
    server
        .request("PUT", "/api/requests/policies")
        .json(&policy)
}

fn topics_of(server: &Server) -> Vec<String> {
    let events = server.owner().history("topic=coro.request.*");
    let mut topics: Vec<String> = events.into_iter().map(|event| event.topic).collect();
    topics.reverse();
    topics
}

fn a_question_is_asked_and_decided(server: &Server) {
    let agent = server.agent("frontend");
    let asked = ask(
        &agent,
        json!({"title": "Which database?", "body": "For the cart.", "options": ["sqlite", "pg"],
            "detail": {"size": 3}}),
    );
    assert_eq!(asked.number.to_string(), "R-1");
    assert_eq!(
        (asked.kind, asked.status, asked.protected),
        (RequestKind::Question, RequestStatus::Open, false)
    );
    assert_eq!(asked.asked_by, "agent:frontend");
    let decided: Request = decide(&server.owner(), &asked, "pg").ok();
    assert_eq!(decided.status, RequestStatus::Decided);
    let read = get(&agent, &asked);
    assert_eq!(read, decided);
    assert_eq!(
        (
            read.decision.as_deref(),
            read.decided_by.as_deref(),
            read.why.as_deref(),
            read.decided_how.as_deref(),
        ),
        (
            Some("pg"),
            Some("human:owner"),
            Some("so it is"),
            Some("token")
        )
    );
    assert_eq!((read.votes.len(), read.body.as_str()), (1, "For the cart."));
}

fn who_asks_does_not_decide(server: &Server) {
    let lead = server.issue(Role::Controller, "lead");
    for client in [&lead, &server.owner()] {
        let asked = question(client);
        let problem = decide(client, &asked, "yes").refused(Reason::Forbidden);
        assert!(problem.detail.contains("your own"), "{problem:?}");
    }
    // Another token of the same name is the same actor.
    let asked = question(&lead);
    let twin = server.issue(Role::Controller, "lead");
    decide(&twin, &asked, "yes").refused(Reason::Forbidden);
    decide(&server.owner(), &asked, "yes").send().expect(200);
}

fn an_agent_decides_for_no_other(server: &Server) {
    let (asking, other) = (server.agent("frontend"), server.agent("backend"));
    let asked = question(&asking);
    for client in [
        &asking,
        &other,
        &server.issue(Role::Viewer, "viewer"),
        &server.issue(Role::Enrol, "ide"),
        &server.issue(Role::Runner, "runner"),
    ] {
        decide(client, &asked, "yes").refused(Reason::Forbidden);
    }
    other
        .post(&path(&asked, "/withdraw"), json!({}))
        .refused(Reason::Forbidden);
    assert_eq!(get(&asking, &asked), asked);
}

fn plain_requests_are_decided_by_owner_controller_or_human(server: &Server) {
    let agent = server.issue_for_project(Role::Agent, "frontend", "shop");
    let lead = server.issue_for_project(Role::Controller, "lead", "shop");
    let [ada] = humans(server, ["ada"]);
    for kind in ["question", "checkpoint"] {
        let ask = || ask(&agent, json!({"title": "Go on?", "kind": kind}));
        let decided: Request = decide(&lead, &ask(), "yes").ok();
        assert_eq!(decided.decided_by.as_deref(), Some("agent:lead"));
        decide(&server.owner(), &ask(), "no").send().expect(200);
        let decided: Request = decide_as(server, &ada, &ask(), "yes").ok();
        assert_eq!(
            (
                decided.decided_by.as_deref(),
                decided.decided_how.as_deref()
            ),
            (Some("human:ada"), Some("session"))
        );
    }
}

fn a_protected_request_takes_a_humans_session(server: &Server) {
    let agent = server.agent("frontend");
    let [ada] = humans(server, ["ada"]);
    for kind in ["rule", "proposal", "budget", "contract_break"] {
        let asked = ask(&agent, json!({"title": "May I?", "kind": kind}));
        assert!(asked.protected, "{kind}");
        let lead = server.issue(Role::Controller, "lead");
        for client in [&agent, &lead, &server.owner()] {
            let problem = decide(client, &asked, "yes").refused(Reason::Forbidden);
            assert_eq!(problem.detail.lines().count(), 1);
        }
        decide(&lead, &asked, "yes")
            .header("Coro-Human", &ada)
            .refused(Reason::SessionOver);
        decide(&server.owner(), &asked, "no").refused(Reason::Forbidden);
        let decided: Request = decide_as(server, &ada, &asked, "yes").ok();
        assert_eq!(decided.decision.as_deref(), Some("yes"));
    }
}

fn every_refused_try_at_a_protected_request_is_in_the_audit(server: &Server) {
    let agent = server.agent("frontend");
    let asked = ask(&agent, json!({"title": "May I?", "kind": "rule"}));
    // Other refusals don't hide it.
    for _ in 0..20 {
        agent.get("/api/audit").refused(Reason::Forbidden);
    }
    let tries = [
        decide(&agent, &asked, "yes"),
        decide(&server.owner(), &asked, "yes"),
        decide(&server.issue(Role::Viewer, "viewer"), &asked, "yes"),
    ];
    for one in tries {
        one.refused(Reason::Forbidden);
    }
    let made_up = decide(&server.owner(), &asked, "yes").header("Coro-Human", "corh_made_up");
    made_up.refused(Reason::SessionOver);
    let found: Vec<AuditEntry> = server
        .get("/api/audit?action=request.refused&resource=R-1")
        .ok();
    let seen: Vec<(&str, &str)> = found
        .iter()
        .map(|entry| {
            let how = match entry.detail.contains("\"how\":\"session\"") {
                true => "session",
                false => "token",
            };
            (entry.actor.as_str(), how)
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("human:owner", "session"),
            ("human:viewer", "token"),
            ("human:owner", "token"),
            ("agent:frontend", "token"),
        ]
    );
    assert!(found.iter().all(|entry| entry.outcome == "refused"));
    assert_eq!(get(&agent, &asked), asked);
}

fn a_human_decides_what_their_own_token_asked(server: &Server) {
    let [ada] = humans(server, ["ada"]);
    let asked = ask(
        &server.owner(),
        json!({"title": "More money?", "kind": "budget"}),
    );
    decide_as(server, &ada, &asked, "yes").send().expect(200);
}

fn a_decision_is_bound_to_the_digest(server: &Server) {
    let asked = question(&server.agent("frontend"));
    let other = ask(&server.agent("backend"), json!({"title": "May I not?"}));
    for digest in ["", "abc", &asked.digest[..12], &other.digest] {
        let body = json!({"option": "yes", "digest": digest});
        let problem = server
            .post(&path(&asked, "/decide"), body)
            .refused(Reason::Conflict);
        assert!(problem.detail.contains(&asked.digest[..12]), "{problem:?}");
    }
    decide(&server.owner(), &asked, "yes").send().expect(200);
}

fn the_digest_is_over_what_is_decided(server: &Server) {
    let agent = server.agent("frontend");
    let base = json!({"title": "May I?", "body": "b", "detail": {"a": 1, "b": [2]}});
    let digest = |change: Value| {
        let mut request = base.clone();
        let object = request.as_object_mut().expect("an object");
        object.extend(change.as_object().expect("an object").clone());
        ask(&agent, request).digest
    };
    let same = digest(json!({}));
    assert_eq!(same.len(), 64);
    assert_eq!(digest(json!({"detail": {"b": [2], "a": 1}})), same);
    assert_eq!(
        digest(json!({"expires_in": 60, "on_silence": "deny"})),
        same
    );
    for change in [
        json!({"title": "May I not?"}),
        json!({"body": "c"}),
        json!({"detail": {"a": 1, "b": [3]}}),
        json!({"kind": "rule"}),
        json!({"options": ["yes", "no", "later"]}),
    ] {
        assert_ne!(digest(change.clone()), same, "{change}");
    }
}

fn a_decided_request_is_not_decided_again(server: &Server) {
    let asked = question(&server.agent("frontend"));
    let decided: Request = decide(&server.owner(), &asked, "no").ok();
    let lead = server.issue(Role::Controller, "lead");
    for option in ["yes", "no"] {
        let problem = decide(&lead, &asked, option).refused(Reason::Conflict);
        for part in [
            "\"no\"",
            "human:owner",
            &decided.decided_at.clone().expect("a time"),
        ] {
            assert!(problem.detail.contains(part), "{problem:?}");
        }
    }
    // Nor does whoever's session is over unlock for nothing.
    decide_as(server, "corh_over", &asked, "yes").refused(Reason::Conflict);
    assert_eq!(get(&server.owner(), &asked), decided);
}

fn one_of_many_decisions_at_once_counts(server: &Server) {
    let asked = question(&server.agent("frontend"));
    let leads: Vec<Client> = (0..6)
        .map(|n| server.issue(Role::Controller, &format!("lead-{n}")))
        .collect();
    let won = std::thread::scope(|scope| {
        let all: Vec<_> = leads
            .iter()
            .map(|lead| scope.spawn(|| decide(lead, &asked, "yes").send().status))
            .collect();
        let statuses = all.into_iter().map(|one| one.join().expect("no panic"));
        statuses.filter(|status| *status == 200).count()
    });
    assert_eq!(won, 1);
    assert_eq!(get(&server.owner(), &asked).votes.len(), 1);
}

fn a_decision_is_one_of_the_options_or_no(server: &Server) {
    let agent = server.agent("frontend");
    let options = json!({"title": "Which?", "options": ["a", "b"]});
    let asked = ask(&agent, options.clone());
    for option in ["yes", "", "A", "c"] {
        let problem = decide(&server.owner(), &asked, option).refused(Reason::Invalid);
        let next = problem.next.expect("a next step");
        assert!(next.contains("coro-cli yes R-1 --option"), "{next}");
    }
    decide(&server.owner(), &asked, "b").send().expect(200);
    let asked = ask(&agent, options);
    let decided: Request = decide(&server.owner(), &asked, "no").ok();
    assert_eq!(decided.decision.as_deref(), Some("no"));
}

fn silence_denies_where_it_says_so(server: &Server) {
    let agent = server.agent("frontend");
    let asked = ask(
        &agent,
        json!({"title": "Which?", "options": ["a", "b"], "expires_in": 60, "on_silence": "deny"}),
    );
    server.advance_seconds(59);
    assert_eq!(get(&agent, &asked).status, RequestStatus::Open);
    server.advance_seconds(2);
    let expired = get(&agent, &asked);
    assert_eq!(
        (expired.status, expired.decision.as_deref()),
        (RequestStatus::Expired, Some("no"))
    );
    assert_eq!(expired.decided_by, None);
    let problem = decide(&server.owner(), &asked, "a").refused(Reason::Conflict);
    assert!(problem.detail.contains("expired at"), "{problem:?}");
}

fn silence_parks_where_nothing_is_said(server: &Server) {
    let agent = server.agent("frontend");
    let asked = ask(&agent, json!({"title": "May I?", "expires_in": 60}));
    server.advance_seconds(61);
    let parked = get(&agent, &asked);
    assert_eq!(
        (parked.status, parked.decision),
        (RequestStatus::Parked, None)
    );
    server.advance_seconds(30 * 24 * 3600);
    let decided: Request = decide(&server.owner(), &asked, "yes").ok();
    assert_eq!(decided.status, RequestStatus::Decided);
}

fn silence_escalates_once(server: &Server) {
    let agent = server.agent("frontend");
    let lead = server.issue(Role::Controller, "lead");
    let escalate = json!({"title": "May I?", "expires_in": 60, "on_silence": "escalate"});
    let (first, second) = (ask(&agent, escalate.clone()), ask(&agent, escalate));
    server.advance_seconds(61);
    assert_eq!(get(&agent, &first).status, RequestStatus::Escalated);
    let problem = decide(&lead, &first, "yes").refused(Reason::Forbidden);
    assert!(problem.detail.contains("escalated"), "{problem:?}");
    decide(&server.owner(), &first, "yes").send().expect(200);
    server.advance_seconds(61);
    let expired = get(&agent, &second);
    assert_eq!(
        (expired.status, expired.decision.as_deref()),
        (RequestStatus::Expired, Some("no"))
    );
}

fn a_request_that_expired_in_between_is_not_decided(server: &Server) {
    let agent = server.agent("frontend");
    let asked = ask(
        &agent,
        json!({"title": "May I?", "expires_in": 60, "on_silence": "deny"}),
    );
    let read = get(&server.owner(), &asked);
    server.advance_seconds(60);
    let problem = decide(&server.owner(), &read, "yes").refused(Reason::Conflict);
    assert!(problem.detail.contains("nobody decided"), "{problem:?}");
    agent
        .post(&path(&asked, "/withdraw"), json!({}))
        .refused(Reason::Conflict);
}

fn a_clock_that_jumps_leaves_the_whole_second_time(server: &Server) {
    let agent = server.agent("frontend");
    let asked = ask(
        &agent,
        json!({"title": "May I?", "expires_in": 3600, "on_silence": "escalate"}),
    );
    server.advance_seconds(30 * 24 * 3600);
    assert_eq!(get(&agent, &asked).status, RequestStatus::Escalated);
    server.advance_seconds(3500);
    decide(&server.owner(), &asked, "yes").send().expect(200);
}

fn a_clock_that_jumps_back_changes_nothing(server: &Server) {
    let agent = server.agent("frontend");
    let asked = ask(
        &agent,
        json!({"title": "May I?", "expires_in": 60, "on_silence": "deny"}),
    );
    server.advance_seconds(61);
    assert_eq!(get(&agent, &asked).status, RequestStatus::Expired);
    server.advance_seconds(-3600);
    assert_eq!(get(&agent, &asked).status, RequestStatus::Expired);
    decide(&server.owner(), &asked, "yes").refused(Reason::Conflict);
}

fn the_sweep_settles_what_nobody_looks_at(server: &Server) {
    let agent = server.agent("frontend");
    for silence in ["deny", "park", "escalate"] {
        let request = json!({"title": "May I?", "expires_in": 60, "on_silence": silence});
        ask(&agent, request);
    }
    server.advance_seconds(61);
    server.sweep();
    server.sweep();
    let asked = ["coro.request.asked"; 3];
    let settled = [
        "coro.request.expired",
        "coro.request.parked",
        "coro.request.escalated",
    ];
    assert_eq!(topics_of(server), [&asked[..], &settled[..]].concat());
}

fn ended_requests_are_forgotten_after_90_days(server: &Server) {
    let agent = server.agent("frontend");
    let (ended, parked) = (question(&agent), question(&agent));
    decide(&server.owner(), &ended, "yes").send().expect(200);
    server.advance_seconds(91 * 24 * 3600);
    server.sweep();
    let owner = server.owner();
    owner.get(&path(&ended, "")).refused(Reason::NotFound);
    assert_eq!(get(&owner, &parked).status, RequestStatus::Parked);
    let next = question(&server.agent("backend"));
    assert_eq!(next.number.to_string(), "R-3");
}

fn whoever_asked_withdraws(server: &Server) {
    let agent = server.agent("frontend");
    let asked = question(&agent);
    let withdraw = |client: &Client| client.post(&path(&asked, "/withdraw"), json!({"why": "x"}));
    withdraw(&server.owner()).refused(Reason::Forbidden);
    let withdrawn: Request = withdraw(&agent).ok();
    assert_eq!(
        (withdrawn.status, withdrawn.why.as_deref()),
        (RequestStatus::Withdrawn, Some("x"))
    );
    withdraw(&agent).refused(Reason::Conflict);
    let problem = decide(&server.owner(), &asked, "yes").refused(Reason::Conflict);
    assert!(problem.detail.contains("withdrawn"), "{problem:?}");
}

fn whoever_asked_waits_for_the_decision(server: &Server) {
    let agent = server.agent("frontend");
    let asked = question(&agent);
    let answer = std::thread::scope(|scope| {
        let wait = scope.spawn(|| agent.get(&path(&asked, "?wait=50")).ok::<Request>());
        decide(&server.owner(), &asked, "yes").send().expect(200);
        wait.join().expect("no panic")
    });
    assert_eq!(answer.decision.as_deref(), Some("yes"));
    let at_once: Request = agent
        .post("/api/requests?wait=1", json!({"title": "May I?"}))
        .ok();
    assert_eq!(at_once.status, RequestStatus::Open);
    agent
        .get(&path(&asked, "?wait=51"))
        .refused(Reason::Invalid);
    let before = server.revision();
    agent
        .post("/api/requests?wait=51", json!({"title": "May I?"}))
        .refused(Reason::Invalid);
    assert_eq!(server.revision(), before, "what is refused is not asked");
}

/// What the server wrote to an agent.
fn told(client: &Client) -> Vec<String> {
    let inbox: Inbox = client.get("/api/inbox").ok();
    let messages = inbox.messages.iter();
    messages
        .map(|message| format!("{}: {}", message.label(), message.text))
        .collect()
}

/// Once an agent that did not wait heard nothing of it, anywhere.
fn the_agent_that_asked_is_told_what_became_of_it(server: &Server) {
    let agent = server.agent("frontend");
    let asked = ask(&agent, json!({"title": "Go on?"}));
    let yes = json!({"option": "yes", "digest": asked.digest, "why": "go"});
    let decided = server.post("/api/requests/R-1/decide", yes);
    decided.send().expect(200);
    assert_eq!(
        told(&agent),
        ["M-1 from coro (server): about R-1 \"Go on?\": decided yes by human:owner: go"]
    );
    for on_silence in ["deny", "park"] {
        let request = json!({"title": "Cart", "expires_in": 60, "on_silence": on_silence});
        ask(&agent, request);
    }
    server.advance_seconds(61);
    server.sweep();
    let said = told(&agent).join("\n");
    assert!(
        said.contains("about R-2 Cart: nobody decided in time, so it is no"),
        "{said}"
    );
    assert!(
        said.contains("about R-3 Cart: nobody decided in time, and it waits"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 2, "{said}");
}

fn nobody_else_is_told_what_became_of_a_request(server: &Server) {
    let (agent, other) = (server.agent("frontend"), server.agent("backend"));
    ask(&agent, json!({"title": "Go on?"}));
    let withdrawn = agent.post("/api/requests/R-1/withdraw", json!({}));
    withdrawn.send().expect(200);
    // A question that waits for a second moment is not decided yet.
    let request = json!({"title": "Cart", "expires_in": 60, "on_silence": "escalate"});
    ask(&agent, request);
    let lead = server.issue(Role::Controller, "lead");
    let asked = ask(&lead, json!({"title": "Deploy?"}));
    decide(&server.owner(), &asked, "no").send().expect(200);
    server.advance_seconds(61);
    server.sweep();
    assert!(told(&agent).is_empty() && told(&other).is_empty());
}

fn requests_are_listed_by_what_they_are(server: &Server) {
    let agent = server.issue_for_project(Role::Agent, "frontend", "shop");
    let first = ask(&agent, json!({"title": "a", "body": "long", "detail": 1}));
    let second = ask(&agent, json!({"title": "b", "kind": "rule"}));
    let third = question(&server.owner());
    decide(&server.owner(), &first, "yes").send().expect(200);
    let list = |query: &str| -> Vec<String> {
        let all: Vec<Request> = server.get(&format!("/api/requests?{query}")).ok();
        assert!(
            all.iter()
                .all(|one| one.body.is_empty() && one.detail.is_none())
        );
        all.iter().map(|one| one.number.to_string()).collect()
    };
    let [first, second, third] = [first, second, third].map(|one| one.number.to_string());
    assert_eq!(list(""), [third.clone(), second.clone(), first.clone()]);
    assert_eq!(list("status=waiting"), [third.clone(), second.clone()]);
    assert_eq!(list("status=decided"), std::slice::from_ref(&first));
    assert_eq!(list("project=shop"), [second.clone(), first.clone()]);
    assert_eq!(list("kind=rule"), [second]);
    assert_eq!(list("asked_by=human:owner"), [third]);
    assert_eq!(list("asked_by=agent:frontend&status=expired"), [""; 0]);
    for query in ["status=lost", "kind=x", "limit=0", "before=0", "colour=red"] {
        let list = server.get(&format!("/api/requests?{query}"));
        list.refused(Reason::Invalid);
    }
}

fn pages_of_requests_begin_with_the_newest_and_leave_none_out(server: &Server) {
    let agent = server.agent("frontend");
    for _ in 0..5 {
        question(&agent);
    }
    for filter in ["", "&status=waiting"] {
        let mut seen = Vec::new();
        let mut next = Some(format!("/api/requests?limit=2{filter}"));
        while let Some(page) = next {
            let answer = server.get(&page).send().expect(200);
            let requests: Vec<Request> = answer.json();
            seen.extend(requests.iter().map(|one| one.number.0));
            next = answer.next_page();
        }
        assert_eq!(seen, [5, 4, 3, 2, 1], "{filter:?}");
    }
}

fn requests_of_another_project_or_tenant_are_not_there(server: &Server) {
    let asked = question(&server.issue_for_project(Role::Agent, "frontend", "shop"));
    let lead = server.issue_for_project(Role::Controller, "lead", "bank");
    lead.get(&path(&asked, "")).refused(Reason::NotFound);
    decide(&lead, &asked, "yes").refused(Reason::NotFound);
    lead.post(&path(&asked, "/withdraw"), json!({}))
        .refused(Reason::NotFound);
    assert_eq!(lead.get("/api/requests").ok::<Vec<Request>>(), []);
    lead.get("/api/requests?project=shop")
        .refused(Reason::Forbidden);
    lead.post("/api/requests", json!({"title": "?", "project": "shop"}))
        .refused(Reason::Forbidden);
    let theirs = server.other_tenant("other");
    theirs.get(&path(&asked, "")).refused(Reason::NotFound);
    decide(&theirs, &asked, "yes").refused(Reason::NotFound);
    assert_eq!(theirs.get("/api/requests").ok::<Vec<Request>>(), []);
    assert_eq!(question(&theirs).number, asked.number);
}

fn what_is_malformed_is_refused(server: &Server) {
    let agent = server.agent("frontend");
    let options = |count: usize| -> Vec<String> { (0..count).map(|n| n.to_string()).collect() };
    for request in [
        json!({}),
        json!({"title": ""}),
        json!({"title": "  "}),
        json!({"title": "two\nlines"}),
        json!({"title": "\u{1b}[31mred"}),
        json!({"title": "x".repeat(501)}),
        json!({"title": "?", "body": "x".repeat(64 * 1024 + 1)}),
        json!({"title": "?", "detail": "x".repeat(64 * 1024)}),
        json!({"title": "?", "options": options(9)}),
        json!({"title": "?", "options": ["a", "a"]}),
        json!({"title": "?", "options": [""]}),
        json!({"title": "?", "options": ["no"]}),
        json!({"title": "?", "options": ["x".repeat(101)]}),
        json!({"title": "?", "expires_in": 0}),
        json!({"title": "?", "expires_in": 30 * 24 * 3600 + 1}),
        json!({"title": "?", "on_silence": "allow"}),
        json!({"title": "?", "kind": "wish"}),
        json!({"title": "?", "decision": "yes"}),
    ] {
        let asked = agent.post("/api/requests", request);
        asked.refused(Reason::Invalid);
    }
    for number in ["T-1", "R-0", "x"] {
        let read = agent.get(&format!("/api/requests/{number}"));
        read.refused(Reason::Invalid);
    }
    agent.get("/api/requests/R-1").refused(Reason::NotFound);
}

/// A lease of an agent of the project.
fn lease_in(server: &Server, project: &str, pattern: &str) -> String {
    let (holder, _) = server.register(json!({"name": "holder", "project": project}));
    let lease: Lease = holder
        .post(
            "/api/leases",
            json!({ "pattern": pattern, "mode": "block" }),
        )
        .ok();
    lease.id.to_string()
}

fn a_lease_override_names_a_lease_and_is_an_agents(server: &Server) {
    let lease = lease_in(server, "default", "src/**");
    let request = json!({"title": "Let me", "kind": "lease_override", "lease": lease});
    let ask = |client: &Client, request: &Value| client.post("/api/requests", request.clone());
    let agent = server.agent("frontend");
    ask(&server.owner(), &request).refused(Reason::Conflict);
    for wrong in [
        json!({"title": "Let me", "kind": "lease_override"}),
        json!({"title": "Let me", "kind": "rule", "lease": lease}),
        json!({"title": "Let me", "kind": "lease_override", "lease": "T-3"}),
        json!({"title": "Let me", "kind": "lease_override", "lease": lease, "options": ["yes"]}),
    ] {
        ask(&agent, &wrong).refused(Reason::Invalid);
    }
    let gone = json!({"title": "Let me", "kind": "lease_override", "lease": "L-30"});
    let problem = ask(&agent, &gone).refused(Reason::NotFound);
    let next = problem.next.expect("a next step");
    assert!(next.contains("no lease had this number"), "{next}");
    let first: Request = ask(&agent, &request).ok();
    assert_eq!(first.lease.map(|lease| lease.to_string()), Some(lease));
    assert_eq!(first.lease_pattern.as_deref(), Some("src/**"));
    let second: Request = ask(&server.agent("backend"), &request).ok();
    assert_ne!(first.digest, second.digest, "another agent would edit");
    let path = format!("/api/leases/{}", first.lease.expect("a lease"));
    server.delete(&path).send().expect(200);
    let problem = ask(&agent, &request).refused(Reason::NotFound);
    let next = problem.next.expect("a next step");
    assert!(next.contains("in nobody's way"), "{next}");
}

fn a_human_lets_an_agent_edit_under_anothers_lease(server: &Server) {
    let lease = lease_in(server, "default", "src/**");
    let (agent, other) = (server.agent("frontend"), server.agent("backend"));
    let hinders = |client: &Client| {
        let paths = json!({"paths": ["src/a.rs"]});
        let checked: CheckedPaths = client.post("/api/leases/check", paths).ok();
        !checked.hindered.is_empty()
    };
    let request = json!({"title": "Let me", "kind": "lease_override", "lease": lease});
    let request = ask(&agent, request);
    let [ada] = humans(server, ["ada"]);
    decide_as(server, &ada, &request, "yes").send().expect(200);
    assert_eq!((hinders(&agent), hinders(&other)), (false, true));
    server.advance_seconds(3601);
    assert!(!hinders(&agent), "the lease itself has ended, too");
}

/// Each project says who decides for it.
fn a_lease_override_is_asked_in_the_project_of_the_lease(server: &Server) {
    let lease = lease_in(server, "shop", "src/**");
    let roamer = server.issue(Role::Agent, "roamer");
    let new = json!({"name": "roamer", "project": "shop"});
    roamer
        .post("/api/instances/register", new)
        .send()
        .expect(200);
    let request = |project: &str| {
        let request = json!({"title": "Let me", "kind": "lease_override", "lease": lease,
            "project": project});
        roamer.post("/api/requests", request)
    };
    let problem = request("bank").refused(Reason::Conflict);
    assert!(
        problem.detail.contains("of the project \"shop\""),
        "{problem:?}"
    );
    request("shop").send().expect(200);
}

fn a_full_inbox_takes_no_more(server: &Server) {
    let agent = server.agent("frontend");
    let asked = question(&agent);
    let copies = format!(
        "INSERT INTO request (tenant_id, number, project, kind, title, body, options, digest, \
         asked_by, asked_token, asked_at, expires_at, on_silence, status) \
         WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {REQUESTS_OF_PROJECT_MAX}) \
         SELECT tenant_id, i, project, kind, title, body, options, digest, asked_by, asked_token, \
         asked_at, expires_at, on_silence, status FROM request, n WHERE number = 1"
    );
    server.database().execute(&copies);
    let problem = agent
        .post("/api/requests", json!({"title": "May I?"}))
        .refused(Reason::Conflict);
    assert!(problem.detail.contains("1000"), "{problem:?}");
    decide(&server.owner(), &asked, "yes").send().expect(200);
}

fn asking_twice_with_one_key_asks_once(server: &Server) {
    let agent = server.agent("frontend");
    let ask = || {
        let request = agent.post("/api/requests", json!({"title": "May I?"}));
        request.header("Idempotency-Key", "k").ok::<Request>()
    };
    assert_eq!(ask(), ask());
    let asked = ask();
    let decide = || {
        decide(&server.owner(), &asked, "yes")
            .header("Idempotency-Key", "d")
            .ok::<Request>()
    };
    assert_eq!(decide(), decide());
}

fn what_happens_to_requests_is_in_the_log(server: &Server) {
    let policy = json!({"kind": "question", "quorum": 2, "project": "shop",
        "deciders": ["agent:lead", "human:owner"]});
    set_policy(server, policy).send().expect(200);
    let agent = server.issue_for_project(Role::Agent, "frontend", "shop");
    let lead = server.issue_for_project(Role::Controller, "lead", "shop");
    let asked = question(&agent);
    decide(&lead, &asked, "yes").send().expect(200);
    decide(&server.owner(), &asked, "yes").send().expect(200);
    let withdraw = path(&question(&agent), "/withdraw");
    agent.post(&withdraw, json!({})).send().expect(200);
    let topics = [
        "coro.request.policy",
        "coro.request.asked",
        "coro.request.voted",
        "coro.request.decided",
        "coro.request.asked",
        "coro.request.withdrawn",
    ];
    assert_eq!(topics_of(server), topics);
    let seen: Vec<Event> = agent.history("topic=coro.request.decided");
    let decided = &seen[0];
    assert_eq!(
        (decided.subject.as_str(), decided.actor.as_str()),
        ("R-1", "human:owner")
    );
    let data: Value = serde_json::from_str(&json!(decided.data).to_string()).expect("JSON");
    assert_eq!(
        (&data["decision"], &data["digest"]),
        (&json!("yes"), &json!(asked.digest))
    );
}
