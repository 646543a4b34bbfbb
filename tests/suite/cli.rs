//! `coro-cli` as its users call it: output, exit codes, configuration,
//! streams. The whole reference is a snapshot.

use coro_api::events::Event;
use coro_api::state::StateItem;
use coro_api::tokens::Role;
use coro_tests::{Cli, Engine, Output, Server, both_engines, repository};
use serde_json::{Value, json};

both_engines![
    state_is_written_and_read,
    a_value_is_printed_as_it_is_stored,
    values_come_from_data_file_and_input,
    keys_and_values_of_any_characters_survive,
    conditions_are_exit_code_4,
    history_rollback_and_difference_are_printed,
    lists_are_a_line_an_item_and_free_text_is_escaped,
    json_is_the_answer_unchanged,
    events_are_published_and_listed,
    a_transaction_is_sent,
    consumers_are_worked_off,
    tokens_are_made_used_and_revoked,
    the_audit_is_read_and_verified,
    each_failure_has_its_exit_code,
    a_wait_ends_with_the_event_or_the_time,
    a_backup_is_written_once_and_checked,
];

/// On SQLite: what is tested here does not reach the database.
fn server() -> Server {
    Server::start(Engine::Sqlite)
}

#[track_caller]
fn fails(output: &Output, code: i32, names: &str) {
    assert_eq!(output.code, code, "{output:?}");
    assert_eq!(output.stdout, "", "{output:?}");
    assert_eq!(output.stderr.lines().count(), 1, "{output:?}");
    assert!(output.stderr.starts_with("coro-cli: "), "{output:?}");
    assert!(output.stderr.contains(names), "{output:?}");
}

fn state_is_written_and_read(server: &Server) {
    let cli = server.cli();
    assert_eq!(
        cli.ok(&["state", "set", "shop/plan", "--data", "{\"a\": 1 }"]),
        "v1\n"
    );
    assert_eq!(cli.ok(&["state", "get", "shop/plan"]), "{\"a\": 1 }");
    assert_eq!(
        cli.ok(&["state", "patch", "shop/plan", "--data", "{\"b\":2}"]),
        "v2\n"
    );
    assert_eq!(cli.ok(&["state", "list"]), "shop/plan\tv2\n");
    assert_eq!(
        cli.ok(&["state", "get", "shop/plan", "--version", "1"]),
        "{\"a\": 1 }"
    );
    cli.ok(&["state", "delete", "shop/plan"]);
    assert_eq!(cli.ok(&["state", "list", "shop/"]), "");
}

fn a_value_is_printed_as_it_is_stored(server: &Server) {
    for value in [
        "no line end",
        "line end\n",
        "two\n\n",
        "tab\t\u{1b}[31m ä 🦀",
    ] {
        server.set("k", value);
        assert_eq!(server.cli().ok(&["state", "get", "k"]), value);
    }
}

fn values_come_from_data_file_and_input(server: &Server) {
    let cli = server.cli();
    std::fs::write(cli.folder().join("plan.md"), "# Plan\n").expect("a file");
    cli.ok(&["state", "set", "file", "--file", "plan.md"]);
    assert_eq!(
        cli.run_with_input(&["state", "set", "input", "-"], b"[1]")
            .stdout,
        "v1\n"
    );
    cli.ok(&["state", "set", "text", "--data", "just text"]);
    cli.ok(&["state", "set", "typed", "--data", "1", "--type", "text/x"]);
    let of = |key: &str| {
        let answer = server.get(&format!("/api/state/{key}")).send().expect(200);
        (answer.text(), answer.the("content-type").to_owned())
    };
    assert_eq!(
        of("file"),
        ("# Plan\n".to_owned(), "text/markdown".to_owned())
    );
    assert_eq!(
        of("input"),
        ("[1]".to_owned(), "application/json".to_owned())
    );
    assert!(of("text").1.starts_with("text/plain"));
    assert_eq!(of("typed").1, "text/x");
}

fn keys_and_values_of_any_characters_survive(server: &Server) {
    let cli = server.cli();
    for key in [
        "a b",
        "ä/日本/🦀",
        "x?y=1&z#w",
        "a%2Fb",
        "\"'\\$HOME`",
        "--help",
    ] {
        let value = format!("{key} \u{1} \"\\ é");
        let put = cli.run_with_input(&["state", "set", "--", key, "-"], value.as_bytes());
        assert_eq!(put.code, 0, "{put:?}");
        assert_eq!(server.value(key), value);
        assert_eq!(cli.ok(&["state", "get", "--", key]), value);
    }
}

