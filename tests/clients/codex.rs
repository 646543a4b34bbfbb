//! Codex in its default sandbox, which lets commands connect to nothing, not
//! even to a socket file: there a model has the MCP tools, and `coro-cli` says
//! so. `docs/mcp.md` tells its users the same.
#![cfg(target_os = "linux")]

use coro_api::tokens::Role;
use coro_tests::{Engine, Server};
use serde_json::json;

use crate::install::Packages;
use crate::model::{Model, Script};
use crate::proxy::Proxy;
use crate::workplace::Workplace;

/// What `coro-cli` says where it can't connect.
const FORBIDDEN: &str = "the client's sandbox, or a permission, forbids connecting to";
const INSTEAD: &str = "(use the MCP tool `coro` with the same command line)";

#[test]
fn its_sandbox_forbids_connecting_and_its_mcp_tools_work() {
    let Some(packages) = Packages::find() else {
        return;
    };
    let server = Server::start(Engine::Sqlite);
    let over_socket = format!(
        "CORO_URL=unix:{} coro-cli state list; echo code $?",
        server.data_dir().join("coro.sock").display()
    );
    let script = Script::new()
        .call("mcp__coro__register_instance", json!({"name": "carol"}))
        .expect("Your token stays.")
        .exec("coro-cli state list; echo code $?")
        .expect(FORBIDDEN)
        .expect(&server.url())
        .expect(INSTEAD)
        .expect("code 7")
        .exec(&over_socket)
        .expect(FORBIDDEN)
        .expect("coro.sock")
        .expect(INSTEAD)
        .expect("code 7")
        .call(
            "mcp__coro__coro",
            json!({"command": "state set shop/plan --data 1"}),
        )
        .expect("v1")
        .call(
            "mcp__coro__set_intent",
            json!({"intent": "builds the cart"}),
        )
        .call("mcp__coro__discover_instances", json!({}))
        .expect("builds the cart")
        .say("done");

    let (model, proxy) = run(packages, &server, &Workplace::new(), script);

    assert!(model.offered().contains("mcp__coro__coro"));
    assert!(!proxy.calls("initialize").is_empty());
    assert_eq!(server.value("shop/plan"), "1");
}

#[test]
fn a_rule_lets_coro_cli_out_of_the_sandbox() {
    let Some(packages) = Packages::find() else {
        return;
    };
    let server = Server::start(Engine::Sqlite);
    let place = Workplace::new();
    let rule = r#"prefix_rule(pattern = ["coro-cli"], decision = "allow")"#;
    place.write("home/.codex/rules/coro.rules", rule);
    let script = Script::new()
        .exec("coro-cli state set shop/plan --data 1")
        .expect("v1")
        // Every part of the command must have its rule.
        .exec("coro-cli state list | cat")
        .expect(FORBIDDEN)
        .say("done");

    run(packages, &server, &place, script);

    assert_eq!(server.value("shop/plan"), "1");
}

#[test]
fn what_may_delete_needs_an_approval_and_nothing_else_does() {
    let Some(packages) = Packages::find() else {
        return;
    };
    let server = Server::start(Engine::Sqlite);
    let place = Workplace::new();
    let script = Script::new()
        .call("mcp__coro__register_instance", json!({"name": "carol"}))
        .expect("Your token stays.")
        .call(
            "mcp__coro__set_intent",
            json!({"intent": "builds the cart"}),
        )
        .expect("ok")
        .call("mcp__coro__discover_instances", json!({}))
        .expect("carol")
        .call("mcp__coro__coro", json!({"command": "whoami"}))
        .expect("requires approval")
        .say("done");

    run_with(packages, &server, &place, script, "");
}

/// Runs Codex to its end, with the token of the agent carol and no questions.
fn run(packages: &Packages, server: &Server, place: &Workplace, script: Script) -> (Model, Proxy) {
    let approved = r#"default_tools_approval_mode = "approve""#;
    run_with(packages, server, place, script, approved)
}

fn run_with(
    packages: &Packages,
    server: &Server,
    place: &Workplace,
    script: Script,
    setting: &str,
) -> (Model, Proxy) {
    let model = Model::start(script);
    let proxy = Proxy::start(&server.address());
    let carol = server.issue_for_project(Role::Agent, "carol", "shop");
    let config = format!(
        r#"
        model = "scripted"
        model_provider = "scripted"

        [model_providers.scripted]
        name = "scripted"
        base_url = "{}/v1"
        wire_api = "responses"

        [mcp_servers.coro]
        url = "{}/mcp"
        bearer_token_env_var = "CORO_TOKEN"
        required = true
        {setting}
        "#,
        model.url(),
        proxy.url()
    );
    place.write("home/.codex/config.toml", &config);
    let mut codex = packages.codex();
    codex
        .args(["exec", "--json", "--skip-git-repo-check", "next"])
        .env("CORO_URL", server.url())
        .env("CORO_TOKEN", carol.token());
    place.run(&mut codex).ok();
    model.finish();
    (model, proxy)
}
