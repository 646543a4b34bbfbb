//! `coro-cli hook` as a client starts it: a process for each hook, several at
//! once where it uses several tools at once. First with a real server, then with
//! a stand-in.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use coro_api::messages::{Message, ReceiptState};
use coro_api::tokens::Role;
use coro_tests::{Cli, Client, Output, Server, both_engines};
use serde_json::{Value, json};
use tempfile::TempDir;

both_engines![
    a_session_of_claude_code_hears_what_it_has_to,
    an_edit_under_anothers_lease_is_denied,
    two_hooks_beside_each_other_show_a_message_once,
    a_token_that_is_no_agents_is_told_so_once,
];

/// How many hooks a client runs beside each other.
const HOOKS: usize = 8;

/// Claude Code in a repository, with the token of an agent.
struct Claude {
    repository: TempDir,
    cli: Cli,
    agent: Client,
}

impl Claude {
    fn new(server: &Server, name: &str) -> Claude {
        Claude::with(server, server.issue_for_project(Role::Agent, name, "shop"))
    }

    fn with(server: &Server, agent: Client) -> Claude {
        let repository = tempfile::tempdir().expect("a folder");
        for folder in [".git", ".coro", "src"] {
            std::fs::create_dir(repository.path().join(folder)).expect("a folder");
        }
        let cli = Cli::new(repository.path())
            .url(&server.url())
            .token(agent.token());
        Claude {
            repository,
            cli,
            agent,
        }
    }

    /// What its hook prints at a moment, with what Claude Code says then.
    fn at(&self, event: &str, more: Value) -> Output {
        let folder = self.repository.path();
        let mut input = json!({
            "session_id": "5f0c", "transcript_path": folder.join("5f0c.jsonl"), "cwd": folder,
            "permission_mode": "default", "hook_event_name": event,
        });
        let more = more.as_object().expect("an object").clone();
        input.as_object_mut().expect("an object").extend(more);
        self.cli
            .run_with_input(&["hook", "claude"], input.to_string().as_bytes())
    }

    #[track_caller]
    fn told(&self, event: &str, more: Value) -> Value {
        let output = self.at(event, more);
        assert_eq!((output.code, &*output.stderr), (0, ""), "{output:?}");
        match output.stdout.is_empty() {
            true => Value::Null,
            false => serde_json::from_str(&output.stdout).expect("JSON"),
        }
    }

    fn edits(&self, file: &str) -> Value {
        let file = self.repository.path().join(file);
        let input = json!({"file_path": file, "old_string": "a", "new_string": "b"});
        self.told(
            "PreToolUse",
            json!({"tool_name": "Edit", "tool_input": input}),
        )
    }

    fn has_read(&self) -> Value {
        let used = json!({"tool_name": "Read", "tool_input": {}, "tool_response": {}});
        self.told("PostToolUse", used)
    }
}

/// A message of the owner to an agent.
fn tell(server: &Server, to: &str, text: &str, blocking: bool) {
    let body = json!({"to": to, "project": "shop", "text": text, "blocking": blocking});
    server.post("/api/messages", body).send().expect(200);
}

fn context(said: &Value) -> &str {
    let context = &said["hookSpecificOutput"]["additionalContext"];
    context
        .as_str()
        .unwrap_or_else(|| panic!("no context: {said}"))
}

fn state(server: &Server, number: u32) -> ReceiptState {
    let message: Message = server.get(&format!("/api/messages/M-{number}")).ok();
    message.receipts[0].state
}

fn a_session_of_claude_code_hears_what_it_has_to(server: &Server) {
    let claude = Claude::new(server, "frontend");
    let start = claude.told("SessionStart", json!({"source": "startup"}));
    let who = "you are the agent frontend of the project shop";
    assert!(context(&start).contains(who), "{start}");
    tell(server, "frontend", "the API has changed", false);
    let used = claude.has_read();
    assert_eq!(
        context(&used),
        "M-1 from owner (human)\n> the API has changed"
    );
    assert_eq!(claude.has_read(), Value::Null);
    assert_eq!(state(server, 1), ReceiptState::Delivered);
    tell(server, "frontend", "which port?", true);
    let stop = claude.told("Stop", json!({"stop_hook_active": false}));
    assert_eq!(stop["decision"], "block");
    let reason = stop["reason"].as_str().expect("a reason");
    assert!(
        reason.starts_with("M-2 waits for you") && reason.ends_with("> which port?"),
        "{reason}"
    );
    assert_eq!(
        claude.told("Stop", json!({"stop_hook_active": true})),
        Value::Null
    );
    assert_eq!(
        claude.told("SessionEnd", json!({"reason": "other"})),
        Value::Null
    );
    assert_eq!(state(server, 2), ReceiptState::Delivered);
}

