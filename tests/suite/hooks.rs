//! Hooks: what a client's hook is told.

use coro_api::Reason;
use coro_api::agents::Agent;
use coro_api::events::Event;
use coro_api::hooks::HookAnswer;
use coro_api::humans::Unlocked;
use coro_api::limits::{HOOK_SHOWN_MAX, PATHS_MAX};
use coro_api::messages::{Message, ReceiptState, Sent};
use coro_api::numbers::MessageNumber;
use coro_api::requests::Request;
use coro_api::tasks::NextTask;
use coro_api::tokens::Role;
use coro_tests::{Client, Engine, Server, both_engines};
use serde_json::{Value, json};

both_engines![
    the_start_of_a_session_registers_the_agent_of_the_token,
    the_start_of_a_session_names_what_waits_and_is_not_shown,
    a_session_that_goes_on_is_not_registered_anew,
    a_token_that_is_no_agents_is_told_so,
    who_has_not_registered_is_told_to_begin_a_session,
    nothing_new_is_nothing_to_say_and_nothing_to_write,
    a_pause_refuses_every_tool_until_it_is_over,
    a_call_that_asks_too_much_is_refused,
    the_start_of_a_session_tells_the_claimed_task,
    a_message_reaches_its_agent_at_every_moment,
    what_a_client_has_shown_is_taken_at_every_moment,
    a_client_that_keeps_no_list_gets_a_message_once,
    long_messages_are_cut_and_many_are_counted,
    an_edit_under_anothers_lease_is_refused_with_its_reason,
    a_lease_warns_asks_or_refuses_as_it_says,
    a_protected_path_is_refused,
    whom_a_human_lets_edit_is_not_refused,
    an_agent_that_has_ended_has_no_hooks_until_it_starts_again,
    an_older_session_has_no_hooks,
    the_end_of_a_session_is_told_and_takes_nothing,
];

pub(crate) fn hook(client: &Client, call: Value) -> HookAnswer {
    client.post("/api/hook", call).ok()
}

fn agent_token(server: &Server, name: &str) -> Client {
    server.issue_for_project(Role::Agent, name, "shop")
}

/// An agent in a session.
pub(crate) fn session(server: &Server, name: &str) -> Client {
    let client = agent_token(server, name);
    hook(&client, json!({"event": "session_start"}));
    client
}

/// Before a tool that edits files.
fn edit(client: &Client, paths: &[&str]) -> HookAnswer {
    hook(client, json!({"event": "before_tool", "paths": paths}))
}

pub(crate) fn after_tool(client: &Client, shown: &[MessageNumber]) -> HookAnswer {
    hook(client, json!({"event": "after_tool", "shown": shown}))
}

/// What an agent that is about to stop is told to go on with.
pub(crate) fn stop(client: &Client) -> Option<String> {
    hook(client, json!({"event": "stop", "shown": []})).go_on
}

/// A message of the owner to the agent `frontend`.
pub(crate) fn tell(server: &Server, mut message: Value) -> MessageNumber {
    message["to"] = "frontend".into();
    message["project"] = "shop".into();
    server.post("/api/messages", message).ok::<Sent>().number
}

fn state(server: &Server, number: MessageNumber) -> ReceiptState {
    let path = format!("/api/messages/{number}");
    server.get(&path).ok::<Message>().receipts[0].state
}

pub(crate) fn add_task(server: &Server, title: &str) {
    let task = json!({"title": title, "project": "shop"});
    server.post("/api/tasks", task).send().expect(200);
}

