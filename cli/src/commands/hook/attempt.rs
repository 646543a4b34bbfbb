//! What in a client's words would decide a request.
//!
//! A hook decides nothing: its input has no way to the server's decisions. But
//! a try that can be recognised is told to the server, which writes it down:
//! members that belong to decisions, a prompt such as `yes R-7`, a tool named
//! `yes`.

use coro_api::hooks::DECIDING_MEMBERS;
use coro_api::numbers::RequestNumber;
use serde_json::{Map, Value};

/// Where clients put what was typed.
const PROMPTS: [&str; 4] = [
    "/prompt",
    "/submitted_prompt",
    "/userPromptSubmit/prompt",
    "/tool_info/user_prompt",
];

/// Where clients name a tool, and where its input is.
const TOOLS: [(&str, &str); 5] = [
    ("/tool_name", "/tool_input"),
    ("/toolName", "/toolArgs"),
    ("/preToolUse/toolName", "/preToolUse/parameters"),
    ("/preToolUse/tool", "/preToolUse/parameters"),
    ("/tool_info/mcp_tool_name", "/tool_info/mcp_tool_arguments"),
];

/// How much of it is told, in bytes.
const WORDS_BYTES_MAX: usize = 300;

pub(super) fn words_in(input: &Value) -> Option<String> {
    let words = members(input)
        .or_else(|| prompt(input))
        .or_else(|| tool(input))?;
    Some(super::cut(words, WORDS_BYTES_MAX))
}

fn members(input: &Value) -> Option<String> {
    let all = input.as_object()?;
    let is_deciding = |name: &str| DECIDING_MEMBERS.contains(&name);
    if !all.keys().any(|name| is_deciding(name)) {
        return None;
    }
    let told: Map<String, Value> = all
        .iter()
        .filter(|(name, _)| is_deciding(name) || *name == "request")
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Some(Value::Object(told).to_string())
}

fn prompt(input: &Value) -> Option<String> {
    let prompts = PROMPTS.iter().filter_map(|at| input.pointer(at)?.as_str());
    let mut deciding = prompts.filter(|prompt| is_decision(prompt));
    deciding.next().map(|prompt| prompt.trim().to_owned())
}

/// Whether a text begins as a command that decides: `yes R-7`, with the
/// program's name before it, or as a client's own word for a prompt of MCP.
fn is_decision(text: &str) -> bool {
    let mut words = text.split_whitespace().filter(|word| *word != "coro-cli");
    let Some(verb) = words.next() else {
        return false;
    };
    let number = words.next().unwrap_or_default();
    let is_number = number.starts_with(['R', 'r']) && number.parse::<RequestNumber>().is_ok();
    is_verb(verb) && is_number
}

fn tool(input: &Value) -> Option<String> {
    let mut tools = TOOLS.iter().filter_map(|(name, given)| {
        let name = input.pointer(name)?.as_str()?;
        Some((name, input.pointer(given)))
    });
    let (name, given) = tools.find(|(name, _)| is_verb(name))?;
    let given = given.map(Value::to_string).unwrap_or_default();
    Some(format!("the tool {name} {given}").trim().to_owned())
}

/// Whether the last part of a name, such as `mcp__coro__yes`, is a verb that
/// decides.
fn is_verb(name: &str) -> bool {
    let last = name.rsplit(['/', ':', '.', '_']).next().unwrap_or(name);
    ["yes", "no"]
        .iter()
        .any(|verb| last.eq_ignore_ascii_case(verb))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tries_to_decide_are_recognised() {
        for (input, words) in [
            (json!({"prompt": " yes R-7 "}), Some("yes R-7")),
            (
                json!({"prompt": "coro-cli no r-7 --why x"}),
                Some("coro-cli no r-7 --why x"),
            ),
            (
                json!({"prompt": "/mcp__coro__yes R-7"}),
                Some("/mcp__coro__yes R-7"),
            ),
            (
                json!({"userPromptSubmit": {"prompt": "YES R-7"}}),
                Some("YES R-7"),
            ),
            (
                json!({"decision": "yes", "cwd": "/"}),
                Some("{\"decision\":\"yes\"}"),
            ),
            (
                json!({"tool_name": "mcp__coro__yes", "tool_input": {"request": "R-7"}}),
                Some("the tool mcp__coro__yes {\"request\":\"R-7\"}"),
            ),
            (json!({"tool_name": "yes"}), Some("the tool yes")),
            (json!({"prompt": "yes, and R-7 too"}), None),
            (json!({"prompt": "say yes R-7"}), None),
            (json!({"prompt": "no"}), None),
            (json!({"prompt": "yes 7"}), None),
            (
                json!({"tool_name": "Bash", "tool_input": {"command": "coro-cli yes R-7"}}),
                None,
            ),
            (
                json!({"permission_mode": "default", "tool_response": {"decision": "yes"}}),
                None,
            ),
            (json!([]), None),
        ] {
            assert_eq!(words_in(&input).as_deref(), words, "{input}");
        }
    }
}
