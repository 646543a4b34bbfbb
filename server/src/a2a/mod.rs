//! Agent-to-Agent (A2A 1.0): cards that tell other programs which agents there
//! are. Off unless the setting `a2a` is on.
//!
//! The server has a card of its own, which anyone may read, and each registered
//! agent has one, for who may see that agent. Cards name an address that
//! messages go to; agents have no inbox yet, so a message is refused there with
//! A2A's own error.

pub mod routes;

use std::collections::BTreeMap;

use coro_api::a2a::{
    AgentCapabilities, AgentCard, AgentInterface, AgentSkill, HttpAuth, Scopes,
    SecurityRequirement, SecurityScheme, VERSION,
};
use coro_api::agents::Agent;
use serde_json::{Value, json};

/// Where the server's own card is (A2A 1.0, section 8.2).
pub const CARD_PATH: &str = "/.well-known/agent-card.json";

/// The name of the one security scheme.
const BEARER: &str = "bearer";

/// The method of A2A that sends a message.
const SEND_MESSAGE: &str = "SendMessage";

/// A2A's own error for what an agent does not do (section 5.4).
const UNSUPPORTED_OPERATION: i64 = -32004;

const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_REQUEST: i64 = -32600;

/// The card of the server itself.
fn card_of_server(base_url: &str) -> AgentCard {
    let skill = AgentSkill {
        id: "coordination".to_owned(),
        name: "Coordination".to_owned(),
        description: "Knows which agents work on a project, on what, and who is alive".to_owned(),
        tags: vec!["agents".to_owned(), "discovery".to_owned()],
    };
    card(
        "coro",
        "The coordination server of the agents that work on one product",
        env!("CARGO_PKG_VERSION"),
        format!("{base_url}/a2a"),
        vec![skill],
    )
}

/// The card of a registered agent: its skills are its capabilities.
fn card_of_agent(agent: &Agent, base_url: &str) -> AgentCard {
    let skills = agent.capabilities.iter().map(|capability| AgentSkill {
        id: capability.clone(),
        name: capability.clone(),
        description: format!("{} says that it can do this", agent.name),
        tags: [&agent.stack]
            .into_iter()
            .filter(|stack| !stack.is_empty())
            .cloned()
            .collect(),
    });
    let description = match agent.intent.as_str() {
        "" => format!("An agent of the project {}", agent.project),
        intent => intent.to_owned(),
    };
    card(
        &agent.name,
        &description,
        &agent.generation.to_string(),
        format!("{base_url}/a2a/agents/{}", agent.id),
        skills.collect(),
    )
}

fn card(
    name: &str,
    description: &str,
    version: &str,
    url: String,
    skills: Vec<AgentSkill>,
) -> AgentCard {
    let text = || vec!["text/plain".to_owned()];
    let scheme = SecurityScheme {
        http_auth_security_scheme: HttpAuth {
            scheme: "Bearer".to_owned(),
        },
    };
    AgentCard {
        name: name.to_owned(),
        description: description.to_owned(),
        version: version.to_owned(),
        supported_interfaces: vec![AgentInterface {
            url,
            protocol_binding: "JSONRPC".to_owned(),
            protocol_version: VERSION.to_owned(),
        }],
        capabilities: AgentCapabilities::default(),
        default_input_modes: text(),
        default_output_modes: text(),
        skills,
        security_schemes: BTreeMap::from([(BEARER.to_owned(), scheme)]),
        security_requirements: vec![SecurityRequirement {
            schemes: BTreeMap::from([(BEARER.to_owned(), Scopes::default())]),
        }],
    }
}

/// Answers a JSON-RPC request of A2A.
fn answer(request: &Value, whom: &str) -> Value {
    let (code, message) = match request["method"].as_str() {
        Some(SEND_MESSAGE) => (
            UNSUPPORTED_OPERATION,
            format!("{whom} takes no messages; publish an event that it listens for"),
        ),
        Some(method) => (METHOD_NOT_FOUND, format!("there is no method {method:?}")),
        None => (INVALID_REQUEST, "the request names no method".to_owned()),
    };
    let id = match &request["id"] {
        id @ (Value::String(_) | Value::Number(_)) => id.clone(),
        _ => Value::Null,
    };
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
}