fn conditions_are_exit_code_4(server: &Server) {
    let cli = server.cli();
    let set = |args: &[&str]| {
        cli.run(&[&["state", "set", "k", "--data", "1"][..], args].concat())
            .code
    };
    assert_eq!((set(&["--if-absent"]), set(&["--if-absent"])), (0, 4));
    assert_eq!(
        (set(&["--if-version", "7"]), set(&["--if-version", "1"])),
        (4, 0)
    );
    let etag = server.get("/api/state/k").send().etag();
    assert_eq!(
        (set(&["--if-match", &etag]), set(&["--if-match", &etag])),
        (0, 4)
    );
    assert_eq!(set(&["--conditional", "true"]), 0);
    assert_eq!(set(&[]), 4);
    assert_eq!(
        cli.run(&["state", "delete", "k", "--if-version", "1"]).code,
        4
    );
}

fn history_rollback_and_difference_are_printed(server: &Server) {
    let cli = server.cli();
    server.set("k", "one\n");
    server.set("k", "two\n");
    let history = cli.ok(&["state", "history", "k"]);
    let lines: Vec<&str> = history.lines().collect();
    assert!(
        lines[0].starts_with("v2\t") && lines[1].starts_with("v1\t"),
        "{history}"
    );
    let diff = cli.ok(&[
        "state", "diff", "k", "--v1", "1", "--v2", "2", "--format", "text",
    ]);
    assert!(diff.contains("-one\n+two\n"), "{diff}");
    assert_eq!(
        cli.ok(&["state", "rollback", "k", "--version", "1"]),
        "v3\n"
    );
    assert_eq!(cli.ok(&["state", "get", "k"]), "one\n");
}

fn lists_are_a_line_an_item_and_free_text_is_escaped(server: &Server) {
    server.publish("shop.a", json!("line\nbreak \u{1b}[31m \u{202e} tab\t"));
    let line = server.cli().ok(&["events", "history", "--last", "1"]);
    assert_eq!(line.lines().count(), 1, "{line:?}");
    assert!(!line.contains(['\u{1b}', '\u{202e}']), "{line:?}");
}

fn json_is_the_answer_unchanged(server: &Server) {
    let cli = server.cli();
    let set = cli.ok(&["state", "set", "k", "--data", "1", "--json"]);
    let item: StateItem = serde_json::from_str(&set).expect("JSON");
    assert_eq!(item, server.get("/api/state/k?meta").ok::<StateItem>());
    let raw = server.get("/api/state").send().text();
    assert_eq!(cli.ok(&["--json", "state", "list"]).trim_end(), raw);
    let pretty = cli.ok(&["state", "--pretty", "list"]);
    assert!(pretty.lines().count() > 5, "{pretty}");
    assert_eq!(
        serde_json::from_str::<Value>(&pretty).ok(),
        serde_json::from_str(&raw).ok()
    );
}

fn events_are_published_and_listed(server: &Server) {
    let cli = server.cli();
    let publish = [
        "events",
        "publish",
        "shop.a",
        "--subject",
        "shop/plan",
        "--data",
        "{\"n\":1}",
    ];
    let revision = cli.ok(&publish);
    let event = server.owner().history("last=1").remove(0);
    assert_eq!(revision.trim_end(), event.revision.to_string());
    assert_eq!(
        (event.subject.as_str(), event.data),
        ("shop/plan", json!({"n": 1}))
    );
    let line = cli.ok(&["events", "history", "--topic", "shop.*"]);
    assert_eq!(line, format!("{}\tshop.a\t{{\"n\":1}}\n", event.revision));
    server.publish("shop.b", json!(2));
    let newest = cli.run(&["events", "history", "--last", "1"]);
    let way_on = format!("--before {}", event.revision + 1);
    assert!(newest.stderr.contains(&way_on), "{newest:?}");
    let all = cli.run(&["events", "history", "--topic", "shop.*"]);
    assert_eq!((all.stdout.lines().count(), all.stderr.as_str()), (2, ""));
    let json = cli.ok(&["events", "history", "--last", "1", "--json"]);
    assert_eq!(
        serde_json::from_str::<Vec<Event>>(&json)
            .expect("events")
            .len(),
        1
    );
}

fn a_transaction_is_sent(server: &Server) {
    let cli = server.cli();
    let body = json!({
        "compare": [{"key": "a", "version": 0}],
        "writes": [{"op": "put", "key": "a", "value": 1}],
    });
    cli.ok(&["txn", "--data", &body.to_string()]);
    assert_eq!(server.value("a"), "1");
    fails(&cli.run(&["txn", "--data", &body.to_string()]), 4, "\"a\"");
}