fn lease(client: &Client, new: Value) {
    client.post("/api/leases", new).send().expect(200);
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

/// What comes whole in the same answer needs no call that shows all of it.
fn the_start_of_a_session_names_what_waits_and_is_not_shown(server: &Server) {
    let client = session(server, "frontend");
    tell(server, json!({"text": "which port?", "blocking": true}));
    let start = json!({"event": "session_start", "continues": true});
    let first = hook(&client, start.clone());
    assert_eq!(first.messages.len(), 1, "{first:?}");
    assert!(!first.context.contains("M-1"), "{first:?}");
    // The next session knows nothing of it, and it is not handed out again.
    let next = hook(&client, start);
    assert!(next.messages.is_empty(), "{next:?}");
    assert!(next.context.contains("M-1 waits for you"), "{next:?}");
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

fn a_call_that_asks_too_much_is_refused(server: &Server) {
    let client = session(server, "frontend");
    for part in [
        json!({"paths": vec!["a"; PATHS_MAX + 1]}),
        json!({"paths": ["a".repeat(5_000)]}),
        json!({"paths": ["../a"]}),
        json!({"shown": vec!["M-1"; HOOK_SHOWN_MAX + 1]}),
        json!({"shown": ["T-1"]}),
        json!({"event": "coffee"}),
        json!({"tool": "Edit"}),
    ] {
        let mut call = json!({"event": "before_tool"});
        let members = part.as_object().expect("an object").clone();
        call.as_object_mut().expect("an object").extend(members);
        client.post("/api/hook", call).refused(Reason::Invalid);
    }
}

fn the_start_of_a_session_tells_the_claimed_task(server: &Server) {
    let client = session(server, "frontend");
    add_task(server, "Build the cart");
    let _: NextTask = client.post("/api/tasks/next", json!({})).ok();
    let start = hook(&client, json!({"event": "session_start"}));
    let line = "Your task is T-1 \"Build the cart\"; run coro-cli next to read it.";
    assert!(start.context.ends_with(line), "{start:?}");
}

fn a_message_reaches_its_agent_at_every_moment(server: &Server) {
    let client = session(server, "frontend");
    let events = [
        "session_start",
        "prompt",
        "before_tool",
        "after_tool",
        "stop",
    ];
    for event in events {
        let number = tell(server, json!({"text": "the API has changed"}));
        let call = json!({"event": event, "continues": true, "shown": []});
        let [message] = <[_; 1]>::try_from(hook(&client, call).messages).expect("one message");
        let text = format!("{number} from owner (human)\n> the API has changed");
        assert_eq!((message.number, message.text), (number, text), "{event}");
        // Handed out is not shown: it comes again until the client confirms.
        assert_eq!(after_tool(&client, &[]).messages[0].number, number);
        assert_eq!(state(server, number), ReceiptState::Queued);
        assert!(after_tool(&client, &[number]).messages.is_empty());
        assert_eq!(state(server, number), ReceiptState::Delivered);
    }
}

/// A client says once what it has shown, with whatever comes next.
fn what_a_client_has_shown_is_taken_at_every_moment(server: &Server) {
    let client = session(server, "frontend");
    let shows = |event: &str| {
        let number = tell(server, json!({"text": "hello"}));
        after_tool(&client, &[]);
        let call = json!({"event": event, "continues": true, "shown": [number]});
        hook(&client, call);
        assert_eq!(state(server, number), ReceiptState::Delivered, "{event}");
    };
    let events = [
        "session_start",
        "prompt",
        "before_tool",
        "after_tool",
        "stop",
        "session_end",
    ];
    events.into_iter().for_each(shows);
    server.post("/api/pauses", json!({})).send().expect(200);
    events.into_iter().for_each(shows);
}

fn a_client_that_keeps_no_list_gets_a_message_once(server: &Server) {
    let client = session(server, "frontend");
    let number = tell(server, json!({"text": "hello"}));
    // What is refused is told its reason alone.
    server.post("/api/pauses", json!({})).send().expect(200);
    let refused = hook(&client, json!({"event": "before_tool"}));
    assert!(
        refused.refuse.is_some() && refused.messages.is_empty(),
        "{refused:?}"
    );
    server.delete("/api/pauses").send().expect(200);
    assert_eq!(state(server, number), ReceiptState::Queued);
    let given = hook(&client, json!({"event": "before_tool"}));
    assert_eq!(given.messages[0].number, number);
    let again = hook(&client, json!({"event": "after_tool"}));
    assert_eq!(again, HookAnswer::default());
    assert_eq!(state(server, number), ReceiptState::Delivered);
}

fn long_messages_are_cut_and_many_are_counted(server: &Server) {
    let client = session(server, "frontend");
    for _ in 0..5 {
        tell(server, json!({"text": "ä".repeat(5_000)}));
    }
    let given = after_tool(&client, &[]);
    let end = "ää… (coro-cli messages get M-1 shows all 5000 characters)";
    assert!(given.messages[0].text.ends_with(end), "{given:?}");
    assert_eq!(given.messages.len(), 3);
    assert_eq!(given.context, "2 more messages wait: coro-cli inbox");
    let shown: Vec<_> = given
        .messages
        .iter()
        .map(|message| message.number)
        .collect();
    let rest = after_tool(&client, &shown);
    assert_eq!((rest.messages.len(), &*rest.context), (2, ""));
}

fn an_edit_under_anothers_lease_is_refused_with_its_reason(server: &Server) {
    let (client, holder) = (session(server, "frontend"), session(server, "backend"));
    lease(
        &holder,
        json!({"pattern": "/src/api/**", "reason": "the API\nmoves"}),
    );
    let refused = edit(&client, &["README.md", "src/api/cart.rs"]).refuse;
    assert_eq!(
        refused.expect("a refusal"),
        "src/api/cart.rs is leased by backend (L-1 \"/src/api/**\"): \"the API\\nmoves\"; \
         work elsewhere; or wait with coro-cli leases take PATTERN --wait 10m, or ask a human: \
         coro-cli request 'WHY' --kind lease_override --lease L-1"
    );
    assert_eq!(edit(&client, &["src/cart.rs"]), HookAnswer::default());
    assert_eq!(edit(&client, &[]), HookAnswer::default());
    let own = edit(&holder, &["src/api/cart.rs"]);
    assert_eq!(own, HookAnswer::default());
    holder.delete("/api/leases/L-1").send().expect(200);
    let free = edit(&client, &["src/api/cart.rs"]);
    assert_eq!(free, HookAnswer::default());
}

fn a_lease_warns_asks_or_refuses_as_it_says(server: &Server) {
    let (client, holder) = (session(server, "frontend"), session(server, "backend"));
    for mode in ["warn", "confirm", "block"] {
        lease(
            &holder,
            json!({"pattern": format!("/{mode}"), "mode": mode}),
        );
    }
    let warned = edit(&client, &["warn"]);
    let context = "Careful: warn is leased by backend (L-1 /warn)";
    assert_eq!(warned.context, context);
    assert_eq!((warned.confirm, warned.refuse), (None, None));
    let asked = edit(&client, &["warn", "confirm"]);
    let confirm = "confirm is leased by backend (L-2 /confirm)";
    assert_eq!(
        (asked.confirm.as_deref(), asked.refuse),
        (Some(confirm), None)
    );
    let refused = edit(&client, &["warn", "block", "confirm"]);
    let refuse = refused.refuse.expect("a refusal");
    assert!(
        refuse.starts_with("block is leased by backend (L-3 /block)"),
        "{refuse}"
    );
    // A warning comes with what is new.
    tell(server, json!({"text": "hello"}));
    let warned = edit(&client, &["warn"]);
    assert_eq!((&*warned.context, warned.messages.len()), (context, 1));
}

fn a_protected_path_is_refused(server: &Server) {
    let client = session(server, "frontend");
    let infra = json!({"pattern": "/infra/", "project": "shop", "protected": true});
    lease(&server.owner(), infra);
    let refuse = edit(&client, &["infra/main.tf"]).refuse.expect("a refusal");
    assert!(
        refuse.starts_with("infra/main.tf is protected (L-1 /infra/)"),
        "{refuse}"
    );
    // Nobody holds it, so that neither waiting nor a holder helps.
    assert!(refuse.ends_with("--lease L-1"), "{refuse}");
    assert!(!refuse.contains("--wait"), "{refuse}");
}

fn whom_a_human_lets_edit_is_not_refused(server: &Server) {
    let [client, holder, other] =
        ["frontend", "backend", "tests"].map(|name| session(server, name));
    lease(&holder, json!({"pattern": "/src/**"}));
    let ask = json!({"title": "A typo", "kind": "lease_override", "lease": "L-1"});
    let asked: Request = client.post("/api/requests", ask).ok();
    assert!(edit(&client, &["src/a"]).refuse.is_some());
    let ada = json!({"name": "ada", "passphrase": "correct horse battery"});
    server.post("/api/humans", ada).send().expect(200);
    let unlock = json!({"passphrase": "correct horse battery"});
    let unlocked: Unlocked = server.post("/api/humans/unlock", unlock).ok();
    let decision = json!({"option": "yes", "digest": asked.digest});
    let decided = server.post("/api/requests/R-1/decide", decision);
    decided
        .header("Coro-Human", &unlocked.session)
        .send()
        .expect(200);
    let allowed = edit(&client, &["src/a"]);
    assert_eq!((allowed.refuse, allowed.confirm), (None, None));
    let told = "M-1 from coro (server)\n> about R-1 \"A typo\": decided yes by human:ada";
    assert_eq!(allowed.messages[0].text, told);
    assert!(edit(&other, &["src/a"]).refuse.is_some());
}

fn an_agent_that_has_ended_has_no_hooks_until_it_starts_again(server: &Server) {
    let client = session(server, "frontend");
    client.delete("/api/instances/self").send().expect(200);
    for event in ["prompt", "before_tool", "after_tool", "stop", "session_end"] {
        let call = client.post("/api/hook", json!({"event": event}));
        call.refused(Reason::Conflict);
    }
    hook(&client, json!({"event": "session_start"}));
    assert_eq!(edit(&client, &["src/a"]), HookAnswer::default());
}

fn an_older_session_has_no_hooks(server: &Server) {
    let (old, _) = server.register(json!({"name": "frontend"}));
    edit(&old, &["src/a"]);
    let again = json!({"name": "frontend", "takeover": true});
    let (new, _) = server.register(again);
    // Until the new one is used.
    edit(&old, &["src/a"]);
    edit(&new, &["src/a"]);
    for event in ["session_start", "prompt", "before_tool", "stop"] {
        let call = old.post("/api/hook", json!({"event": event}));
        call.refused(Reason::Unauthenticated);
    }
}

fn the_end_of_a_session_is_told_and_takes_nothing(server: &Server) {
    let client = session(server, "frontend");
    lease(&client, json!({"pattern": "/src/**"}));
    let end = hook(&client, json!({"event": "session_end"}));
    assert_eq!(end, HookAnswer::default());
    let ended: Vec<Event> = server.owner().history("topic=coro.agent.session_ended");
    assert_eq!((ended.len(), &*ended[0].subject), (1, "frontend"));
    client.get("/api/leases/L-1").send().expect(200);
}

/// Two servers on one PostgreSQL.
#[test]
fn what_one_server_knows_the_others_hooks_know() {
    if !Engine::Postgres.is_here() {
        return;
    }
    let first = Server::start(Engine::Postgres);
    let second = first.replica();
    let client = session(&first, "frontend");
    let beside = second.client(client.token());
    lease(&session(&second, "backend"), json!({"pattern": "/src/**"}));
    assert!(edit(&client, &["src/a"]).refuse.is_some());
    let number = tell(&first, json!({"text": "hello", "blocking": true}));
    assert_eq!(after_tool(&beside, &[]).messages[0].number, number);
    assert!(after_tool(&client, &[number]).messages.is_empty());
    assert!(stop(&beside).is_some());
    assert_eq!(stop(&client), None);
}
