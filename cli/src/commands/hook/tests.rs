//! Hooks from the outside: what a client says, what the server is asked, and
//! what the client is told.

mod kit;
#[cfg(unix)]
mod paths;

use std::fmt::Write as _;
use std::fs;
use std::thread;

use serde_json::{Value, json};

use self::kit::{Folder, Server, run_hook};
use super::*;

/// What clients send, as their vendors describe it or as it was seen, and what
/// is made of it: a line each.
#[test]
fn each_client_is_understood() {
    for line in include_str!("tests/inputs.jsonl").lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let found = (form(&row).read)(&row["input"]).map(|moment| {
            json!({"event": moment.event, "continues": moment.continues, "edits": moment.edits,
                "shows": moment.shows})
        });
        assert_eq!(found.unwrap_or_default(), row["moment"], "{line}");
    }
}

/// What is said, in the words of each client: a line each. A text alone is a
/// refusal by exit code.
#[test]
fn each_client_is_told_in_its_own_form() {
    for line in include_str!("tests/answers.jsonl").lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let event = serde_json::from_value(row["event"].clone()).unwrap();
        let moment = Moment::new(event, row["name"].as_str().unwrap());
        let member = |name: &str| row["said"][name].as_str().map(str::to_owned);
        let said = Said {
            text: member("text").unwrap_or_default(),
            refuse: member("refuse"),
            confirm: member("confirm"),
            go_on: member("go_on"),
        };
        let found = match (form(&row).answer)(&moment, &said) {
            Output::Nothing => Value::Null,
            Output::Json(json) => json,
            Output::Refusal(reason) => Value::from(reason),
        };
        assert_eq!(found, row["output"], "{line}");
    }
}

fn form(row: &Value) -> &'static Form {
    FORMS
        .iter()
        .find(|form| row["client"] == form.name)
        .unwrap()
}

#[test]
fn the_server_is_asked_once_and_its_answer_is_handed_on() {
    let folder = Folder::project();
    let server = Server::answering(200, &answer(&["M-1", "M-2"], "You are frontend."));
    let hook = folder.hook(&server.url, &["hook", "claude"]);
    let said = hook(&start(&folder));
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let context = &said.json()["hookSpecificOutput"]["additionalContext"];
    assert_eq!(context, "You are frontend.\n\ntext of M-1\n\ntext of M-2");
    let asked = server.asked();
    let workspace = folder.path().join("work").display().to_string();
    let call = json!({"event": "session_start", "client": "claude-code", "workspace": workspace,
        "continues": false, "shown": []});
    assert_eq!(asked.body, call);
    assert!(
        asked.head.starts_with("POST /api/hook HTTP/1.1"),
        "{}",
        asked.head
    );
    assert!(
        asked.head.contains("Authorization: Bearer cor_agent"),
        "{}",
        asked.head
    );

    // The next call tells what was shown; what comes again is not shown again.
    let server = Server::answering(200, &answer(&["M-2", "M-3"], ""));
    let said = folder.hook(&server.url, &["hook", "claude"])(&edit(&folder, "src/a.rs"));
    assert_eq!(
        said.json()["hookSpecificOutput"]["additionalContext"],
        "text of M-3"
    );
    let asked = server.asked().body;
    assert_eq!(asked["shown"], json!(["M-1", "M-2"]));
    assert_eq!(asked["paths"], json!(["src/a.rs"]));
    let ledger = folder.ledger();
    assert_eq!(ledger, "M-1\nM-2\nM-3 new\n");
    assert!(folder.path().join("work/.coro/local/.gitignore").is_file());
}

