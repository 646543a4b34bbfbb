//! Agents: registered, continued, taken over, found and ended.

use std::collections::BTreeSet;

use coro_api::Reason;
use coro_api::agents::{ActivatedAgent, Agent, AgentStatus, RegisteredAgent};
use coro_api::events::Event;
use coro_api::limits::AGENTS_OF_PROJECT_MAX;
use coro_api::system::Whoami;
use coro_api::tokens::{Role, Token};
use coro_tests::{Client, Server, both_engines};
use serde_json::{Value, json};

both_engines![
    registering_makes_a_pending_agent_with_a_token_of_its_own,
    registering_again_continues_the_agent,
    the_old_token_works_until_the_first_use_of_the_new_one,
    an_agents_own_token_registers_it_without_a_secret,
    a_name_that_is_alive_is_not_given_away,
    one_of_many_registrations_at_once_wins,
    a_token_of_role_enrol_registers_new_names_only,
    an_agents_token_registers_no_other_agent,
    a_token_that_the_owner_made_becomes_the_agents,
    a_repeated_registration_answers_again_until_its_token_is_used,
    a_repeated_registration_with_other_fields_is_refused,
    a_repetition_beside_the_first_use_leaves_one_token,
    a_takeover_beside_a_registration_leaves_one_token,
    a_full_project_takes_no_more_until_one_ends,
    a_repeated_registration_of_its_own_continues_nothing,
    a_repeated_registration_revives_no_one_who_was_ended,
    a_token_of_the_same_name_takes_no_live_agent_over,
    the_project_comes_from_the_token_then_the_call,
    an_agent_gets_no_more_rights_than_who_registered_it,
    names_that_are_no_names_are_refused,
    an_agent_may_leave_fields_out_when_it_comes_back,
    agents_act_for_themselves_only,
    agents_of_another_project_or_tenant_are_not_there,
    self_is_the_callers_own_agent,
    an_agent_that_ended_itself_comes_back_with_its_token,
    an_agent_that_another_ended_is_locked_out,
    an_ended_agent_is_told_to_register_again,
    agents_are_found_by_what_they_say_of_themselves,
    setting_the_same_again_changes_nothing,
    what_agents_do_is_in_the_log,
    ten_starts_leave_one_agent_and_no_pile_of_tokens,
    unused_tokens_do_not_pile_up,
    whatever_an_agent_says_is_bounded,
];

fn register(client: &Client, body: Value) -> RegisteredAgent {
    client.post("/api/instances/register", body).ok()
}

fn agent_of(client: &Client) -> Agent {
    client.get("/api/instances/self").ok()
}

fn list(client: &Client, query: &str) -> Vec<Agent> {
    client.get(&format!("/api/instances?{query}")).ok()
}

fn names(agents: &[Agent]) -> BTreeSet<&str> {
    agents.iter().map(|agent| agent.name.as_str()).collect()
}

fn tokens_of(server: &Server, name: &str) -> usize {
    let tokens: Vec<Token> = server.get("/api/tokens").ok();
    tokens.iter().filter(|token| token.name == name).count()
}

fn registering_makes_a_pending_agent_with_a_token_of_its_own(server: &Server) {
    let body = json!({
        "name": "frontend", "workspace": "~/shop", "intent": "build the cart", "stack": "react",
        "capabilities": ["css"], "project": "shop", "client": "claude-code", "client_version": "2",
    });
    let registered = register(&server.owner(), body);
    let agent = &registered.agent;
    assert_eq!((agent.status, agent.generation), (AgentStatus::Pending, 1));
    assert_eq!((&*agent.project, &*agent.stack), ("shop", "react"));
    let client = server.client(&registered.token.expect("a token"));
    let who: Whoami = client.get("/api/whoami").ok();
    assert_eq!(
        (
            who.name.as_str(),
            who.role,
            who.project.as_deref(),
            who.instance_id.as_ref()
        ),
        ("frontend", Role::Agent, Some("shop"), Some(&agent.id))
    );
    let state: ActivatedAgent = client.post_nothing("/api/instances/self/activate").ok();
    assert_eq!(state.status, AgentStatus::Active);
    assert_eq!(agent_of(&client).status, AgentStatus::Active);
}

