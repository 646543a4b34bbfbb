//! `coro-cli top`: the state of things on a terminal, as it changes.

use coro_api::requests::{Request, RequestStatus};
use coro_tests::{Cli, Client, Server, Signal, Terminal, both_engines};
use serde_json::json;

both_engines![
    what_is_written_is_seen_and_q_gives_the_terminal_back,
    a_signal_gives_the_terminal_back,
    the_screen_fits_the_window,
    enter_shows_the_json_of_what_is_selected,
    the_log_is_of_the_project_that_is_named,
    y_decides_a_plain_request,
    n_asks_for_the_reason,
    what_is_pasted_or_typed_ahead_decides_nothing,
    y_is_answered_while_a_json_is_open,
    y_asks_for_a_passphrase_where_a_human_decides,
    hostile_text_is_inert,
    without_a_terminal_one_screen_is_printed,
    a_server_that_goes_away_is_waited_for,
];

const PASSPHRASE: &str = "correct horse battery";

/// The user's own call, which finds the server in its data folder.
fn top(server: &Server) -> Terminal {
    top_with(server, &[])
}

fn top_with(server: &Server, options: &[&str]) -> Terminal {
    let user = Cli::new(server.options().scratch()).data_dir(&server.data_dir());
    let mut terminal = user.on_terminal(&[&["top"], options].concat());
    terminal.expect("q quit");
    terminal
}

/// With the first request, a plain one, selected.
fn top_at_a_question(server: &Server) -> Terminal {
    ask(&server.agent("frontend"), json!({"title": "Go on?"}));
    let mut terminal = top(server);
    terminal.press("jj");
    terminal.expect("\u{1b}[7m  R-1 question");
    terminal
}

#[track_caller]
fn is_decided(server: &Server, option: &str) -> Request {
    let decided: Request = server.get("/api/requests/R-1").ok();
    assert_eq!(decided.decision.as_deref(), Some(option));
    decided
}

fn quit(mut terminal: Terminal) {
    terminal.press("q");
    assert_eq!(terminal.wait(), 0);
}

fn ask(agent: &Client, request: serde_json::Value) -> Request {
    agent.post("/api/requests", request).ok()
}

fn what_is_written_is_seen_and_q_gives_the_terminal_back(server: &Server) {
    let mut terminal = top(server);
    server
        .cli()
        .ok(&["register", "frontend", "--intent", "build the cart"]);
    terminal.expect("default/frontend pending \"build the cart\"");
    server.set("shop/plan", "1");
    terminal.expect("coro.state.put  shop/plan  v1");
    assert!(!terminal.is_as_usual());
    terminal.press("q");
    assert_eq!(terminal.wait(), 0);
    assert!(terminal.is_as_usual());
    let shown = terminal.shown();
    assert!(shown.ends_with("\u{1b}[?1049l\u{1b}[?25h"), "{shown:?}");
}

fn a_signal_gives_the_terminal_back(server: &Server) {
    for signal in [Signal::TERM, Signal::HUP] {
        let mut terminal = top(server);
        terminal.signal(signal);
        assert_ne!(terminal.wait(), 0);
        assert!(terminal.is_as_usual());
        let shown = terminal.shown();
        assert!(
            shown.ends_with("\u{1b}[?1049l\u{1b}[?25h"),
            "{signal:?}: {shown:?}"
        );
    }
}

fn the_screen_fits_the_window(server: &Server) {
    server.publish("shop.news", json!({"text": "x".repeat(200)}));
    let mut terminal = top(server);
    let cut = format!("{}…", "x".repeat(10));
    terminal.expect(&cut);
    terminal.resize(30, 8);
    // The last line of the new window.
    terminal.expect("\u{1b}[8;1Hq quit");
    terminal.resize(1, 1);
    terminal.expect("\u{1b}[1;1H…");
    terminal.press("q");
    assert_eq!(terminal.wait(), 0);
}

fn enter_shows_the_json_of_what_is_selected(server: &Server) {
    server.agent("frontend");
    let mut terminal = top(server);
    terminal.press("\u{1b}[B\r");
    terminal.expect("\"name\": \"frontend\"");
    terminal.expect("q back");
    terminal.press("q");
    terminal.expect("q quit");
    // Below the agents the log begins, with the newest entry.
    terminal.press("jj\r");
    terminal.expect("\"topic\": \"coro.");
    terminal.press("\u{3}");
    assert_eq!(terminal.wait(), 0);
}

fn y_decides_a_plain_request(server: &Server) {
    let agent = server.agent("frontend");
    let mut terminal = top(server);
    terminal.press("y");
    terminal.expect("select a request first");
    ask(&agent, json!({"title": "Go on?"}));
    terminal.expect("R-1 question by agent:frontend");
    terminal.press("jj");
    terminal.expect("\u{1b}[7m  R-1 question");
    terminal.press("y");
    terminal.expect("R-1: yes");
    is_decided(server, "yes");
    quit(terminal);
}

fn the_log_is_of_the_project_that_is_named(server: &Server) {
    server.publish("web.before", json!(1));
    server.publish("shop.before", json!(2));
    let printed = server.cli().ok(&["top", "--project", "shop"]);
    assert!(printed.contains("\tshop.before\t2\n"), "{printed}");
    assert!(!printed.contains("web.before"), "{printed}");
    let mut terminal = top_with(server, &["--project", "shop"]);
    server.publish("web.after", json!(3));
    server.publish("shop.after", json!(4));
    terminal.expect("shop.after  4");
    terminal.press("q");
    assert_eq!(terminal.wait(), 0);
    assert!(!terminal.shown().contains("web."), "{}", terminal.shown());
}

