//! The demo: what a visitor finds in it, and that nothing is left of it.

use coro_api::clients::ClientSetups;
use coro_api::dashboard::DashboardSession;
use coro_tests::{Demo, program};
use rustix::process::Signal;

#[test]
fn a_visitor_finds_an_answer_to_each_question() {
    let mut demo = Demo::start("max");
    demo.wait_for_the_hour();
    let cli = demo.cli();
    let status = cli.ok(&["status"]);
    // Who works on what?
    assert!(
        status.contains("T-4 \"Build the checkout page\""),
        "{status}"
    );
    for agent in ["lead", "backend", "frontend", "docs"] {
        assert!(status.contains(&format!("  shop/{agent} ")), "{status}");
    }
    // What waits for me?
    let waiting = cli.ok(&["requests"]);
    let first_words: Vec<String> = waiting
        .lines()
        .map(|line| line.split('\t').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        first_words,
        ["R-3 lease_override", "R-2 question"],
        "{waiting}"
    );
    // Why is T-9 not ready?
    let why = cli.ok(&["why", "T-9"]);
    assert_eq!(why, "T-9 waits for T-4 (claimed by frontend) and 1 more\n");
    // Who changed this key, and what did it say before?
    let history = cli.ok(&["state", "history", "shop/api/cart"]);
    let authors: Vec<&str> = history
        .lines()
        .filter_map(|line| line.split('\t').nth(2))
        .collect();
    assert_eq!(
        authors,
        ["agent:frontend", "agent:backend", "agent:backend"]
    );
    let before = cli.ok(&["state", "get", "shop/api/cart", "--version", "1"]);
    assert!(before.contains("9.9"), "{before}");
    // The page says that all this is made up.
    let session: DashboardSession = demo.page().get("/session").ok();
    assert!(session.demo, "{session:?}");
    assert_eq!(demo.log(), "", "the story went otherwise");
}

#[test]
fn an_agent_falls_silent() {
    let demo = Demo::start("max");
    demo.wait_for_the_hour();
    demo.advance_seconds(15);
    demo.wait_for("coro.agent.stale", |event| event.data["name"] == "docs");
}

#[test]
fn the_visitor_decides_and_the_agent_goes_on() {
    let mut demo = Demo::start("max");
    let told = demo.told("You are the human").join("\n");
    let (_, passphrase) = told.split_once("the passphrase is: ").expect("it is told");
    demo.wait_for_the_hour();
    let mut terminal = demo.cli().on_terminal(&["yes", "R-3"]);
    terminal.expect("Passphrase of demo: ");
    terminal.type_line(passphrase);
    terminal.expect("R-3\tdecided\tyes");
    assert_eq!(terminal.end().0, 0);
    let after = demo.wait_for("coro.lease.overridden", |_| true).revision;
    demo.wait_for("coro.message.sent", |event| {
        event.revision > after && event.actor == "agent:backend"
    });
}

#[test]
fn the_story_goes_on_after_its_hour() {
    let demo = Demo::start("1000");
    demo.wait_for("shop.build.passed", |event| event.data["build"] == 2);
}

#[test]
fn nothing_is_left_after_a_signal() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let demo = Demo::start("max");
        demo.wait_for_the_hour();
        assert!(demo.children().len() >= 4, "{signal:?}");
        let ended = demo.end_by(signal);
        assert_eq!(ended.code, Some(0), "{signal:?}: {ended}");
    }
    // In the middle of the story too.
    let demo = Demo::start("10");
    demo.wait_for("coro.task.created", |_| true);
    let ended = demo.end_by(Signal::INT);
    assert_eq!(ended.code, Some(0), "{ended}");
}

#[test]
fn nothing_is_left_after_the_death_of_an_agent() {
    let demo = Demo::start("max");
    demo.wait_for_the_hour();
    let ended = demo.end_by_a_death();
    assert_eq!(ended.code, Some(1), "{ended}");
    assert!(ended.stderr.contains("the process of the agent"), "{ended}");
}

/// They were taken and forgotten.
#[test]
fn the_addresses_that_a_visitor_names_are_those_of_the_demo() {
    let mut demo = Demo::start_with(
        "max",
        &[
            "--bind",
            "127.0.0.1:0",
            "--dashboard-bind",
            "127.0.0.1:0",
            "--public-url",
            "https://coro.example.com",
            "--dashboard-url",
            "https://board.example.com",
        ],
    );
    let address = demo.address();
    assert!(
        address.starts_with("https://board.example.com/#code="),
        "{address}"
    );
    let setups: ClientSetups = demo.owner().get("/api/clients").ok();
    assert_eq!(setups.url, "https://coro.example.com");
}

#[test]
fn a_demo_that_cannot_begin_says_why() {
    let alone = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("alone");
    let _ = std::fs::remove_dir_all(&alone);
    std::fs::create_dir_all(&alone).expect("a folder");
    let server = alone.join("coro-server");
    std::fs::hard_link(program("coro-server-testing"), &server).expect("on one disk");
    let failed = Demo::fail(Some(&server), &[]);
    assert_eq!(failed.code, Some(1), "{failed}");
    let place = alone.join("coro-cli").display().to_string();
    assert!(failed.stderr.contains(&place), "{failed}");
    for args in [
        ["--speed", "0"],
        ["--speed", "fast"],
        ["--dashboard-bind", "off"],
        ["--tls-cert", "cert.pem"],
    ] {
        let failed = Demo::fail(None, &args);
        assert_eq!(failed.code, Some(2), "{args:?}: {failed}");
    }
}
