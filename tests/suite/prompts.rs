//! The six words as prompts of the control plane.

use std::collections::BTreeSet;

use coro_tests::mcp::{Era, Mcp};
use coro_tests::{Server, both_engines};
use serde_json::{Value, json};

both_engines![
    the_six_words_are_prompts_in_both_eras,
    what_a_person_gives_stands_in_the_text,
    a_prompt_without_what_it_needs_is_refused,
    every_command_that_a_prompt_names_is_there,
];

const WORDS: [&str; 6] = [
    "setup_agents",
    "next",
    "yes",
    "no",
    "check_requests",
    "status",
];

/// Arguments that every prompt takes.
fn arguments() -> Value {
    json!({"goal": "a cart", "request": "R-7", "why": "too wide"})
}

fn text(mcp: &Mcp, name: &str, arguments: Value) -> String {
    let result = mcp.result("prompts/get", json!({"name": name, "arguments": arguments}));
    let text = result["messages"][0]["content"]["text"].as_str();
    text.expect("a text").to_owned()
}

fn the_six_words_are_prompts_in_both_eras(server: &Server) {
    for era in Era::BOTH {
        let mcp = Mcp::new(server.owner(), era);
        let list = mcp.result("prompts/list", json!({}));
        let prompts = list["prompts"].as_array().expect("prompts");
        let names: Vec<&str> = prompts
            .iter()
            .filter_map(|prompt| prompt["name"].as_str())
            .collect();
        assert_eq!(names, WORDS);
    }
}

fn what_a_person_gives_stands_in_the_text(server: &Server) {
    let mcp = Mcp::new(server.owner(), Era::Modern);
    let no = text(&mcp, "no", arguments());
    assert!(no.contains("refuses R-7, because: too wide"), "{no}");
    assert!(text(&mcp, "setup_agents", arguments()).contains("a cart"));
}

fn a_prompt_without_what_it_needs_is_refused(server: &Server) {
    let mcp = Mcp::new(server.owner(), Era::Modern);
    for (params, part) in [
        (json!({"name": "yes"}), "request is missing"),
        (
            json!({"name": "yes", "arguments": {"request": 7}}),
            "request is missing",
        ),
        (
            json!({"name": "yes", "arguments": {"request": "x".repeat(5_000)}}),
            "more than",
        ),
        (json!({"name": "maybe"}), "setup_agents, next, yes"),
    ] {
        let (_, error) = mcp.error("prompts/get", params);
        assert_eq!(error["code"], -32602, "{error}");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(part), "{message}");
    }
}

fn every_command_that_a_prompt_names_is_there(server: &Server) {
    let mcp = Mcp::new(server.owner(), Era::Modern);
    let mut commands = BTreeSet::new();
    for word in WORDS {
        let text = text(&mcp, word, arguments());
        for command in text.split("coro-cli ").skip(1) {
            let is_word = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase());
            let words = command.split([' ', '\n', ',', '.', ')', ':', ';']);
            let words: Vec<String> = words
                .take(2)
                .take_while(is_word)
                .map(str::to_owned)
                .collect();
            commands.insert(words);
        }
    }
    assert!(commands.len() >= 6, "{commands:?}");
    for words in commands {
        // A word of prose may follow the command's own.
        let whole: Vec<&str> = words.iter().map(String::as_str).chain(["--help"]).collect();
        let first = [whole[0], "--help"];
        let is_there = server.cli().run(&whole).code == 0 || server.cli().run(&first).code == 0;
        assert!(is_there, "{words:?}");
    }
}