#[test]
fn what_the_client_would_not_hand_on_does_not_count_as_shown() {
    let folder = Folder::project();
    let mut refused: Value = serde_json::from_str(&answer(&["M-1"], "context")).unwrap();
    refused["refuse"] = json!("src/a.rs is leased by backend");
    let server = Server::answering(200, &refused.to_string());
    let said = folder.hook(&server.url, &["hook", "claude"])(&edit(&folder, "src/a.rs"));
    assert_eq!(
        said.json()["hookSpecificOutput"],
        json!({"hookEventName": "PreToolUse", "permissionDecision": "deny",
            "permissionDecisionReason": "src/a.rs is leased by backend"})
    );
    assert_eq!(folder.ledger(), "");

    let server = Server::answering(200, &answer(&["M-1"], "context"));
    let stop = json!({"hook_event_name": "Stop", "cwd": folder.path().join("work")});
    let said = folder.hook(&server.url, &["hook", "claude"])(&stop.to_string());
    assert_eq!(
        (said.code, said.out.as_str(), said.err.as_str()),
        (0, "", "")
    );
    assert_eq!(folder.ledger(), "");
}

#[test]
fn an_agent_is_told_to_go_on_but_not_round_in_a_circle() {
    let folder = Folder::project();
    let stop = |is_active: bool| {
        json!({"hook_event_name": "Stop", "cwd": folder.path().join("work"), "stop_hook_active": is_active}).to_string()
    };
    let go_on = |text: &str| json!({"go_on": text}).to_string();
    for (is_active, text, goes_on) in [
        (false, "T-1 waits", true),
        (true, "T-1 waits", false),
        (true, "T-2 waits", true),
        (true, "T-2 waits", false),
        (false, "T-2 waits", true),
    ] {
        let server = Server::answering(200, &go_on(text));
        let said = folder.hook(&server.url, &["hook", "claude"])(&stop(is_active));
        let expected = match goes_on {
            true => format!("{}\n", json!({"decision": "block", "reason": text})),
            false => String::new(),
        };
        assert_eq!((said.code, said.out), (0, expected), "{is_active} {text}");
    }
}

#[test]
fn a_hook_stands_in_nobodys_way() {
    let folder = Folder::project();
    let problem = |status: u16, reason: &str| {
        let body = json!({"type": "x", "title": "x", "status": status, "detail": "who is this", "reason": reason,
            "error": "x", "code": status});
        Server::answering(status, &body.to_string())
    };
    let refused = problem(401, "unauthenticated");
    let no_agent = problem(409, "conflict");
    let nonsense = Server::answering(200, "7");
    let inputs = [edit(&folder, "src/a.rs"), start(&folder)];
    let away = "http://127.0.0.1:1".to_owned();
    for (url, input, warns) in [
        (&away, &inputs[0], true),
        (&refused.url, &inputs[0], true),
        (&nonsense.url, &inputs[0], true),
        (&no_agent.url, &inputs[0], false),
    ] {
        let said = folder.hook(url, &["hook", "claude"])(input);
        assert_eq!((said.code, said.out.as_str()), (0, ""), "{said:?}");
        assert_eq!(said.err.lines().count(), usize::from(warns), "{said:?}");
    }
    let no_agent = problem(409, "conflict");
    let said = folder.hook(&no_agent.url, &["hook", "claude"])(&inputs[1]);
    assert_eq!((said.code, said.out.as_str()), (0, ""), "{said:?}");
    assert!(said.err.contains("who is this"), "{said:?}");

    for input in [
        "",
        "no JSON",
        "{\"a\":",
        "[]",
        "7",
        "{\"hook_event_name\": 7}",
    ] {
        let said = folder.hook(&away, &["hook", "claude"])(input);
        assert_eq!((said.code, said.out.as_str()), (0, ""), "{input} {said:?}");
        assert!(said.err.lines().count() <= 1, "{input} {said:?}");
    }
    let long = format!("{{\"a\": \"{}\"}}", "x".repeat(4 * 1024 * 1024));
    let said = folder.hook(&away, &["hook", "claude"])(&long);
    assert_eq!(said.code, 0);
    assert!(said.err.contains("more than 4194304 bytes"), "{}", said.err);
    folder.write("work/.coro/cli.json", "{broken");
    let said = folder.hook_of_files(&["hook", "claude"])(&inputs[0]);
    assert_eq!(
        (said.code, said.out.as_str(), said.err.lines().count()),
        (0, "", 1)
    );
}

