//! The Responses API, as Codex uses it: always streamed. A tool of an MCP
//! server has the server's name as its namespace; a script names it in one
//! word, as the other clients do.

use serde_json::{Value, json};

use super::{Action, Asked};

pub(super) fn asked(body: &Value) -> Asked {
    let mut tools = Vec::new();
    for tool in body["tools"].as_array().into_iter().flatten() {
        let name = tool["name"].as_str().unwrap_or_default();
        match tool["tools"].as_array() {
            Some(inner) => {
                let inner = inner.iter().filter_map(|tool| tool["name"].as_str());
                tools.extend(inner.map(|tool| format!("{name}__{tool}")));
            }
            None => tools.push(name.to_owned()),
        }
    }
    let newest = body["input"].as_array().into_iter().flatten().rev();
    let newest = newest.take_while(|item| item["type"] != "function_call");
    let results: Vec<String> = newest
        .filter(|item| item["type"] == "function_call_output")
        .map(|item| text_of(&item["output"]))
        .collect();
    Asked {
        tools,
        said: results.join("\n"),
        results: (!results.is_empty()).then(|| results.join("\n")),
    }
}

/// An output is a text, or a list of parts of which some are texts.
fn text_of(output: &Value) -> String {
    match output {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part["text"].as_str());
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

pub(super) fn stream(action: &Action) -> Vec<Value> {
    let item = match action {
        Action::Say(text) => json!({
            "type": "message", "id": super::new_id("msg_"), "role": "assistant",
            "content": [{"type": "output_text", "text": text}],
        }),
        Action::Call { tool, input } => {
            let mut item = json!({
                "type": "function_call", "id": super::new_id("fc_"), "call_id": super::new_id("call_"),
                "name": tool, "arguments": input.to_string(),
            });
            if let Some((server, name)) = split_mcp(tool) {
                item["namespace"] = json!(server);
                item["name"] = json!(name);
            }
            item
        }
    };
    let id = super::new_id("resp_");
    let usage = json!({
        "input_tokens": 10, "input_tokens_details": null,
        "output_tokens": 5, "output_tokens_details": null, "total_tokens": 15,
    });
    vec![
        json!({"type": "response.created", "response": {"id": id}}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        json!({"type": "response.completed", "response": {"id": id, "usage": usage}}),
    ]
}

/// `mcp__coro__set_intent` is `set_intent` of the namespace `mcp__coro`.
fn split_mcp(tool: &str) -> Option<(&str, &str)> {
    let rest = tool.strip_prefix("mcp__")?;
    let server = rest.split("__").next()?.len();
    Some((&tool[..5 + server], &tool[5 + server + 2..]))
}
