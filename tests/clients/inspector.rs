//! The MCP inspector lists and calls every tool, in both eras.

use std::collections::BTreeSet;

use coro_tests::{Engine, Server};
use serde_json::{Value, json};

use crate::install::Packages;
use crate::workplace::Workplace;

#[test]
fn every_tool_is_listed_and_called_before_2026() {
    lists_and_calls("legacy");
}

#[test]
fn every_tool_is_listed_and_called_since_2026() {
    lists_and_calls("modern");
}

fn lists_and_calls(era: &str) {
    let Some(packages) = Packages::find() else {
        return;
    };
    let server = Server::start(Engine::Sqlite);
    let dora = json!({"name": "dora", "project": "shop", "workspace": "shop"});
    let dora: Value = server.post("/api/instances/register", dora).ok();
    let id = dora["id"].as_str().expect("an id");
    let token = dora["token"].as_str().expect("a token");
    let url = format!("{}/mcp", server.url());
    let inspect = |token: &str, args: &[&str]| -> Value {
        let mut inspector = packages.inspector();
        inspector
            .args(["--cli", &url, "--transport", "http", "--protocol-era", era])
            .args(["--header", &format!("Authorization: Bearer {token}")])
            .args(args);
        let output = Workplace::new().run(&mut inspector).ok();
        serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    };

    let listed = inspect(token, &["--method", "tools/list"]);
    let listed = listed["tools"].as_array().expect("a list").iter();
    let listed: BTreeSet<&str> = listed.filter_map(|tool| tool["name"].as_str()).collect();

    let calls = [
        (
            "register_instance",
            json!({"name": "dora", "workspace": "shop"}),
            id,
        ),
        ("discover_instances", json!({"workspace": "shop"}), "dora"),
        (
            "set_intent",
            json!({"instance_id": id, "intent": "reads"}),
            "",
        ),
        ("get_endpoints", json!({}), "/api"),
        (
            "coro",
            json!({"command": "state set shop/plan --data 1"}),
            "v1",
        ),
    ];
    for (tool, input, part) in &calls {
        let input = input.to_string();
        let answer = inspect(
            token,
            &[
                "--method",
                "tools/call",
                "--tool-name",
                tool,
                "--tool-args-json",
                &input,
            ],
        );
        assert_ne!(answer["isError"], true, "{tool}: {answer}");
        let text = answer["content"][0]["text"].as_str();
        assert!(
            text.is_some_and(|text| text.contains(part)),
            "{tool}: {answer}"
        );
    }
    let called: BTreeSet<&str> = calls.iter().map(|(tool, ..)| *tool).collect();
    assert_eq!(listed, called);
    assert_eq!(server.value("shop/plan"), "1");
}