#[test]
fn an_edit_is_refused_where_that_is_wanted_and_the_server_is_away() {
    let folder = Folder::project();
    let away = "http://127.0.0.1:1";
    let args = ["hook", "claude", "--fail-closed"];
    let said = folder.hook(away, &args)(&edit(&folder, "src/a.rs"));
    let decision = &said.json()["hookSpecificOutput"];
    assert_eq!(
        (said.code, &decision["permissionDecision"]),
        (0, &json!("deny"))
    );
    let reason = decision["permissionDecisionReason"].as_str().unwrap();
    assert!(
        reason.contains("no server at http://127.0.0.1:1"),
        "{reason}"
    );

    let args = ["hook", "windsurf", "--fail-closed"];
    let write =
        json!({"agent_action_name": "pre_write_code", "tool_info": {"file_path": "/r/a.py"}});
    let said = folder.hook(away, &args)(&write.to_string());
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(
        said.err.contains("Coro could not be asked about this edit"),
        "{}",
        said.err
    );

    let read = json!({"hook_event_name": "PreToolUse", "tool_name": "Read", "tool_input": {"file_path": "a"}});
    let said = folder.hook(away, &["hook", "claude", "--fail-closed"])(&read.to_string());
    assert_eq!((said.code, said.out.as_str()), (0, ""));
}

#[test]
fn a_text_is_bounded_and_the_rest_comes_later() {
    let folder = Folder::project();
    let message = |number: u32, length: usize| json!({"number": format!("M-{number}"), "text": "ä".repeat(length / 2)});
    let messages = json!({"messages": [message(1, 5_000), message(2, 5_000), message(3, 10)]});
    let server = Server::answering(200, &messages.to_string());
    let said = folder.hook(&server.url, &["hook", "claude"])(&start(&folder));
    let text = said.json()["hookSpecificOutput"]["additionalContext"].clone();
    assert_eq!(text.as_str().unwrap().len(), 5_000);
    assert_eq!(folder.ledger(), "M-1 new\n");

    let messages = json!({"messages": [message(2, 20_000)]});
    let server = Server::answering(200, &messages.to_string());
    let said = folder.hook(&server.url, &["hook", "claude"])(&start(&folder));
    let text = said.json()["hookSpecificOutput"]["additionalContext"].clone();
    let text = text.as_str().unwrap();
    assert!(
        text.len() <= TEXT_BYTES_MAX && text.ends_with(" …"),
        "{}",
        text.len()
    );
}

#[test]
fn without_a_place_for_the_ledger_the_server_keeps_count() {
    let folder = Folder::new();
    fs::create_dir_all(folder.path().join("work")).unwrap();
    let ask = |input: &str| {
        let server = Server::answering(200, &answer(&["M-1"], ""));
        let mut env = folder.environment(&server.url);
        env.state_home = None;
        let said = run_hook(env, &["hook", "claude"], input);
        (server.asked().body["shown"].clone(), said.out)
    };
    let (shown, out) = ask(&start(&folder));
    assert_eq!(shown, Value::Null);
    assert!(out.contains("text of M-1"), "{out}");
    // Where it is not sure that the model sees it, nothing counts as shown.
    let (shown, _) = ask(&edit(&folder, "a.rs"));
    assert_eq!(shown, json!([]));

    let server = Server::answering(200, &answer(&["M-1"], ""));
    let said = run_hook(
        folder.environment(&server.url),
        &["hook", "claude"],
        &start(&folder),
    );
    assert!(said.out.contains("text of M-1"), "{said:?}");
    let state = fs::read_dir(folder.path().join("state/coro")).unwrap();
    assert_eq!(
        (server.asked().body["shown"].clone(), state.count()),
        (json!([]), 1)
    );
}