fn consumers_are_worked_off(server: &Server) {
    let cli = server.cli();
    cli.ok(&["consumers", "create", "inbox", "--pattern", "shop.*"]);
    let revision = server.publish("shop.a", json!(7)).revision;
    assert!(cli.ok(&["consumers", "fetch", "inbox"]).contains("shop.a"));
    cli.ok(&["consumers", "ack", "inbox", &revision.to_string()]);
    assert_eq!(cli.ok(&["consumers", "fetch", "inbox"]), "");
    assert!(cli.ok(&["consumers", "list"]).contains("inbox"));
    cli.ok(&["consumers", "delete", "inbox"]);
    assert_eq!(cli.run(&["consumers", "get", "inbox"]).code, 3);
}

fn tokens_are_made_used_and_revoked(server: &Server) {
    let cli = server.cli();
    let create = [
        "tokens",
        "create",
        "frontend",
        "--role",
        "agent",
        "--project",
        "shop",
    ];
    let token = cli.ok(&[&create[..], &["--expires-in", "30d"]].concat());
    let agent = server.cli().token(token.trim_end());
    agent.ok(&["state", "set", "shop/plan", "--data", "1"]);
    fails(&agent.run(&["state", "get", "other/plan"]), 5, "shop");
    let who = agent.ok(&["whoami"]);
    assert!(
        who.contains("agent:frontend") && who.contains("shop"),
        "{who}"
    );
    let list = cli.ok(&["tokens", "list"]);
    assert!(!list.contains("cor_"), "{list}");
    let row = list
        .lines()
        .find(|line| line.contains("frontend"))
        .expect("a line");
    cli.ok(&["tokens", "revoke", row.split('\t').next().expect("an id")]);
    fails(&agent.run(&["whoami"]), 5, "revoked");
}

fn the_audit_is_read_and_verified(server: &Server) {
    server.set("shop/plan", "1");
    let line = server.cli().ok(&["audit", "--action", "state.put"]);
    assert!(
        line.contains("human:owner") && line.contains("shop/plan"),
        "{line}"
    );
    let cli = server.cli();
    let noted = cli.ok(&["audit", "verify"]);
    let fields: Vec<&str> = noted.trim_end().split('\t').collect();
    let (last, head) = (fields[1], fields[3]);
    server.set("shop/plan", "2");
    cli.ok(&["audit", "verify", "--head", &format!("{head}@{last}")]);
    let other = format!("{}@{last}", "0".repeat(64));
    let output = cli.run(&["audit", "verify", "--head", &other]);
    assert_eq!(output.code, 6, "{output:?}");
    assert!(output.stderr.contains("rewritten"), "{output:?}");
}

fn each_failure_has_its_exit_code(server: &Server) {
    let cli = server.cli();
    server.set("k", "1");
    fails(&cli.run(&["state", "get", "nothing"]), 3, "nothing");
    fails(
        &cli.clone().token("cor_wrong").run(&["state", "get", "k"]),
        5,
        "token",
    );
    fails(&cli.run(&["state", "get", "a//b"]), 6, "a//b");
    fails(
        &cli.run(&["events", "history", "--from", "yesterday"]),
        6,
        "yesterday",
    );
    for args in [
        &["state", "get"][..],
        &["stat"],
        &["state", "set", "k"],
        &["state", "get", "k", "--x"],
    ] {
        let output = cli.run(args);
        assert_eq!(output.code, 2, "{output:?}");
    }
    server.stop();
    fails(&cli.run(&["state", "get", "k"]), 7, "coro-server");
}

fn a_wait_ends_with_the_event_or_the_time(server: &Server) {
    let from = server.publish("shop.before", json!(0)).revision.to_string();
    let cli = server.cli();
    let mut waiting = cli.stream(&["events", "wait", "shop.go", "--from", &from]);
    server.publish("shop.other", json!(1));
    let revision = server.publish("shop.go", json!(2)).revision;
    assert_eq!(waiting.next_line(), format!("{revision}\tshop.go\t2"));
    assert_eq!(waiting.wait(), 0);
    let in_vain = cli.run(&["events", "wait", "shop.never", "--timeout", "1"]);
    fails(&in_vain, 8, "shop.never");
}

fn a_backup_is_written_once_and_checked(server: &Server) {
    let cli = server.cli();
    server.set("k", "1");
    cli.ok(&["backup", "b.gz"]);
    assert!(!cli.folder().join("b.gz.part").exists());
    fails(&cli.run(&["backup", "b.gz"]), 4, "b.gz");
    cli.ok(&["backup", "b.gz", "--force"]);
    fails(
        &cli.run(&["backup", "no/such/folder/b.gz"]),
        3,
        "no/such/folder",
    );
}

