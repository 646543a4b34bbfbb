//! What waits with `coro-cli` outlives the server: a restart ends no agent.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::thread;

use coro_tests::{Cli, Engine, Server, both_engines};
use serde_json::json;

both_engines![
    next_waits_while_the_server_starts_again,
    a_request_is_made_once_and_its_wait_goes_on,
    an_ask_is_made_once_and_its_wait_goes_on,
    a_place_in_line_is_kept_over_a_restart,
    an_inbox_and_an_event_are_waited_for_over_a_restart,
    who_was_slower_than_another_process_of_the_agent_waits_on,
    a_message_whose_answer_is_lost_is_not_waited_for_again,
];

/// The CLI of an agent that finds the server by its socket, which stays where
/// it is when the server starts again.
fn agent(server: &Server, name: &str) -> Cli {
    let folder = server.data_dir();
    let cli = Cli::new(server.options().scratch()).data_dir(&folder);
    cli.token(server.agent(name).token())
}

/// Waits for an event that says that another process has come so far.
fn has_happened(server: &Server, topic: &str) {
    server.cli().ok(&["events", "wait", topic, "--from", "0"]);
}

const AWAY: &str = "the server is away; waiting for it";

fn next_waits_while_the_server_starts_again(server: &Server) {
    let cli = agent(server, "frontend");
    server.kill();
    let mut next = cli.stream(&["next", "--wait", "10m"]);
    let said = next.says(AWAY);
    assert!(said.contains("no server at unix:"), "{said}");
    server.start_again();
    server
        .post("/api/tasks", json!({"title": "Build"}))
        .ok::<serde_json::Value>();
    assert_eq!(next.next_line(), "T-1 Build");
    assert_eq!(next.wait(), 0);
}

fn a_request_is_made_once_and_its_wait_goes_on(server: &Server) {
    let cli = agent(server, "frontend");
    let mut asked = cli.stream(&["request", "Which?", "--option", "a", "--wait", "10m"]);
    let said = asked.says("R-1 is asked");
    assert!(
        said.contains("coro-cli requests get R-1 --wait 10m"),
        "{said}"
    );
    server.kill();
    asked.says(AWAY);
    server.start_again();
    server.cli().ok(&["yes", "R-1", "--option", "a"]);
    assert_eq!(asked.next_line(), "a");
    assert_eq!(asked.wait(), 0);
    let all = server.cli().ok(&["requests", "--all"]);
    assert_eq!(all.lines().count(), 1, "{all}");
}

fn an_ask_is_made_once_and_its_wait_goes_on(server: &Server) {
    let (frontend, backend) = (agent(server, "frontend"), agent(server, "backend"));
    let ask = [
        "ask",
        "backend",
        "how many?",
        "--schema",
        "{}",
        "--wait",
        "10m",
    ];
    let mut asked = frontend.stream(&ask);
    assert!(asked.says("M-1 is asked").contains("messages get M-1"));
    server.kill();
    asked.says(AWAY);
    server.start_again();
    assert!(backend.ok(&["inbox"]).starts_with("M-1 from frontend"));
    backend.ok(&["answer", "M-1", "7"]);
    assert_eq!(asked.next_line(), "7");
    assert_eq!(asked.wait(), 0);
    assert_eq!(backend.ok(&["inbox"]), "");
}

fn a_place_in_line_is_kept_over_a_restart(server: &Server) {
    let (frontend, backend) = (agent(server, "frontend"), agent(server, "backend"));
    frontend.ok(&["leases", "take", "/src/"]);
    let mut waiting = backend.stream(&["leases", "take", "/src/", "--wait", "10m"]);
    has_happened(server, "coro.lease.waiting");
    server.kill();
    waiting.says(AWAY);
    server.start_again();
    frontend.ok(&["leases", "release", "L-1"]);
    assert_eq!(waiting.next_line(), "L-2");
    assert_eq!(waiting.wait(), 0);
}

