//! MCP of agents.

use coro_api::agents::{Agent, AgentStatus, NewAgent, OWN};
use serde::Deserialize;

use super::{AgentFilter, list_agents, register_agent, set_intent};
use crate::auth::Permission;
use crate::clock::Time;
use crate::error::{Result, invalid};
use crate::mcp::{Call, Effect, Told, Tool, boxed};
use crate::said::{as_said, cut};

/// The most agents that one answer shows.
const SHOWN_MAX: usize = 50;

/// How much is shown of what another agent says at length, in characters.
const TEXT_CHARS_MAX: usize = 160;

/// How much is shown of its name and the like, in characters.
const NAME_CHARS_MAX: usize = 80;

pub const REGISTER_INSTANCE: Tool = Tool {
    name: "register_instance",
    about: "Register yourself as an agent, or continue as one; returns your token",
    arguments: r#"{"type":"object","properties":{
        "name":{"type":"string"},
        "workspace":{"type":"string"},
        "intent":{"type":"string"},
        "stack":{"type":"string"},
        "capabilities":{"type":"string","description":"comma-separated"},
        "project":{"type":"string"},
        "takeover":{"type":"boolean","description":"the name is yours though it seems alive"}},
        "required":["name"]}"#,
    effect: Effect::Tells,
    needs: Permission::Register,
    run: |call| boxed(register_instance(call)),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegisterArguments {
    name: String,
    #[serde(default)]
    workspace: String,
    #[serde(default)]
    intent: String,
    #[serde(default)]
    stack: String,
    #[serde(default)]
    capabilities: String,
    project: Option<String>,
    #[serde(default)]
    takeover: bool,
}

async fn register_instance(mut call: Call) -> Result<Told> {
    let arguments: RegisterArguments = call.arguments()?;
    let (client, client_version) = call.client.clone();
    let new = NewAgent {
        name: arguments.name,
        project: arguments.project,
        workspace: arguments.workspace,
        intent: arguments.intent,
        stack: arguments.stack,
        capabilities: words(&arguments.capabilities),
        client,
        client_version,
        takeover: arguments.takeover,
    };
    let registered = register_agent(&call.ctx, new).await?;
    let agent = &registered.agent;
    let mut text = format!(
        "Registered {} in project {}, generation {}.\ninstance_id: {}",
        agent.name, agent.project, agent.generation, agent.id
    );
    match &registered.token {
        Some(token) => text.push_str(&format!(
            "\ntoken: {token}\nIn your shell: export CORO_URL={} CORO_AGENT={} CORO_TOKEN={token}\n\
             Then run: coro-cli activate",
            quoted(&call.base_url()),
            quoted(&agent.name),
        )),
        None => text.push_str("\nYour token stays. In your shell run: coro-cli activate"),
    }
    Ok(text.into())
}

pub const DISCOVER_INSTANCES: Tool = Tool {
    name: "discover_instances",
    about: "Find agents: who works on what",
    arguments: r#"{"type":"object","properties":{
        "name":{"type":"string"},
        "workspace":{"type":"string"},
        "stack":{"type":"string"},
        "capability":{"type":"string"},
        "status":{"enum":["pending","active","stale","ended"]},
        "intent":{"type":"string","description":"text in it"}}}"#,
    effect: Effect::Reads,
    needs: Permission::Read,
    run: |call| boxed(discover_instances(call)),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DiscoverArguments {
    name: Option<String>,
    workspace: Option<String>,
    stack: Option<String>,
    capability: Option<String>,
    status: Option<AgentStatus>,
    intent: Option<String>,
}

async fn discover_instances(mut call: Call) -> Result<Told> {
    let arguments: DiscoverArguments = call.arguments()?;
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let filter = AgentFilter {
        project: None,
        name: given(arguments.name),
        workspace: given(arguments.workspace),
        stack: given(arguments.stack),
        capability: given(arguments.capability),
        status: arguments.status,
        intent: given(arguments.intent),
    };
    let agents = list_agents(&call.ctx, filter).await?.agents;
    if agents.is_empty() {
        return Ok("no agent matches".to_owned().into());
    }
    let now = call.ctx.app.clock.now();
    let mut lines: Vec<String> = agents
        .iter()
        .take(SHOWN_MAX)
        .map(|one| line(one, now))
        .collect();
    if agents.len() > SHOWN_MAX {
        lines.push(format!(
            "and {} more; narrow it with the arguments",
            agents.len() - SHOWN_MAX
        ));
    }
    Ok(lines.join("\n").into())
}

pub const SET_INTENT: Tool = Tool {
    name: "set_intent",
    about: "Say what you are doing",
    arguments: r#"{"type":"object","properties":{
        "intent":{"type":"string"},
        "instance_id":{"type":"string"}},
        "required":["intent"]}"#,
    effect: Effect::Tells,
    needs: Permission::Write,
    run: |call| boxed(set_intent_of(call)),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IntentArguments {
    intent: String,
    instance_id: Option<String>,
}

async fn set_intent_of(mut call: Call) -> Result<Told> {
    let arguments: IntentArguments = call.arguments()?;
    let given = arguments.instance_id.filter(|id| !id.is_empty());
    if given.is_none() && call.ctx.caller.agent.is_none() {
        return Err(invalid("instance_id is missing")
            .hint("give the instance_id that register_instance returned"));
    }
    let id = given.unwrap_or_else(|| OWN.to_owned());
    set_intent(&call.ctx, &id, arguments.intent).await?;
    Ok("ok".to_owned().into())
}

/// One agent on one line. What agents say of themselves is cut, and quoted
/// where it could pass for something else: it is not the server that says it.
fn line(agent: &Agent, now: Time) -> String {
    let name = as_said(&agent.name, NAME_CHARS_MAX);
    let mut line = format!("{name} {} {}", agent.status.word(), agent.id);
    for (what, text, chars_max) in [
        ("project", &agent.project, NAME_CHARS_MAX),
        ("workspace", &agent.workspace, NAME_CHARS_MAX),
        ("stack", &agent.stack, NAME_CHARS_MAX),
        ("can", &agent.capabilities.join(","), TEXT_CHARS_MAX),
    ] {
        if !text.is_empty() {
            line.push_str(&format!(" {what}={}", as_said(text, chars_max)));
        }
    }
    if let Some(seen) = Time::parse(&agent.last_seen) {
        line.push_str(&format!(" seen={}s", seen.seconds_until(now)));
    }
    if !agent.intent.is_empty() {
        line.push_str(&format!(" intent={:?}", cut(&agent.intent, TEXT_CHARS_MAX)));
    }
    line
}

/// The words of a list with commas, as Koor's clients send it.
fn words(list: &str) -> Vec<String> {
    let words = list.split(',').map(str::trim);
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// As a word of a shell.
fn quoted(text: &str) -> String {
    shlex::try_quote(text)
        .map(std::borrow::Cow::into_owned)
        .unwrap_or_default()
}