#[test]
fn the_local_server_is_found_in_its_data_folder() {
    let server = server();
    let cli = Cli::new(server.options().scratch()).data_dir(&server.data_dir());
    cli.ok(&["state", "set", "k", "--data", "1"]);
    assert_eq!(server.value("k"), "1");
    let status = cli.ok(&["status"]);
    assert!(
        status.contains("ok") && status.contains("human:owner"),
        "{status}"
    );
    // Without a socket the address is in server.json.
    std::fs::remove_file(server.data_dir().join("coro.sock")).expect("it was there");
    assert_eq!(cli.ok(&["state", "get", "k"]), "1");
}

/// An agent that takes the owner's token by itself is no agent any more.
#[test]
fn an_agent_never_picks_up_the_owners_token() {
    let server = server();
    let cli = Cli::new(server.options().scratch()).data_dir(&server.data_dir());
    let agent = cli.variable("CORO_AGENT", "frontend");
    let output = agent.run(&["state", "list"]);
    assert_eq!(output.code, 5, "{output:?}");
    agent
        .token(server.issue(Role::Agent, "frontend").token())
        .ok(&["state", "list"]);
}

/// `export CORO_TOKEN=$(coro-cli register …)` that failed made an agent the
/// owner.
#[test]
fn a_variable_of_identity_that_is_empty_is_an_error() {
    let server = server();
    let cli = Cli::new(server.options().scratch()).data_dir(&server.data_dir());
    cli.ok(&["whoami"]);
    for name in ["CORO_TOKEN", "CORO_URL", "CORO_DATA_DIR"] {
        for value in ["", " \n"] {
            let cli = cli.clone().variable(name, value);
            let what = format!("{name} is set but empty (unset {name}, or ");
            fails(&cli.run(&["whoami"]), 2, &what);
        }
    }
    // The name of an agent that is empty is an agent's all the same.
    let agent = cli.clone().variable("CORO_AGENT", "");
    fails(&agent.run(&["whoami"]), 5, "set CORO_TOKEN");
    cli.variable("CORO_PROJECT", "").ok(&["whoami"]);
}

#[test]
fn what_is_wrong_on_the_command_line_has_a_next_step() {
    let server = server();
    let cli = server.cli();
    let plain = server.url().replace("http://", "https://");
    let table: [(&[&str], i32, &[&str]); 7] = [
        (&["whoami", "--url", "9800"], 2, &["(name it as http://127"]),
        (
            &["whoami", "--url", &plain],
            7,
            &["does not speak TLS (", "use http://"],
        ),
        (
            &["whoami", "--token-file", "/nowhere/t"],
            3,
            &["can't read /nowhere/t", "(check the path)"],
        ),
        (
            &["tasks", "list", "--limit", "2", "--cursor", "x"],
            6,
            &["cursor: it takes a whole number (leave out --cursor"],
        ),
        (
            &["backup", "/nowhere/b.gz"],
            3,
            &["can't write /nowhere/b.gz: ", "(check the path)"],
        ),
        (&["next", "--wait", "-5"], 2, &["is no duration such as"]),
        (
            &["state", "history", "shop/never"],
            3,
            &["no version of \"shop/never\" is kept (list"],
        ),
    ];
    for (args, code, parts) in table {
        let output = cli.run(args);
        for part in parts {
            fails(&output, code, part);
        }
    }
    fails(
        &cli.token("cor_a b").run(&["whoami"]),
        2,
        "CORO_TOKEN has more than one word, or a character outside ASCII (set it to",
    );
    let log = server.log();
    assert!(!log.contains("ERROR"), "{log}");
}

#[test]
fn the_history_of_a_deleted_key_says_so() {
    let server = server();
    let cli = server.cli();
    cli.ok(&["state", "set", "shop/plan", "1"]);
    let history = cli.run(&["state", "history", "shop/plan"]);
    assert_eq!(history.stderr, "");
    cli.ok(&["state", "delete", "shop/plan"]);
    let history = cli.run(&["state", "history", "shop/plan"]);
    assert!(history.stdout.starts_with("v1\t"), "{history:?}");
    assert!(
        history.stderr.contains("\"shop/plan\" is deleted"),
        "{history:?}"
    );
    let json = cli.run(&["state", "history", "shop/plan", "--json"]);
    assert_eq!((json.code, json.stderr.as_str()), (0, ""), "{json:?}");
}

