//! `coro-cli` for messages: what an agent's model reads, in a shell and through
//! the tool `coro`.

use coro_tests::mcp::{Era, Mcp};
use coro_tests::{Cli, Output, Server, both_engines};
use serde_json::{Value, json};

both_engines![
    messages_go_to_and_fro,
    a_message_goes_to_a_role_or_to_all,
    what_goes_wrong_is_one_line,
    the_environment_names_the_project,
    an_ask_prints_the_answer_alone,
    an_ask_that_fails_says_why,
    what_is_to_be_done_is_told_to_whoever_can,
    a_wait_that_ends_with_nothing_has_an_exit_code,
    messages_are_listed_and_shown,
    the_tool_coro_sends_and_reads,
    a_tool_tells_that_something_waits,
    a_long_message_is_cut_in_the_inbox,
];

/// The CLI as a new agent.
fn agent(server: &Server, name: &str) -> Cli {
    server.cli().token(server.agent(name).token())
}

#[track_caller]
fn fails(output: &Output, code: i32, part: &str) {
    assert_eq!(output.code, code, "{output:?}");
    assert_eq!(output.stdout, "", "{output:?}");
    // An ask that waits says its number before.
    let said = output.stderr.lines();
    let lines = said.filter(|line| !line.contains(" is asked; "));
    assert_eq!(lines.count(), 1, "{output:?}");
    assert!(output.stderr.contains(part), "{output:?}");
}

fn what_is_to_be_done_is_told_to_whoever_can(server: &Server) {
    let (a, b) = (agent(server, "a"), agent(server, "b"));
    a.ok(&["send", "look", "--to", "b", "--ack"]);
    a.ok(&[
        "ask",
        "b",
        "how many?",
        "--schema",
        "{\"type\": \"integer\"}",
    ]);
    let first = |cli: &Cli, number: &str| {
        let text = cli.ok(&["messages", "get", number, "--peek"]);
        text.lines().next().expect("a label").to_owned()
    };
    let (plain, asked) = ("M-1 from a (agent)", "M-2 from a (agent), blocking");
    let others = [(&a, "the sender"), (&server.cli(), "the owner")];
    for (cli, who) in others {
        assert_eq!(first(cli, "M-1"), plain, "{who}");
        assert_eq!(first(cli, "M-2"), asked, "{who}");
    }
    let to_ack = format!("{plain}, acknowledge with: coro-cli ack M-1");
    let to_answer = format!("{asked}, answer with: coro-cli answer M-2 JSON");
    assert_eq!((first(&b, "M-1"), first(&b, "M-2")), (to_ack, to_answer));
    b.ok(&["ack", "M-1"]);
    b.ok(&["answer", "M-2", "7"]);
    let over = "M-2 from a (agent)";
    assert_eq!(
        (first(&b, "M-1").as_str(), first(&b, "M-2").as_str()),
        (plain, over)
    );
}

fn messages_go_to_and_fro(server: &Server) {
    let (a, b) = (agent(server, "a"), agent(server, "b"));
    let sent = a.ok(&[
        "send",
        "the API has changed",
        "--to",
        "b",
        "--ack",
        "--by",
        "30m",
    ]);
    assert_eq!(sent, "M-1\n");
    let label = "M-1 from a (agent), acknowledge with: coro-cli ack M-1\n> the API has changed\n";
    assert_eq!(b.ok(&["inbox", "--peek"]), label);
    assert_eq!(b.ok(&["inbox"]), label);
    assert_eq!(b.ok(&["inbox"]), "");
    assert_eq!(b.ok(&["ack", "M-1"]), "M-1 acknowledged\n");
    assert_eq!(b.ok(&["reply", "1", "thanks\nall"]), "M-2\n");
    let reply = "M-2 from b (agent), replies to M-1\n> thanks\n> all\n";
    assert_eq!(a.ok(&["inbox", "--wait", "10s"]), reply);
    let piped = a.run_with_input(&["send", "--to", "b", "-"], b"from a pipe\n");
    assert_eq!(piped.stdout, "M-3\n", "{piped:?}");
    assert!(b.ok(&["inbox"]).ends_with("\n> from a pipe\n"));
    let json = b.ok(&["messages", "get", "M-3", "--json"]);
    assert!(json.contains("\"text\":\"from a pipe\""), "{json}");
}

fn a_long_message_is_cut_in_the_inbox(server: &Server) {
    let (a, b) = (agent(server, "a"), agent(server, "b"));
    let text = "long\n".repeat(12_000);
    for _ in 0..5 {
        a.run_with_input(&["send", "--to", "b", "-"], text.as_bytes());
    }
    let whole = b.ok(&["inbox", "--peek", "--full"]);
    assert!(whole.len() > 5 * text.len(), "{}", whole.len());
    let json: Value = serde_json::from_str(&b.ok(&["inbox", "--peek", "--json"])).expect("JSON");
    let given = json["messages"][4]["text"].as_str().expect("a text");
    assert_eq!(given, text.trim_end());
    let cut = b.ok(&["inbox"]);
    assert!(cut.len() < 5 * 1_400, "{}", cut.len());
    assert!(cut.starts_with("M-1 from a (agent)\n> long\n"), "{cut}");
    let rest = "… (coro-cli messages get M-5 shows all 59999 characters)\n";
    assert!(cut.ends_with(rest), "{cut}");
    // Shown, and not lost.
    assert_eq!(b.ok(&["inbox"]), "");
    assert!(b.ok(&["messages", "get", "M-5"]).len() > text.len());
}