fn registering_again_continues_the_agent(server: &Server) {
    let (_, first) = server.register(json!({"name": "frontend", "stack": "react"}));
    server.advance_seconds(600);
    let (client, second) = server.register(json!({"name": "frontend", "stack": "vue"}));
    assert_eq!((&second.id, second.generation), (&first.id, 2));
    assert_eq!(second.stack, "vue");
    assert_eq!(list(&server.owner(), "").len(), 1);
    assert_eq!(agent_of(&client).id, first.id);
}

fn the_old_token_works_until_the_first_use_of_the_new_one(server: &Server) {
    let (old, _) = server.register(json!({"name": "frontend"}));
    old.get("/api/whoami").send().expect(200);
    let (new, _) = server.register(json!({"name": "frontend", "takeover": true}));
    old.get("/api/whoami").send().expect(200);
    new.get("/api/whoami").send().expect(200);
    let problem = old.get("/api/whoami").refused(Reason::Unauthenticated);
    assert!(problem.detail.contains("revoked"), "{problem:?}");
    new.get("/api/whoami").send().expect(200);
}

fn an_agents_own_token_registers_it_without_a_secret(server: &Server) {
    let (client, first) = server.register(json!({"name": "frontend"}));
    let again = register(&client, json!({"name": "frontend", "intent": "again"}));
    assert_eq!(again.token, None);
    assert_eq!((again.agent.id, again.agent.generation), (first.id, 2));
    assert_eq!(agent_of(&client).intent, "again");
}

fn a_name_that_is_alive_is_not_given_away(server: &Server) {
    let (client, first) = server.register(json!({"name": "frontend"}));
    let refused = server
        .post("/api/instances/register", json!({"name": "frontend"}))
        .refused(Reason::Conflict);
    assert!(refused.next.expect("a hint").contains("takeover"));
    client.get("/api/whoami").send().expect(200);
    let taken = register(
        &server.owner(),
        json!({"name": "frontend", "takeover": true}),
    );
    assert_eq!((taken.agent.id, taken.agent.generation), (first.id, 2));
    // Silence frees a name, and any call of the agent counts against it.
    server.advance_seconds(290);
    server
        .client(&taken.token.expect("a token"))
        .get("/api/state")
        .send()
        .expect(200);
    server.advance_seconds(290);
    server
        .post("/api/instances/register", json!({"name": "frontend"}))
        .refused(Reason::Conflict);
    server.advance_seconds(20);
    register(&server.owner(), json!({"name": "frontend"}));
}

fn one_of_many_registrations_at_once_wins(server: &Server) {
    let owner = server.owner();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let racing: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    let body = json!({"name": "frontend"});
                    owner.post("/api/instances/register", body).send().status
                })
            })
            .collect();
        racing
            .into_iter()
            .map(|one| one.join().expect("no panic"))
            .collect()
    });
    assert_eq!(
        statuses.iter().filter(|status| **status == 200).count(),
        1,
        "{statuses:?}"
    );
    assert!(
        statuses.iter().all(|status| matches!(status, 200 | 409)),
        "{statuses:?}"
    );
    assert_eq!(list(&owner, "").len(), 1);
}

fn a_token_of_role_enrol_registers_new_names_only(server: &Server) {
    let enrol = server.issue_for_project(Role::Enrol, "ci", "shop");
    let registered = register(&enrol, json!({"name": "frontend"}));
    assert_eq!(registered.agent.project, "shop");
    server
        .client(&registered.token.expect("a token"))
        .get("/api/whoami")
        .send()
        .expect(200);
    for body in [
        json!({"name": "frontend"}),
        json!({"name": "frontend", "takeover": true}),
    ] {
        enrol
            .post("/api/instances/register", body)
            .refused(Reason::Conflict);
    }
    server.advance_days(2);
    server.sweep();
    let body = json!({"name": "frontend"});
    enrol
        .post("/api/instances/register", body)
        .refused(Reason::Conflict);
    enrol.get("/api/instances").refused(Reason::Forbidden);
}

