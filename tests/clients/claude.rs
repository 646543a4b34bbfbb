//! Claude Code works with a server as its model decides.

use std::process::Command;

use coro_api::state::StateItem;
use coro_api::tokens::Role;
use coro_tests::{Engine, Server};
use serde_json::{Value, json};

use crate::install::Packages;
use crate::model::{Model, Script};
use crate::proxy::Proxy;
use crate::workplace::{Output, Workplace};

#[test]
fn a_session_registers_works_with_its_own_token_and_finds_the_other_agent() {
    let Some(packages) = Packages::find() else {
        return;
    };
    let server = Server::start(Engine::Sqlite);
    let bob = json!({"name": "bob", "project": "shop", "workspace": "shop", "intent": "writes the stock service"});
    server
        .post("/api/instances/register", bob)
        .send()
        .expect(200);
    let lead = server.issue_for_project(Role::Controller, "lead", "shop");
    let model = Model::start(
        Script::new()
            .call(
                "mcp__coro__register_instance",
                json!({"name": "alice", "workspace": "shop", "intent": "reads the code"}),
            )
            .keep("token", "cor_[A-Za-z0-9_-]+")
            .keep("id", "[0-9a-f]{8}-[0-9a-f-]{27}")
            .bash("export CORO_TOKEN={token} && coro-cli state set shop/plan --data '{\"step\":1}'")
            .expect("v1")
            .call(
                "mcp__coro__set_intent",
                json!({"instance_id": "{id}", "intent": "builds the cart"}),
            )
            .call(
                "mcp__coro__discover_instances",
                json!({"workspace": "shop"}),
            )
            .expect("bob")
            .expect("writes the stock service")
            .say("The cart is planned."),
    );
    let proxy = Proxy::start(&server.address());

    let output = run(packages, &server, &model, &proxy, lead.token());
    model.finish();

    let events = output.events();
    let init = &events[0];
    assert_eq!(init["mcp_servers"][0]["status"], "connected", "{init}");
    for tool in [
        "register_instance",
        "discover_instances",
        "set_intent",
        "get_endpoints",
        "coro",
    ] {
        let name = json!(format!("mcp__coro__{tool}"));
        let tools = init["tools"].as_array().expect("a list");
        assert!(tools.contains(&name), "no {name}: {init}");
    }
    let end = events.last().expect("a result");
    assert_eq!(end["result"], "The cart is planned.", "{end}");
    assert_eq!(end["is_error"], false, "{end}");

    // On the wire it was the protocol of 2026-07-28, without a handshake.
    assert!(!proxy.calls("server/discover").is_empty());
    assert!(proxy.calls("initialize").is_empty());
    for method in ["server/discover", "tools/list", "tools/call"] {
        for call in proxy.calls(method) {
            assert_eq!(
                call.header("mcp-protocol-version"),
                Some("2026-07-28"),
                "{call:?}"
            );
        }
    }

    let alice: Value = server
        .get(&format!("/api/instances/{}", model.kept("id")))
        .ok();
    assert_eq!(alice["name"], "alice");
    assert_eq!(alice["intent"], "builds the cart");
    assert_eq!(server.value("shop/plan"), r#"{"step":1}"#);
    let plan: Vec<StateItem> = server.get("/api/state?prefix=shop/").ok();
    assert_eq!(plan[0].updated_by, "agent:alice");
}

/// Runs a session to its end.
fn run(packages: &Packages, server: &Server, model: &Model, proxy: &Proxy, token: &str) -> Output {
    let place = Workplace::new();
    let coro = json!({
        "type": "http",
        "url": format!("{}/mcp", proxy.url()),
        "headers": {"Authorization": "Bearer ${CORO_TOKEN}"},
    });
    let config = place.write(
        "mcp.json",
        &json!({"mcpServers": {"coro": coro}}).to_string(),
    );
    let mut claude = command(packages, model);
    claude
        .args(["-p", "next", "--output-format", "stream-json", "--verbose"])
        .arg("--mcp-config")
        .arg(config)
        .args(["--strict-mcp-config", "--permission-mode", "dontAsk"])
        .args(["--allowedTools", "mcp__coro,Bash"])
        .env("CORO_URL", server.url())
        .env("CORO_TOKEN", token);
    place.run(&mut claude).ok()
}

/// Claude Code with a model that is a script, and no other company.
pub(crate) fn command(packages: &Packages, model: &Model) -> Command {
    let mut claude = Command::new(packages.claude());
    claude
        .env("ANTHROPIC_BASE_URL", model.url())
        .env("ANTHROPIC_API_KEY", "scripted")
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        .env("DISABLE_TELEMETRY", "1")
        .env("DISABLE_ERROR_REPORTING", "1")
        .env("DISABLE_AUTOUPDATER", "1");
    claude
}