fn an_edit_under_anothers_lease_is_denied(server: &Server) {
    let [claude, other] = ["frontend", "backend"].map(|name| {
        let claude = Claude::new(server, name);
        claude.told("SessionStart", json!({"source": "startup"}));
        claude
    });
    let lease = json!({"pattern": "/src/**", "reason": "it moves"});
    other.agent.post("/api/leases", lease).send().expect(200);
    let said = claude.edits("src/cart.rs");
    let said = &said["hookSpecificOutput"];
    assert_eq!(said["permissionDecision"], "deny");
    let reason = said["permissionDecisionReason"].as_str().expect("a reason");
    assert!(
        reason.starts_with("src/cart.rs is leased by backend (L-1 \"/src/**\"): \"it moves\""),
        "{reason}"
    );
    assert_eq!(claude.edits("README.md"), Value::Null);
    assert_eq!(other.edits("src/cart.rs"), Value::Null);
    // A message comes with the next tool that may be used.
    tell(server, "frontend", "soon", false);
    assert_eq!(claude.edits("src/cart.rs")["hookSpecificOutput"], *said);
    assert_eq!(
        context(&claude.edits("README.md")),
        "M-1 from owner (human)\n> soon"
    );
}

fn two_hooks_beside_each_other_show_a_message_once(server: &Server) {
    let claude = Claude::new(server, "frontend");
    claude.told("SessionStart", json!({"source": "startup"}));
    for number in 1..=4 {
        tell(server, "frontend", "hello", false);
        let said = thread::scope(|scope| {
            let hooks = [(); 2].map(|()| scope.spawn(|| claude.has_read()));
            hooks.map(|hook| hook.join().expect("it ran"))
        });
        let shown = said.iter().filter(|said| !said.is_null()).count();
        assert_eq!(shown, 1, "{said:?}");
        assert_eq!(claude.has_read(), Value::Null);
        assert_eq!(state(server, number), ReceiptState::Delivered);
    }
}

fn a_token_that_is_no_agents_is_told_so_once(server: &Server) {
    let claude = Claude::with(server, server.owner());
    let start = claude.at("SessionStart", json!({"source": "startup"}));
    assert_eq!((start.code, &*start.stdout), (0, ""));
    assert!(start.stderr.contains("no agent's"), "{start:?}");
    assert_eq!(claude.has_read(), Value::Null);
}

#[test]
fn hooks_beside_each_other_show_a_message_once_and_tell_so() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path();
    std::fs::create_dir_all(folder.join(".coro")).expect("a folder");
    let (url, server) = serve(
        2 * HOOKS,
        &json!({"messages": [{"number": "M-1", "text": "hello"}]}),
    );
    let cli = Cli::new(folder).url(&url).token("cor_agent");
    let hook = json!({"hook_event_name": "PostToolUse", "cwd": folder, "tool_name": "Read", "tool_input": {}});
    let run = || cli.run_with_input(&["hook", "claude"], hook.to_string().as_bytes());
    let at_once = || -> Vec<_> {
        thread::scope(|scope| {
            let hooks: Vec<_> = (0..HOOKS).map(|_| scope.spawn(run)).collect();
            hooks
                .into_iter()
                .map(|hook| hook.join().expect("it ran"))
                .collect()
        })
    };
    let outputs = at_once();
    assert!(
        outputs
            .iter()
            .all(|output| (output.code, output.stderr.as_str()) == (0, "")),
        "{outputs:?}"
    );
    let shown = outputs
        .iter()
        .filter(|output| output.stdout.contains("hello"));
    assert_eq!(shown.count(), 1, "{outputs:?}");
    assert!(at_once().iter().all(|output| output.stdout.is_empty()));

    let calls = server.join().expect("it answered");
    assert!(
        calls.iter().any(|call| call["shown"] == json!(["M-1"])),
        "{calls:?}"
    );
}

/// Answers so many calls the same way; joining gives what they asked.
fn serve(calls: usize, answer: &Value) -> (String, thread::JoinHandle<Vec<Value>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let body = answer.to_string();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let server = thread::spawn(move || {
        let asked = (0..calls).map(|_| {
            let (mut stream, _) = listener.accept().expect("a call");
            let mut request = Vec::new();
            let mut part = [0; 4096];
            loop {
                let count = stream.read(&mut part).expect("a request");
                request.extend_from_slice(&part[..count]);
                let text = String::from_utf8_lossy(&request);
                let body = text.split_once("\r\n\r\n").map(|(_, body)| body);
                if let Some(call) = body.and_then(|body| serde_json::from_str(body).ok()) {
                    stream.write_all(answer.as_bytes()).expect("it listens");
                    break call;
                }
            }
        });
        asked.collect()
    });
    (url, server)
}