fn an_agents_token_registers_no_other_agent(server: &Server) {
    let client = server.agent("frontend");
    server.agent("backend");
    for name in ["backend", "new"] {
        let body = json!({"name": name, "takeover": true});
        client
            .post("/api/instances/register", body)
            .refused(Reason::Forbidden);
    }
    let viewer = server.issue(Role::Viewer, "viewer");
    let body = json!({"name": "viewer"});
    viewer
        .post("/api/instances/register", body)
        .refused(Reason::Forbidden);
}

fn a_token_that_the_owner_made_becomes_the_agents(server: &Server) {
    let client = server.issue_for_project(Role::Agent, "frontend", "shop");
    client.get("/api/instances/self").refused(Reason::Conflict);
    let body = json!({"name": "backend"});
    client
        .post("/api/instances/register", body)
        .refused(Reason::Forbidden);
    let registered = register(&client, json!({"name": "frontend"}));
    assert_eq!(registered.token, None);
    assert_eq!(agent_of(&client).id, registered.agent.id);
    // The agent of a project is not for whoever has its name elsewhere.
    let stranger = server.issue(Role::Agent, "frontend");
    let body = json!({"name": "frontend", "project": "shop", "takeover": true});
    stranger
        .post("/api/instances/register", body)
        .refused(Reason::Conflict);
}

fn a_repeated_registration_answers_again_until_its_token_is_used(server: &Server) {
    let enrol = server.issue(Role::Enrol, "ci");
    let call = |key: &str| {
        enrol
            .post("/api/instances/register", json!({"name": "frontend"}))
            .header("Idempotency-Key", key)
    };
    let first: RegisteredAgent = call("start-1").ok();
    let again: RegisteredAgent = call("start-1").ok();
    assert_eq!(
        (&again.agent.id, again.agent.generation),
        (&first.agent.id, 1)
    );
    let (lost, token) = (first.token.expect("a token"), again.token.expect("a token"));
    server
        .client(&lost)
        .get("/api/whoami")
        .refused(Reason::Unauthenticated);
    call("start-2").refused(Reason::Conflict);
    server.client(&token).get("/api/whoami").send().expect(200);
    let refused = call("start-1").refused(Reason::Conflict);
    assert!(refused.detail.contains("in use"), "{refused:?}");
    server.client(&token).get("/api/whoami").send().expect(200);
}

fn a_repeated_registration_with_other_fields_is_refused(server: &Server) {
    let enrol = server.issue(Role::Enrol, "ci");
    let call = |workspace: &str| {
        let body = json!({"name": "frontend", "workspace": workspace});
        enrol
            .post("/api/instances/register", body)
            .header("Idempotency-Key", "start-1")
    };
    let first: RegisteredAgent = call("a").ok();
    call("b").refused(Reason::IdempotencyMismatch);
    let client = server.client(&first.token.expect("a token"));
    client.get("/api/whoami").send().expect(200);
}

/// How many of these tokens are valid.
fn valid(server: &Server, tokens: &[String]) -> usize {
    // Longer than a server remembers a token.
    server.advance_seconds(3);
    let statuses = tokens
        .iter()
        .map(|token| server.client(token).get("/api/whoami").send().status);
    statuses.filter(|status| *status == 200).count()
}

fn a_repetition_beside_the_first_use_leaves_one_token(server: &Server) {
    let enrol = server.issue(Role::Enrol, "ci");
    for round in 0..20 {
        let call = || {
            enrol
                .post(
                    "/api/instances/register",
                    json!({"name": format!("agent-{round}")}),
                )
                .header("Idempotency-Key", &format!("start-{round}"))
        };
        let first: RegisteredAgent = call().ok();
        let mut tokens = vec![first.token.expect("a token")];
        let client = server.client(&tokens[0]);
        let again = std::thread::scope(|scope| {
            let using = scope.spawn(|| client.get("/api/whoami").send());
            let again = call().send();
            using.join().expect("no panic");
            again
        });
        if again.status == 200 {
            tokens.extend(again.json::<RegisteredAgent>().token);
        }
        assert_eq!(valid(server, &tokens), 1, "round {round}: {again}");
    }
}

