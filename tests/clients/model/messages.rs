//! The Messages API, as Claude Code uses it: always streamed.

use serde_json::{Value, json};

use super::{Action, Asked};

pub(super) fn asked(body: &Value) -> Asked {
    let tools = body["tools"].as_array().into_iter().flatten();
    let last = body["messages"].as_array().and_then(|messages| {
        let mut newest = messages.iter().rev();
        newest.find(|message| message["role"] == "user")
    });
    let blocks = last.and_then(|message| message["content"].as_array());
    let results: Vec<String> = blocks
        .into_iter()
        .flatten()
        .filter(|block| block["type"] == "tool_result")
        .map(|block| text_of(&block["content"]))
        .collect();
    Asked {
        tools: tools
            .filter_map(|tool| Some(tool["name"].as_str()?.to_owned()))
            .collect(),
        results: (!results.is_empty()).then(|| results.join("\n")),
        said: said_since(body),
    }
}

/// All texts after the model's own last message, results included.
fn said_since(body: &Value) -> String {
    let messages = body["messages"].as_array().into_iter().flatten().rev();
    let newest = messages.take_while(|message| message["role"] != "assistant");
    let texts = newest.map(|message| match message["content"].as_array() {
        Some(blocks) => blocks
            .iter()
            .map(|block| match block["type"] == "tool_result" {
                true => text_of(&block["content"]),
                false => block["text"].as_str().unwrap_or_default().to_owned(),
            })
            .collect::<Vec<_>>()
            .join("\n"),
        None => text_of(&message["content"]),
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// A content is a text, or blocks of which some are texts.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let texts = blocks.iter().filter_map(|block| block["text"].as_str());
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

pub(super) fn stream(action: &Action) -> Vec<Value> {
    let (block, delta, stop_reason) = match action {
        Action::Say(text) => (
            json!({"type": "text", "text": ""}),
            json!({"type": "text_delta", "text": text}),
            "end_turn",
        ),
        Action::Call { tool, input } => (
            json!({"type": "tool_use", "id": super::new_id("toolu_"), "name": tool, "input": {}}),
            json!({"type": "input_json_delta", "partial_json": input.to_string()}),
            "tool_use",
        ),
    };
    let message = json!({
        "id": super::new_id("msg_"), "type": "message", "role": "assistant", "model": "scripted",
        "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 10, "output_tokens": 1},
    });
    vec![
        json!({"type": "message_start", "message": message}),
        json!({"type": "content_block_start", "index": 0, "content_block": block}),
        json!({"type": "content_block_delta", "index": 0, "delta": delta}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({
            "type": "message_delta",
            "delta": {"stop_reason": stop_reason, "stop_sequence": null},
            "usage": {"output_tokens": 5},
        }),
        json!({"type": "message_stop"}),
    ]
}