fn a_message_goes_to_a_role_or_to_all(server: &Server) {
    let (a, b) = (agent(server, "a"), agent(server, "b"));
    a.ok(&["send", "hello", "--all", "--blocking"]);
    let printed = b.ok(&["inbox"]);
    let label = "M-1 from a (agent) to all of default, blocking, acknowledge with";
    assert!(printed.starts_with(label), "{printed}");
    server.cli().ok(&["send", "hello", "--role", "agent"]);
    let label = "M-2 from owner (human) to role agent\n> hello\n";
    assert_eq!(b.ok(&["inbox"]), label);
}

fn what_goes_wrong_is_one_line(server: &Server) {
    let a = agent(server, "a");
    fails(
        &a.run(&["send", "hello", "--to", "nobody"]),
        3,
        "coro-cli instances list",
    );
    fails(
        &a.run(&["send", "hello", "--all"]),
        4,
        "a message to nobody",
    );
    fails(&a.run(&["send", "hello"]), 2, "--to");
    fails(
        &a.run(&["send", "hello", "--to", "b", "--all"]),
        2,
        "cannot be used with",
    );
    fails(&a.run(&["ack", "M-1"]), 3, "coro-cli messages list");
    fails(
        &a.run(&["ack", "T-1"]),
        2,
        "is no message; one looks like M-40",
    );
    fails(&server.cli().run(&["inbox"]), 4, "coro-cli messages list");
    let usage = "(usage: coro-cli reply [OPTIONS] <NUMBER> <TEXT";
    fails(&a.run(&["reply", "1"]), 2, usage);
    agent(server, "b");
    fails(&a.run(&["send", "", "--to", "b"]), 6, "the text is empty");
}

fn the_environment_names_the_project(server: &Server) {
    server.register(json!({"name": "b", "project": "shop"}));
    let owner = server.cli();
    fails(
        &owner.run(&["send", "hi", "--to", "b"]),
        3,
        "agent not found: b in the project \"default\" (name its project with --project",
    );
    let in_shop = owner.variable("CORO_PROJECT", "shop");
    assert_eq!(in_shop.ok(&["send", "hi", "--to", "b"]), "M-1\n");
    let ask = [
        "ask",
        "b",
        "which port?",
        "--schema",
        "{\"type\": \"integer\"}",
    ];
    assert_eq!(in_shop.ok(&ask), "M-2\n");
}