fn a_takeover_beside_a_registration_leaves_one_token(server: &Server) {
    let (first, _) = server.register(json!({"name": "frontend"}));
    let mut tokens = vec![first.token().to_owned()];
    for round in 0..20 {
        let old = server.client(tokens.last().expect("one"));
        let taken = std::thread::scope(|scope| {
            let continuing = scope.spawn(|| {
                old.post("/api/instances/register", json!({"name": "frontend"}))
                    .send()
            });
            let (taken, _) = server.register(json!({"name": "frontend", "takeover": true}));
            taken.get("/api/whoami").send();
            continuing.join().expect("no panic");
            taken
        });
        tokens = vec![old.token().to_owned(), taken.token().to_owned()];
        assert_eq!(valid(server, &tokens), 1, "round {round}");
        tokens.retain(|token| server.client(token).get("/api/whoami").send().status == 200);
    }
}

fn a_full_project_takes_no_more_until_one_ends(server: &Server) {
    let enrol = server.issue_for_project(Role::Enrol, "ci", "shop");
    for number in 0..AGENTS_OF_PROJECT_MAX {
        register(&enrol, json!({"name": format!("agent-{number}")}));
    }
    let more = || enrol.post("/api/instances/register", json!({"name": "more"}));
    more().refused(Reason::Conflict);
    register(&server.owner(), json!({"name": "elsewhere"}));
    let first = list(&server.owner(), "name=agent-0");
    let path = format!("/api/instances/{}", first[0].id);
    server.delete(&path).send().expect(200);
    more().send().expect(200);
    assert!(list(&server.owner(), "name=agent-0&status=ended").is_empty());
}

fn a_repeated_registration_of_its_own_continues_nothing(server: &Server) {
    let client = server.issue_for_project(Role::Agent, "frontend", "shop");
    let call = || {
        client
            .post("/api/instances/register", json!({"name": "frontend"}))
            .header("Idempotency-Key", "start-1")
    };
    let first: RegisteredAgent = call().ok();
    client
        .post_nothing("/api/instances/self/activate")
        .send()
        .expect(200);
    let answer = call().send().expect(200);
    assert_eq!(answer.the("idempotency-replayed"), "true");
    let again: RegisteredAgent = answer.json();
    assert_eq!(
        (again.agent.id, again.agent.generation),
        (first.agent.id, 1)
    );
    assert_eq!(again.agent.status, AgentStatus::Active);
}

fn a_repeated_registration_revives_no_one_who_was_ended(server: &Server) {
    let enrol = server.issue(Role::Enrol, "ci");
    let call = || {
        enrol
            .post("/api/instances/register", json!({"name": "frontend"}))
            .header("Idempotency-Key", "start-1")
    };
    let first: RegisteredAgent = call().ok();
    let path = format!("/api/instances/{}", first.agent.id);
    server.delete(&path).send().expect(200);
    call().refused(Reason::Conflict);
}

fn a_token_of_the_same_name_takes_no_live_agent_over(server: &Server) {
    let (victim, _) = server.register(json!({"name": "frontend", "project": "shop"}));
    victim.get("/api/whoami").send().expect(200);
    let other = server.issue_for_project(Role::Agent, "frontend", "shop");
    let body = json!({"name": "frontend"});
    other
        .post("/api/instances/register", body)
        .refused(Reason::Conflict);
    victim.get("/api/whoami").send().expect(200);
    let taken = register(&other, json!({"name": "frontend", "takeover": true}));
    assert_eq!((taken.token, taken.agent.generation), (None, 2));
    victim.get("/api/whoami").refused(Reason::Unauthenticated);
}

