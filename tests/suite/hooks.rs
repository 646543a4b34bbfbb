//! Hooks: what a client's hook is told, and when an agent goes on by itself.

use coro_api::Reason;
use coro_api::agents::Agent;
use coro_api::hooks::HookAnswer;
use coro_api::tokens::Role;
use coro_tests::{Client, Server, both_engines};
use serde_json::{Value, json};

both_engines![
    the_start_of_a_session_registers_the_agent_of_the_token,
    a_session_that_goes_on_is_not_registered_anew,
    a_token_that_is_no_agents_is_told_so,
    who_has_not_registered_is_told_to_begin_a_session,
    nothing_new_is_nothing_to_say_and_nothing_to_write,
    a_pause_refuses_every_tool_until_it_is_over,
    a_call_with_too_many_paths_is_refused,
    a_call_that_confirms_too_much_is_refused,
];

fn hook(client: &Client, call: Value) -> HookAnswer {
    client.post("/api/hook", call).ok()
}

fn agent_token(server: &Server, name: &str) -> Client {
    server.issue_for_project(Role::Agent, name, "shop")
}

fn the_start_of_a_session_registers_the_agent_of_the_token(server: &Server) {
    let client = agent_token(server, "frontend");
    let start = json!({"event": "session_start", "client": "claude-code", "workspace": "~/shop"});
    let answer = hook(&client, start.clone());
    assert!(
        answer
            .context
            .contains("you are the agent frontend of the project shop"),
        "{answer:?}"
    );
    assert!(answer.context.contains("coro-cli next"), "{answer:?}");
    let agent: Agent = client.get("/api/instances/self").ok();
    assert_eq!(
        (&*agent.client, &*agent.workspace, agent.generation),
        ("claude-code", "~/shop", 1)
    );
    // The next session continues it.
    hook(&client, start);
    let agent: Agent = client.get("/api/instances/self").ok();
    assert_eq!(agent.generation, 2);
}

fn a_session_that_goes_on_is_not_registered_anew(server: &Server) {
    let client = agent_token(server, "frontend");
    hook(&client, json!({"event": "session_start"}));
    let answer = hook(
        &client,
        json!({"event": "session_start", "continues": true}),
    );
    assert!(answer.context.contains("frontend"), "{answer:?}");
    let agent: Agent = client.get("/api/instances/self").ok();
    assert_eq!(agent.generation, 1);
}

fn a_token_that_is_no_agents_is_told_so(server: &Server) {
    let call = server.post("/api/hook", json!({"event": "session_start"}));
    let problem = call.refused(Reason::Conflict);
    assert!(problem.detail.contains("no agent's"), "{problem:?}");
    assert!(
        problem
            .next
            .is_some_and(|next| next.contains("--role agent"))
    );
    let viewer = server.issue(Role::Viewer, "viewer");
    let call = viewer.post("/api/hook", json!({"event": "session_start"}));
    call.refused(Reason::Forbidden);
}

fn who_has_not_registered_is_told_to_begin_a_session(server: &Server) {
    let client = agent_token(server, "frontend");
    for event in ["prompt", "before_tool", "after_tool", "stop", "session_end"] {
        let call = client.post("/api/hook", json!({ "event": event }));
        let problem = call.refused(Reason::Conflict);
        assert!(
            problem.detail.contains("no registered agent"),
            "{problem:?}"
        );
    }
}

fn nothing_new_is_nothing_to_say_and_nothing_to_write(server: &Server) {
    let client = agent_token(server, "frontend");
    hook(&client, json!({"event": "session_start"}));
    let before = server.revision();
    for event in ["prompt", "before_tool", "after_tool", "stop"] {
        let answer = hook(&client, json!({"event": event, "paths": ["src/cart.rs"]}));
        assert_eq!(answer, HookAnswer::default(), "{event}");
    }
    assert_eq!(server.revision(), before);
}

fn a_pause_refuses_every_tool_until_it_is_over(server: &Server) {
    let client = agent_token(server, "frontend");
    hook(&client, json!({"event": "session_start"}));
    for scope in [
        json!({"project": "shop", "agent": "frontend", "reason": "wait for the release"}),
        json!({"project": "shop"}),
        json!({}),
    ] {
        server.post("/api/pauses", scope.clone()).send().expect(200);
        let refused = hook(&client, json!({"event": "before_tool"})).refuse;
        let refused = refused.expect("a refusal");
        assert!(refused.contains("paused by human:owner"), "{refused}");
        let start = hook(
            &client,
            json!({"event": "session_start", "continues": true}),
        );
        assert!(start.context.contains("Do nothing"), "{start:?}");
        let query: Vec<String> = ["project", "agent"]
            .into_iter()
            .filter_map(|part| Some(format!("{part}={}", scope.get(part)?.as_str()?)))
            .collect();
        let path = format!("/api/pauses?{}", query.join("&"));
        server.delete(&path).send().expect(200);
        let answer = hook(&client, json!({"event": "before_tool"}));
        assert_eq!(answer, HookAnswer::default());
    }
}

fn a_call_with_too_many_paths_is_refused(server: &Server) {
    let client = agent_token(server, "frontend");
    hook(&client, json!({"event": "session_start"}));
    let paths = vec!["a"; coro_api::limits::PATHS_MAX + 1];
    let call = client.post("/api/hook", json!({"event": "before_tool", "paths": paths}));
    call.refused(Reason::Invalid);
}

fn a_call_that_confirms_too_much_is_refused(server: &Server) {
    let client = agent_token(server, "frontend");
    hook(&client, json!({"event": "session_start"}));
    let call = |count: usize| {
        let shown: Vec<String> = (0..count).map(|n| format!("M-{}", n + 1)).collect();
        client.post("/api/hook", json!({"event": "after_tool", "shown": shown}))
    };
    call(1_000).send().expect(200);
    let problem = call(1_001).refused(Reason::Invalid);
    assert!(problem.detail.contains("1001 messages"), "{problem:?}");
}