#[test]
fn hooks_beside_each_other_show_a_message_once() {
    let folder = Folder::project();
    let env = folder.environment("http://127.0.0.1:1");
    let shown: Vec<usize> = thread::scope(|scope| {
        let hooks: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut shown = 0;
                    for number in 1..=50 {
                        let mut ledger = Ledger::open(&env, "0123").unwrap();
                        let message = HookMessage {
                            number: coro_api::numbers::MessageNumber(number),
                            text: "x".to_owned(),
                        };
                        let offer = Offer {
                            messages: vec![message],
                            room: 10,
                            go_on: None,
                            goes_on: false,
                        };
                        shown += ledger.settle(offer).unwrap().messages.len();
                    }
                    shown
                })
            })
            .collect();
        hooks.into_iter().map(|hook| hook.join().unwrap()).collect()
    });
    assert_eq!(shown.iter().sum::<usize>(), 50, "{shown:?}");
}

#[test]
fn the_ledger_is_bounded_and_forgives_what_it_does_not_know() {
    let folder = Folder::project();
    let env = folder.environment("http://127.0.0.1:1");
    let file = folder.path().join("work/.coro/local/shown-0123");
    Ledger::open(&env, "0123").unwrap();
    let mut text = "what\nM-x\ngo abc\n".to_owned();
    for number in 1..=1_500 {
        let _ = writeln!(text, "M-{number} new");
    }
    fs::write(&file, &text).unwrap();
    let mut ledger = Ledger::open(&env, "0123").unwrap();
    let numbers: Vec<i64> = ledger.untold().iter().map(|number| number.0).collect();
    assert_eq!((numbers.len(), numbers[0], numbers[199]), (200, 1, 200));
    let offer = Offer {
        messages: Vec::new(),
        room: 10,
        go_on: None,
        goes_on: false,
    };
    ledger.settle(offer).unwrap();
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(
        (text.lines().count(), text.lines().nth(1)),
        (1_001, Some("M-501 new"))
    );
}

#[test]
fn cursor_is_known_where_it_runs_the_hooks_of_claude_code() {
    let folder = Folder::project();
    let server = Server::answering(200, &json!({"refuse": "no"}).to_string());
    let write = json!({"hook_event_name": "preToolUse", "cursor_version": "2.4.0", "tool_name": "Write",
        "workspace_roots": [folder.path().join("work")], "tool_input": {"file_path": "a.rs"}});
    let said = folder.hook(&server.url, &["hook", "claude"])(&write.to_string());
    assert_eq!(
        said.json(),
        json!({"permission": "deny", "user_message": "no", "agent_message": "no"})
    );
    let asked = server.asked().body;
    assert_eq!(
        (&asked["client"], &asked["paths"]),
        (&json!("cursor"), &json!(["a.rs"]))
    );
}

#[test]
fn the_settings_of_each_client_run_its_hook() {
    let folder = Folder::new();
    for form in &FORMS {
        let said = folder.hook("http://127.0.0.1:1", &["hook", form.name, "--settings"])("");
        assert_eq!(said.code, 0);
        assert!(
            said.out.contains(&format!("coro-cli hook {}", form.name)),
            "{}",
            said.out
        );
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
        if form.name != "cline" {
            assert!(said.json().is_object(), "{}", said.out);
        }
    }
    let said = folder.hook("http://127.0.0.1:1", &["hook", "vim"])("");
    assert_eq!(said.code, 2);
}

/// A session that starts in the folder `work`.
fn start(folder: &Folder) -> String {
    json!({"hook_event_name": "SessionStart", "source": "startup", "cwd": folder.path().join("work")}).to_string()
}

/// An edit that is about to happen there.
fn edit(folder: &Folder, file: &str) -> String {
    json!({"hook_event_name": "PreToolUse", "cwd": folder.path().join("work"), "tool_name": "Edit",
        "tool_input": {"file_path": file}})
    .to_string()
}

/// What the server says: messages, each with a text that names it.
fn answer(messages: &[&str], context: &str) -> String {
    let messages: Vec<Value> = messages
        .iter()
        .map(|number| json!({"number": number, "text": format!("text of {number}")}))
        .collect();
    json!({"messages": messages, "context": context}).to_string()
}