fn the_project_comes_from_the_token_then_the_call(server: &Server) {
    let lead = server.issue_for_project(Role::Controller, "lead", "shop");
    let agent = register(&lead, json!({"name": "a"})).agent;
    assert_eq!(agent.project, "shop");
    let body = json!({"name": "a", "project": "other"});
    lead.post("/api/instances/register", body)
        .refused(Reason::Forbidden);
    assert_eq!(
        register(&server.owner(), json!({"name": "a"}))
            .agent
            .project,
        "default"
    );
    let body = json!({"name": "a", "project": "lib"});
    assert_eq!(register(&server.owner(), body).agent.project, "lib");
    assert_eq!(list(&server.owner(), "name=a").len(), 3);
}

fn an_agent_gets_no_more_rights_than_who_registered_it(server: &Server) {
    let enrol = server.issue_with(json!({
        "name": "ci", "role": "enrol", "project": "shop", "key_prefixes": ["shop/api/"],
    }));
    let token = register(&enrol, json!({"name": "frontend"})).token;
    let client = server.client(&token.expect("a token"));
    client.set("shop/api/plan", "1");
    client
        .put("/api/state/shop/web", "1")
        .refused(Reason::Forbidden);
    client
        .put("/api/state/other/plan", "1")
        .refused(Reason::Forbidden);
}

fn names_that_are_no_names_are_refused(server: &Server) {
    for body in [
        json!({"name": "a/b"}),
        json!({"name": ""}),
        json!({"name": ".."}),
        json!({"name": "coro"}),
        json!({"name": "self"}),
        json!({"name": "a\nb"}),
        json!({"name": "a\u{202e}b"}),
        json!({"name": "n".repeat(513)}),
        json!({"name": "a", "project": "a.b"}),
        json!({"name": "a", "project": "a/b"}),
        json!({"name": "a", "unknown": 1}),
        json!({"name": 1}),
        json!({}),
        json!(["a"]),
        json!([["a"]]),
    ] {
        server
            .post("/api/instances/register", body)
            .refused(Reason::Invalid);
    }
    for name in ["n".repeat(300), "ä b".to_owned(), "日本".to_owned()] {
        let agent = register(&server.owner(), json!({ "name": name })).agent;
        assert_eq!(agent.name, name);
    }
}

fn an_agent_may_leave_fields_out_when_it_comes_back(server: &Server) {
    let body = json!({"name": "a", "stack": "rust", "intent": "to learn", "capabilities": ["x"]});
    let (client, _) = server.register(body);
    register(&client, json!({"name": "a", "stack": "go"}));
    let agent = agent_of(&client);
    assert_eq!((&*agent.stack, &*agent.intent), ("go", "to learn"));
    assert_eq!(agent.capabilities, ["x"]);
}

fn agents_act_for_themselves_only(server: &Server) {
    let (_, victim) = server.register(json!({"name": "victim", "project": "shop"}));
    let (client, _) = server.register(json!({"name": "other", "project": "shop"}));
    let viewer = server.issue(Role::Viewer, "viewer");
    let base = format!("/api/instances/{}", victim.id);
    for caller in [&client, &viewer] {
        for call in [
            caller.post_nothing(&format!("{base}/activate")),
            caller.post_nothing(&format!("{base}/heartbeat")),
            caller.post(&format!("{base}/intent"), json!({"intent": "x"})),
            caller.post(
                &format!("{base}/capabilities"),
                json!({"capabilities": ["x"]}),
            ),
            caller.delete(&base),
        ] {
            call.refused(Reason::Forbidden);
        }
    }
    let lead = server.issue_for_project(Role::Controller, "lead", "shop");
    lead.post(&format!("{base}/intent"), json!({"intent": "as told"}))
        .send()
        .expect(200);
    let seen: Agent = client.get(&base).ok();
    assert_eq!(seen.intent, "as told");
}