#[test]
fn a_list_of_no_humans_says_what_fills_it() {
    let output = server().cli().run(&["humans", "list"]);
    assert_eq!((output.code, output.stdout.as_str()), (0, ""));
    assert!(
        output.stderr.contains("coro-cli humans set YOUR-NAME"),
        "{output:?}"
    );
}

#[test]
fn settings_come_from_the_nearest_file_upward() {
    let server = server();
    let folder = server.options().scratch().join("repository/deep/down");
    std::fs::create_dir_all(&folder).expect("folders");
    let root = Cli::new(&server.options().scratch().join("repository"));
    root.ok(&["config", "set", "url", &server.url()]);
    let secret = server.owner().token().to_owned();
    let set = root.run(&["config", "set", "token", &secret]);
    assert_eq!(set.code, 0, "{set:?}");
    assert!(
        !set.stdout.contains(&secret) && !set.stderr.contains(&secret),
        "{set:?}"
    );
    let deep = Cli::new(&folder);
    // The address may have come with a commit.
    let refused = deep.run(&["state", "list"]);
    assert!(refused.code == 2 && refused.stderr.contains("coro-cli config trust http://"));
    deep.ok(&["config", "trust", &server.url()]);
    deep.ok(&["state", "list"]);
    let shown = deep.ok(&["config", "show"]);
    assert!(
        shown.contains(&server.url()) && !shown.contains(&secret),
        "{shown}"
    );
}

#[test]
fn a_socket_is_an_address_too() {
    let server = server();
    let socket = format!("unix:{}", server.data_dir().join("coro.sock").display());
    let cli = server.cli().url(&socket);
    cli.ok(&["state", "set", "k", "--data", "1"]);
    assert_eq!(cli.ok(&["--url", &server.url(), "state", "get", "k"]), "1");
}

#[test]
fn a_subscription_goes_on_after_a_lost_connection() {
    let server = server();
    let socket = format!("unix:{}", server.data_dir().join("coro.sock").display());
    let from = server.revision().to_string();
    let cli = server.cli().url(&socket);
    let subscribe = [
        "events",
        "subscribe",
        "shop.*",
        "--from",
        &from,
        "--limit",
        "3",
    ];
    let mut stream = cli.stream(&subscribe);
    server.publish("shop.a", json!(1));
    assert!(stream.next_line().ends_with("\tshop.a\t1"));
    server.kill();
    server.start_again();
    server.publish("shop.b", json!(2));
    server.publish("shop.c", json!(3));
    assert!(stream.next_line().ends_with("\tshop.b\t2"));
    assert!(stream.next_line().ends_with("\tshop.c\t3"));
    assert_eq!(stream.wait(), 0);
}

#[test]
fn a_watch_prints_changes_of_a_prefix() {
    let server = server();
    let from = server.revision().to_string();
    let mut watch = server
        .cli()
        .stream(&["state", "watch", "shop/", "--from", &from]);
    server.set("other/a", "1");
    server.set("shop/a", "1");
    let line = watch.next_line();
    assert!(line.contains("shop/a"), "{line}");
}

#[test]
fn without_a_server_the_next_step_is_named() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let cli = Cli::new(folder.path())
        .url("http://127.0.0.1:1")
        .token("cor_x");
    fails(&cli.run(&["state", "list"]), 7, "coro-server");
    let nowhere = Cli::new(folder.path()).data_dir(&folder.path().join("none"));
    let output = nowhere.run(&["state", "list"]);
    assert!(matches!(output.code, 5 | 7), "{output:?}");
}

#[test]
fn completions_man_pages_and_version_are_given() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let cli = Cli::new(folder.path());
    for shell in ["bash", "zsh", "fish"] {
        assert!(cli.ok(&["completions", shell]).contains("coro-cli"));
    }
    cli.ok(&["man", "pages"]);
    let pages = std::fs::read_dir(folder.path().join("pages"))
        .expect("a folder")
        .count();
    assert!(pages > 10, "{pages}");
    assert!(cli.ok(&["version"]).starts_with("coro-cli "));
}

/// `docs/cli.md` is this snapshot: write it again with
/// `cargo test -p coro-tests reference -- --ignored`.
#[test]
fn the_reference_in_the_docs_is_the_programs_own() {
    let written = std::fs::read_to_string(repository().join("docs/cli.md")).unwrap_or_default();
    let own = coro_cli::reference_markdown();
    assert!(
        written == own,
        "docs/cli.md is old; see how to write it again in {}",
        file!()
    );
}

#[test]
#[ignore = "writes docs/cli.md"]
fn write_the_reference() {
    let path = repository().join("docs/cli.md");
    std::fs::write(path, coro_cli::reference_markdown()).expect("the docs take a file");
}