fn n_asks_for_the_reason(server: &Server) {
    let mut terminal = top_at_a_question(server);
    terminal.press("n");
    terminal.expect("Why not R-1: ");
    terminal.type_line(" ");
    terminal.expect("the reason is empty");
    terminal.press("n");
    terminal.expect("Why not R-1: ");
    terminal.type_line("it is too early");
    terminal.expect("R-1: no");
    let decided = is_decided(server, "no");
    assert_eq!(decided.why.as_deref(), Some("it is too early"));
    quit(terminal);
}

/// As keys it would have decided: there is a y in it.
fn what_is_pasted_or_typed_ahead_decides_nothing(server: &Server) {
    let mut terminal = top_at_a_question(server);
    terminal.press("\u{1b}[200~not yet\u{1b}[201~");
    terminal.press("\r");
    terminal.expect("\"title\": \"Go on?\"");
    let open: Request = server.get("/api/requests/R-1").ok();
    assert_eq!(open.decision, None);
    terminal.press("nyyy\r");
    terminal.expect("Why not R-1: ");
    terminal.type_line("it is too early");
    terminal.expect("R-1: no");
    is_decided(server, "no");
    quit(terminal);
}

fn y_is_answered_while_a_json_is_open(server: &Server) {
    server.agent("frontend");
    let mut terminal = top(server);
    terminal.press("j\r");
    terminal.expect("q back");
    terminal.press("y");
    terminal.expect("select a request first");
    terminal.press("q");
    terminal.expect("q quit");
    let agent = server.agent("backend");
    ask(&agent, json!({"title": "Go on?"}));
    terminal.expect("R-1 question by agent:backend");
    terminal.press("j\r");
    terminal.expect("\"title\": \"Go on?\"");
    terminal.press("y");
    terminal.expect("R-1: yes");
    is_decided(server, "yes");
    quit(terminal);
}

fn y_asks_for_a_passphrase_where_a_human_decides(server: &Server) {
    let ada = json!({"name": "ada", "passphrase": PASSPHRASE});
    server.post("/api/humans", ada).send().expect(200);
    let agent = server.agent("frontend");
    ask(
        &agent,
        json!({"title": "Force-push is fine", "kind": "rule"}),
    );
    let mut terminal = top(server);
    terminal.press("jj");
    terminal.expect("\u{1b}[7m  R-1 rule");
    terminal.press("n");
    terminal.expect("Why not R-1: ");
    terminal.type_line("it loses work");
    terminal.expect("R-1: Force-push is fine");
    terminal.expect("Passphrase of ada: ");
    terminal.type_line("this is not it");
    // Back on the screen, with the reason.
    terminal.expect("\u{1b}[?1049h");
    terminal.expect("passphrase");
    terminal.press("n");
    terminal.expect("Why not R-1: ");
    terminal.type_line("it loses work");
    terminal.expect("Passphrase of ada: ");
    terminal.type_line(PASSPHRASE);
    terminal.expect("R-1: no");
    let decided: Request = server.get("/api/requests/R-1").ok();
    let by = (decided.status, decided.decided_by.as_deref());
    assert_eq!(by, (RequestStatus::Decided, Some("human:ada")));
    terminal.press("q");
    assert_eq!(terminal.wait(), 0);
    assert!(!terminal.shown().contains(PASSPHRASE));
}

fn hostile_text_is_inert(server: &Server) {
    let hostile = "a\u{1b}]0;mine\u{7}\u{1b}[2J\u{202e}\u{9b}b";
    server.publish("shop.news", json!({"text": hostile}));
    let agent = server.agent("frontend");
    // Refused or not, it is not to be seen as it is.
    let intent = json!({ "intent": hostile });
    agent.post("/api/instances/self/intent", intent).send();
    let mut terminal = top(server);
    terminal.expect("\\u202e");
    terminal.press("j\r");
    terminal.expect("q back");
    terminal.press("qq");
    assert_eq!(terminal.wait(), 0);
    for bad in ["\u{1b}]0", "\u{1b}[2J", "\u{202e}", "\u{9b}", "\u{7}"] {
        assert!(!terminal.shown().contains(bad), "{bad:?}");
    }
}

fn without_a_terminal_one_screen_is_printed(server: &Server) {
    server.agent("frontend");
    let shown = server.cli().ok(&["top"]);
    assert!(shown.starts_with("server\tok\t"), "{shown}");
    assert!(shown.contains("\n  default/frontend pending\n"), "{shown}");
    assert!(shown.ends_with("\tcoro.tenant.created\tnull\n"), "{shown}");
    let json = server.cli().ok(&["top", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert!(json["overview"]["agents"].is_array(), "{json}");
}

fn a_server_that_goes_away_is_waited_for(server: &Server) {
    let mut terminal = top(server);
    server.stop();
    terminal.expect("the server is away");
    server.start_again();
    server.agent("frontend");
    terminal.expect("default/frontend pending");
    terminal.press("q");
    assert_eq!(terminal.wait(), 0);
}