fn agents_of_another_project_or_tenant_are_not_there(server: &Server) {
    let outside = server.other_tenant("elsewhere");
    let (_, agent) = server.register(json!({"name": "secret", "project": "other"}));
    let (inside, _) = server.register(json!({"name": "a", "project": "shop"}));
    let base = format!("/api/instances/{}", agent.id);
    for caller in [&inside, &outside] {
        for call in [
            caller.get(&base),
            caller.post_nothing(&format!("{base}/activate")),
            caller.post_nothing(&format!("{base}/heartbeat")),
            caller.post(&format!("{base}/intent"), json!({"intent": "x"})),
            caller.delete(&base),
        ] {
            call.refused(Reason::NotFound);
        }
        let all = caller.get("/api/instances").send().expect(200);
        assert!(!all.text().contains("secret"), "{all}");
        let events = caller.get("/api/events/history").send().expect(200);
        assert!(!events.text().contains("secret"), "{events}");
    }
}

fn self_is_the_callers_own_agent(server: &Server) {
    let client = server.agent("frontend");
    let agent = agent_of(&client);
    let same: Agent = server.get(&format!("/api/instances/{}", agent.id)).ok();
    assert_eq!(same.id, agent.id);
    let refused = server.get("/api/instances/self").refused(Reason::Conflict);
    assert!(refused.next.expect("a hint").contains("register"));
}

fn an_agent_that_ended_itself_comes_back_with_its_token(server: &Server) {
    let (client, first) = server.register(json!({"name": "frontend"}));
    client.delete("/api/instances/self").send().expect(200);
    assert_eq!(agent_of(&client).status, AgentStatus::Ended);
    assert!(list(&server.owner(), "").is_empty());
    assert_eq!(list(&server.owner(), "status=ended").len(), 1);
    let again = register(&client, json!({"name": "frontend"}));
    assert_eq!((again.agent.id, again.agent.generation), (first.id, 2));
    assert_eq!(again.agent.status, AgentStatus::Pending);
}

fn an_agent_that_another_ended_is_locked_out(server: &Server) {
    let (client, agent) = server.register(json!({"name": "frontend"}));
    server
        .delete(&format!("/api/instances/{}", agent.id))
        .send()
        .expect(200);
    client.get("/api/state").refused(Reason::Unauthenticated);
    let body = json!({"name": "frontend"});
    client
        .post("/api/instances/register", body)
        .refused(Reason::Unauthenticated);
    // The owner may let it in again.
    let (client, again) = server.register(json!({"name": "frontend"}));
    assert_eq!((&again.id, again.generation), (&agent.id, 2));
    client.get("/api/state").send().expect(200);
}

fn an_ended_agent_is_told_to_register_again(server: &Server) {
    let client = server.agent("frontend");
    client.delete("/api/instances/self").send().expect(200);
    for call in [
        client.post_nothing("/api/instances/self/activate"),
        client.post_nothing("/api/instances/self/heartbeat"),
        client.post("/api/instances/self/intent", json!({"intent": "x"})),
    ] {
        let refused = call.refused(Reason::Conflict);
        assert!(refused.next.expect("a hint").contains("register"));
    }
    assert_eq!(agent_of(&client).status, AgentStatus::Ended);
}

fn agents_are_found_by_what_they_say_of_themselves(server: &Server) {
    server.register(json!({
        "name": "a", "workspace": "w1", "stack": "rust", "capabilities": ["db", "sql"],
        "intent": "Build the Cart", "project": "shop",
    }));
    let (b, _) = server.register(json!({
        "name": "b", "workspace": "w1", "stack": "go", "capabilities": ["db"], "project": "lib",
    }));
    b.post_nothing("/api/instances/self/activate")
        .send()
        .expect(200);
    let owner = server.owner();
    for (query, expected) in [
        ("", &["a", "b"][..]),
        ("name=a", &["a"]),
        ("workspace=w1", &["a", "b"]),
        ("workspace=w1&stack=go", &["b"]),
        ("capability=db", &["a", "b"]),
        ("capability=sql", &["a"]),
        ("capability=d", &[]),
        ("status=active", &["b"]),
        ("status=pending", &["a"]),
        ("intent=cart", &["a"]),
        ("project=lib", &["b"]),
        // Koor's clients send an empty parameter for none.
        (
            "project=&name=&workspace=&stack=go&capability=&status=&intent=",
            &["b"],
        ),
    ] {
        let found = list(&owner, query);
        assert_eq!(names(&found), expected.iter().copied().collect(), "{query}");
    }
    let refused = |query: &str| {
        let get = owner.get(&format!("/api/instances?{query}"));
        get.refused(Reason::Invalid).detail
    };
    assert_eq!(
        refused("status=gone"),
        r#"status is "gone"; it takes pending, active, stale or ended"#
    );
    assert!(refused("frob=1").contains("frob"));
    // The one heard of last comes first.
    server.advance_seconds(5);
    b.get("/api/whoami").send().expect(200);
    assert_eq!(list(&owner, "")[0].name, "b");
}

