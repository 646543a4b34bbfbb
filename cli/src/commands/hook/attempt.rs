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

/// How many numbers of requests are told where not all of it is.
const NUMBERS_MAX: usize = 8;

pub(super) fn words_in(input: &Value) -> Option<String> {
    let words = members(input)
        .or_else(|| prompt(input))
        .or_else(|| tool(input))?;
    if words.len() <= WORDS_BYTES_MAX {
        return Some(words);
    }
    // Which request it is about stands where it is not cut off.
    let mut told: Vec<String> = Vec::new();
    for number in numbers_in(&words).map(|number| number.to_string()) {
        if told.len() < NUMBERS_MAX && !told.contains(&number) {
            told.push(number);
        }
    }
    told.push(words);
    Some(super::cut(told.join(" "), WORDS_BYTES_MAX))
}

/// The numbers of requests in a text.
fn numbers_in(text: &str) -> impl Iterator<Item = RequestNumber> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    text.split(move |c| !is_part(c)).filter_map(number_of)
}

/// The number that a word is; a number alone is none.
fn number_of(word: &str) -> Option<RequestNumber> {
    let word = Some(word).filter(|word| word.starts_with(['R', 'r']));
    word?.parse().ok()
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
    is_verb(verb) && words.next().and_then(number_of).is_some()
}

/// A tool named as a verb that is given the number of a request. Tools of others
/// have such names too, and none of their calls is stopped.
fn tool(input: &Value) -> Option<String> {
    let mut tools = TOOLS.iter().filter_map(|(name, given)| {
        let name = input.pointer(name)?.as_str()?;
        let given = input.pointer(given)?.to_string();
        let is_decision = is_verb(name) && numbers_in(&given).next().is_some();
        is_decision.then(|| format!("the tool {name} {given}"))
    });
    tools.next()
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
            (
                json!({"toolName": "yes", "toolArgs": "{\"request\":\"r-7\"}"}),
                Some("the tool yes \"{\\\"request\\\":\\\"r-7\\\"}\""),
            ),
            (
                json!({"tool_name": "mcp__dialog__no", "tool_input": {}}),
                None,
            ),
            (
                json!({"tool_name": "mcp__dialog__yes", "tool_input": {"number": 7}}),
                None,
            ),
            (json!({"tool_name": "yes"}), None),
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

    #[test]
    fn the_numbers_are_told_however_long_the_rest_is() {
        let long = "x".repeat(WORDS_BYTES_MAX);
        let given = json!({"comment": long, "more": ["R-8", "r-7"], "request": "R-7"});
        let input = json!({"tool_name": "mcp__coro__yes", "tool_input": given});
        let words = words_in(&input).expect("it would decide");
        assert!(
            words.starts_with("R-8 R-7 the tool mcp__coro__yes {"),
            "{words}"
        );
        let many: Vec<String> = (1..100).map(|number| format!("R-{number}")).collect();
        let words = words_in(&json!({"decision": many.join(" ")})).expect("it would decide");
        assert!(
            words.starts_with("R-1 R-2 ") && words.contains("R-8 {"),
            "{words}"
        );
        assert!(words.len() <= WORDS_BYTES_MAX, "{words}");
    }
}