fn an_ask_prints_the_answer_alone(server: &Server) {
    let (a, b) = (agent(server, "a"), agent(server, "b"));
    let schema = server.options().scratch().join("schema.json");
    std::fs::write(&schema, r#"{"type": "object", "required": ["port"]}"#).expect("a file");
    let schema = schema.display().to_string();
    let ask = [
        "ask",
        "b",
        "which port?",
        "--schema",
        &schema,
        "--wait",
        "50s",
    ];
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| a.ok(&ask));
        let asked = b.ok(&["inbox", "--wait", "50s"]);
        assert!(
            asked.contains("answer with: coro-cli answer M-1 JSON"),
            "{asked}"
        );
        fails(
            &b.run(&["answer", "M-1", "{}"]),
            6,
            "coro-cli answer M-1 JSON",
        );
        fails(
            &b.run(&["answer", "M-1", "no JSON"]),
            6,
            "the answer is no JSON",
        );
        assert_eq!(b.ok(&["answer", "M-1", r#"{"port": 80}"#]), "ok\n");
        assert_eq!(asking.join().expect("no panic"), "{\"port\":80}\n");
    });
    let over = a.ok(&["messages", "get", "M-1"]);
    assert!(!over.contains("answer with"), "{over}");
    let inline = ["ask", "b", "and now?", "--schema", "{}"];
    assert_eq!(a.ok(&inline), "M-3\n");
    fails(&b.run(&["ack", "M-3"]), 4, "coro-cli answer M-3 JSON");
}

fn an_ask_that_fails_says_why(server: &Server) {
    let (a, b) = (agent(server, "a"), agent(server, "b"));
    let ask = [
        "ask",
        "b",
        "how many?",
        "--schema",
        r#"{"type":"integer"}"#,
        "--wait",
        "50s",
    ];
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| a.run(&ask));
        b.ok(&["inbox", "--wait", "50s"]);
        fails(
            &b.run(&["answer", "M-1", "\"two\""]),
            6,
            "does not fit: at the top: ",
        );
        fails(&b.run(&["answer", "M-1", "\"2\""]), 6, "the ask has failed");
        fails(
            &asking.join().expect("no panic"),
            1,
            "M-1 to b failed: 2 answers did not fit",
        );
    });
    let bad = ["ask", "b", "?", "--schema", r#"{"type":"strnig"}"#];
    fails(&a.run(&bad), 6, "/type is \"strnig\"");
    let bad = ["ask", "b", "?", "--schema", "true"];
    fails(&a.run(&bad), 6, "the schema is no JSON object");
    let bad = ["ask", "b", "?", "--schema", r##"{"$ref":"#"}"##];
    fails(&a.run(&bad), 6, "in a circle");
    fails(
        &a.run(&["ask", "b", "?", "--schema", "no-such-file"]),
        3,
        "no-such-file",
    );
}

fn a_wait_that_ends_with_nothing_has_an_exit_code(server: &Server) {
    let (a, _b) = (agent(server, "a"), agent(server, "b"));
    fails(
        &a.run(&["inbox", "--wait", "1ms"]),
        8,
        "no message came in time",
    );
    let ask = ["ask", "b", "?", "--schema", "{}", "--wait", "1ms"];
    fails(&a.run(&ask), 8, "coro-cli messages get M-1");
}

fn messages_are_listed_and_shown(server: &Server) {
    let (a, b) = (agent(server, "a"), agent(server, "b"));
    a.ok(&["send", &format!("one{}", "x".repeat(300)), "--to", "b"]);
    a.ok(&["ask", "b", "two?", "--schema", "{}"]);
    let listed = a.ok(&["messages", "list"]);
    let lines: Vec<&str> = listed.lines().collect();
    assert!(
        lines[0].starts_with("M-2\t") && lines[0].ends_with("\task waiting\ta\tb\ttwo?"),
        "{listed}"
    );
    assert!(
        lines[1].ends_with("x…") && lines[1].contains("\tmessage\ta\tb\tonexx"),
        "{listed}"
    );
    let page = a.run(&["messages", "list", "--limit", "1"]);
    assert!(page.stderr.contains("go on with --before 2"), "{page:?}");
    assert!(
        a.ok(&["messages", "list", "--thread", "M-1"])
            .starts_with("M-1\t")
    );
    assert!(
        a.ok(&["messages", "get", "M-1"])
            .ends_with("xxx\nb\tqueued\t-\n")
    );
    assert!(
        b.ok(&["messages", "get", "M-1"])
            .ends_with("xxx\nb\tread\tinbox\n")
    );
    b.ok(&["answer", "M-2", "[1,2]"]);
    let shown = a.ok(&["messages", "get", "M-2"]);
    assert!(
        shown.ends_with("> JSON Schema of the answer: {}\nanswered\t[1,2]\nb\tacknowledged\t-\n"),
        "{shown}"
    );
}

fn the_tool_coro_sends_and_reads(server: &Server) {
    let a = Mcp::new(server.agent("a"), Era::Modern);
    let b = Mcp::new(server.agent("b"), Era::Modern);
    assert_eq!(a.coro("send 'hello there' --to b --ack"), "M-1\n");
    let label = "M-1 from a (agent), acknowledge with: coro-cli ack M-1\n> hello there\n";
    assert_eq!(b.coro("inbox"), label);
    assert_eq!(b.coro("ack M-1"), "M-1 acknowledged\n");
    assert_eq!(
        a.coro("ask b 'which port?' --schema '{\"type\":\"integer\"}'"),
        "M-2\n"
    );
    assert_eq!(b.coro("answer M-2 80"), "ok\n");
    let told = a.refuse(
        "coro",
        json!({"command": "ask b 'and?' --schema '{}' --wait 1ms"}),
    );
    assert!(told.contains("b has not answered M-4 yet"), "{told}");
}

fn a_tool_tells_that_something_waits(server: &Server) {
    let (client, sender) = (server.agent("b"), agent(server, "a"));
    for era in Era::BOTH {
        let b = Mcp::new(client.clone(), era);
        assert!(!b.tell("discover_instances", json!({})).contains("inbox:"));
        sender.ok(&["send", "hello", "--to", "b"]);
        sender.ok(&["send", "hello", "--to", "b"]);
        let told = b.tell("discover_instances", json!({}));
        assert!(told.ends_with("\ninbox: 2 new"), "{told}");
        assert_eq!(b.coro("activate"), "active\ninbox: 2 new");
        let refused = b.refuse("coro", json!({"command": "state get nothing"}));
        assert!(refused.ends_with("\ninbox: 2 new"), "{refused}");
        assert!(!b.coro("inbox --peek").contains("inbox: 2 new"));
        assert!(b.coro("inbox").ends_with("> hello\n"));
        assert_eq!(b.coro("activate"), "active\n");
    }
    let owner = Mcp::new(server.owner(), Era::Modern);
    assert!(!owner.coro("whoami").contains("inbox:"));
}