fn setting_the_same_again_changes_nothing(server: &Server) {
    let client = server.agent("frontend");
    let calls = || {
        let intent = json!({"intent": "x"});
        client
            .post("/api/instances/self/intent", intent)
            .send()
            .expect(200);
        client
            .post_nothing("/api/instances/self/activate")
            .send()
            .expect(200);
        let all = json!({"capabilities": ["a"]});
        client
            .post("/api/instances/self/capabilities", all)
            .send()
            .expect(200);
    };
    calls();
    let before = server.revision();
    calls();
    assert_eq!(server.revision(), before);
    client
        .post(
            "/api/instances/self/capabilities",
            json!({"capabilities": null}),
        )
        .send()
        .expect(200);
    assert!(agent_of(&client).capabilities.is_empty());
}

fn what_agents_do_is_in_the_log(server: &Server) {
    let (client, agent) = server.register(json!({"name": "frontend", "project": "shop"}));
    client
        .post_nothing("/api/instances/self/activate")
        .send()
        .expect(200);
    client
        .post("/api/instances/self/intent", json!({"intent": "x"}))
        .send()
        .expect(200);
    client.delete("/api/instances/self").send().expect(200);
    let events: Vec<Event> = server.owner().history("topic=coro.agent.*");
    let topics: Vec<&str> = events.iter().map(|event| event.topic.as_str()).collect();
    let expected = ["registered", "activated", "intent", "ended"];
    assert_eq!(
        topics.iter().rev().copied().collect::<Vec<_>>(),
        expected.map(|what| format!("coro.agent.{what}"))
    );
    for event in &events {
        let data: Value = serde_json::to_value(event).expect("JSON")["data"].clone();
        assert_eq!(data["instance_id"], json!(agent.id), "{event:?}");
        assert_eq!(data["name"], "frontend");
    }
}

fn ten_starts_leave_one_agent_and_no_pile_of_tokens(server: &Server) {
    for _ in 0..10 {
        let (client, _) = server.register(json!({"name": "frontend", "takeover": true}));
        client.get("/api/whoami").send().expect(200);
    }
    assert_eq!(list(&server.owner(), "").len(), 1);
    assert_eq!(tokens_of(server, "frontend"), 1);
}

fn unused_tokens_do_not_pile_up(server: &Server) {
    for _ in 0..10 {
        server.register(json!({"name": "frontend", "takeover": true}));
    }
    assert_eq!(tokens_of(server, "frontend"), 1);
}

fn whatever_an_agent_says_is_bounded(server: &Server) {
    let client = server.agent("frontend");
    for intent in ["x".repeat(2001), "a\0b".to_owned(), "a\u{202e}b".to_owned()] {
        let body = json!({ "intent": intent });
        client
            .post("/api/instances/self/intent", body)
            .refused(Reason::Invalid);
    }
    let many: Vec<String> = (0..65).map(|n| n.to_string()).collect();
    for capabilities in [
        json!(many),
        json!([""]),
        json!(["a\u{1b}[2J"]),
        json!("css"),
    ] {
        let body = json!({ "capabilities": capabilities });
        client
            .post("/api/instances/self/capabilities", body)
            .refused(Reason::Invalid);
    }
    let lines = json!({"intent": "one\n\ttwo"});
    client
        .post("/api/instances/self/intent", lines)
        .send()
        .expect(200);
}