fn an_inbox_and_an_event_are_waited_for_over_a_restart(server: &Server) {
    let (frontend, backend) = (agent(server, "frontend"), agent(server, "backend"));
    let from = server.revision().to_string();
    server.kill();
    let mut inbox = backend.stream(&["inbox", "--wait", "10m"]);
    let wait = [
        "events",
        "wait",
        "coro.message.sent",
        "--from",
        &from,
        "--timeout",
        "10m",
    ];
    let mut event = frontend.stream(&wait);
    inbox.says(AWAY);
    event.says(AWAY);
    server.start_again();
    frontend.ok(&["send", "hello", "--to", "backend"]);
    assert_eq!(inbox.next_line(), "M-1 from frontend (agent)");
    assert_eq!(inbox.next_line(), "> hello");
    assert!(event.next_line().contains("coro.message.sent"));
    assert_eq!((inbox.wait(), event.wait()), (0, 0));
}

fn who_was_slower_than_another_process_of_the_agent_waits_on(server: &Server) {
    let (frontend, backend) = (agent(server, "frontend"), agent(server, "backend"));
    let wait = ["inbox", "--wait", "10m"];
    let (tell, texts) = channel();
    thread::scope(|scope| {
        for mut waiting in [backend.stream(&wait), backend.stream(&wait)] {
            let tell = tell.clone();
            scope.spawn(move || {
                assert_eq!(waiting.next_line().split(' ').nth(1), Some("from"));
                tell.send(waiting.next_line()).expect("somebody listens");
                assert_eq!(waiting.wait(), 0);
            });
        }
        // Both see that the first is there, and one reads it.
        for text in ["first", "second"] {
            frontend.ok(&["send", text, "--to", "backend"]);
            assert_eq!(texts.recv().expect("one prints it"), format!("> {text}"));
        }
    });
}

/// By that call it is read: a second one would find nothing, and tell that
/// nothing came.
fn a_message_whose_answer_is_lost_is_not_waited_for_again(server: &Server) {
    let backend = server.agent("backend");
    server.cli().ok(&["send", "hello", "--to", "backend"]);
    let relay = relay_without_answers(server, "GET /api/inbox ");
    let backend = Cli::new(server.options().scratch())
        .url(&relay)
        .token(backend.token());
    let lost = backend.run(&["inbox", "--wait", "1s"]);
    assert_eq!(lost.code, 1, "{lost:?}");
    assert!(lost.stderr.contains("coro-cli messages list"), "{lost:?}");
    assert!(!lost.stderr.contains(AWAY), "{lost:?}");
    assert!(backend.ok(&["messages", "get", "M-1"]).contains("hello"));
}

/// The address of somebody who passes calls on, and breaks off in place of the
/// answer where a call begins so.
fn relay_without_answers(server: &Server, broken: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let place = server.url().replace("http://", "");
    thread::spawn(move || {
        for mut caller in listener.incoming().flatten() {
            let mut request = String::new();
            while !request.ends_with("\r\n\r\n") {
                let mut byte = [0];
                caller.read_exact(&mut byte).expect("a request");
                request.push(char::from(byte[0]));
            }
            let request = request.replacen("\r\n", "\r\nConnection: close\r\n", 1);
            let mut passed_on = TcpStream::connect(&place).expect("the server");
            passed_on.write_all(request.as_bytes()).expect("it listens");
            let mut answer = Vec::new();
            passed_on.read_to_end(&mut answer).expect("an answer");
            if !request.starts_with(broken) {
                caller.write_all(&answer).expect("it waits");
            }
        }
    });
    url
}

/// Where the caller is refused, time changes nothing.
#[test]
fn a_wait_ends_at_once_where_the_caller_is_refused() {
    let server = Server::start(Engine::Sqlite);
    let refused = server.cli().token("cor_nobody");
    let refused = refused.run(&["next", "--wait", "10m"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(!refused.stderr.contains(AWAY), "{refused:?}");
}

#[test]
fn a_wait_for_a_server_that_stays_away_ends_with_its_time() {
    let server = Server::start(Engine::Sqlite);
    let cli = agent(&server, "frontend");
    server.kill();
    let away = cli.run(&["inbox", "--wait", "1s"]);
    assert_eq!(away.code, 7, "{away:?}");
    assert_eq!(away.stderr.matches(AWAY).count(), 1, "{away:?}");
    // What is not to wait fails at once.
    let away = cli.run(&["ask", "b", "x", "--schema", "{}", "--wait", "10m"]);
    assert_eq!((away.code, away.stderr.lines().count()), (7, 1), "{away:?}");
}
