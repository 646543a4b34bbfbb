//! Agent cards: off by default, the server's for all, an agent's for those who
//! may see it.

use coro_api::Reason;
use coro_api::a2a::AgentCard;
use coro_tests::{Engine, Options, each_engine};
use serde_json::{Value, json};

each_engine![
    there_are_no_cards_by_default,
    the_servers_card_is_for_all_and_an_agents_for_its_project,
    messages_are_refused_with_the_protocols_own_error,
];

const CARD: &str = "/.well-known/agent-card.json";

fn there_are_no_cards_by_default(engine: Engine) {
    let server = Options::new(engine).start();
    server.anonymous().get(CARD).refused(Reason::NotFound);
    let (_, agent) = server.register(json!({"name": "frontend"}));
    for path in ["/a2a".to_owned(), format!("/a2a/agents/{}", agent.id)] {
        server.post(&path, json!({})).refused(Reason::NotFound);
    }
}

fn the_servers_card_is_for_all_and_an_agents_for_its_project(engine: Engine) {
    let server = Options::new(engine).arg("--a2a").start();
    let card: AgentCard = server.anonymous().get(CARD).ok();
    assert_eq!(card.name, "coro");
    assert_eq!(
        card.supported_interfaces[0].url,
        format!("{}/a2a", server.url())
    );
    assert_eq!(card.supported_interfaces[0].protocol_version, "1.0");
    let (_, agent) = server.register(json!({
        "name": "frontend", "project": "shop", "capabilities": ["css", "react"], "intent": "the cart",
    }));
    let path = format!("/a2a/agents/{}/agent-card.json", agent.id);
    let card: AgentCard = server.get(&path).ok();
    assert_eq!(
        (card.name.as_str(), card.description.as_str()),
        ("frontend", "the cart")
    );
    let skills: Vec<_> = card.skills.iter().map(|skill| skill.id.as_str()).collect();
    assert_eq!(skills, ["css", "react"]);
    server
        .anonymous()
        .get(&path)
        .refused(Reason::Unauthenticated);
    let (stranger, _) = server.register(json!({"name": "a", "project": "other"}));
    stranger.get(&path).refused(Reason::NotFound);
}

fn messages_are_refused_with_the_protocols_own_error(engine: Engine) {
    let server = Options::new(engine).arg("--a2a").start();
    let (_, agent) = server.register(json!({"name": "frontend"}));
    for path in ["/a2a".to_owned(), format!("/a2a/agents/{}", agent.id)] {
        for (request, code, id) in [
            (
                json!({"jsonrpc": "2.0", "id": 7, "method": "SendMessage"}),
                -32004,
                json!(7),
            ),
            (
                json!({"jsonrpc": "2.0", "id": "x", "method": "Frob"}),
                -32601,
                json!("x"),
            ),
            (json!({"jsonrpc": "2.0", "id": {}}), -32600, Value::Null),
            (json!([]), -32600, Value::Null),
        ] {
            let answer: Value = server.post(&path, request).ok();
            assert_eq!(
                (&answer["error"]["code"], &answer["id"]),
                (&json!(code), &id),
                "{answer}"
            );
        }
    }
}
