//! What in a client's words would decide a request.
//!
//! A hook decides nothing: its input has no way to the server's decisions. But
//! a try that can be recognised is told to the server, which writes it down:
//! members that belong to decisions, a prompt such as `yes R-7`, a tool named
//! `yes`.

use coro_api::hooks::{DECIDING_MEMBERS, strings_of};
use coro_api::limits::HOOK_REQUESTS_MAX;
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

/// How much of the words is told, in bytes; the numbers come before it.
const WORDS_BYTES_MAX: usize = 300;

/// What would decide a request.
struct Attempt {
    /// As it is told.
    words: String,
    /// Where the numbers of requests are looked for.
    named: String,
}

pub(super) fn words_in(input: &Value) -> Option<String> {
    let Attempt { words, named } = members(input)
        .or_else(|| prompt(input))
        .or_else(|| tool(input))?;
    // One more than may be named, so that the server sees that there are.
    let numbers = RequestNumber::all_in(&named, HOOK_REQUESTS_MAX + 1);
    let is_short = words.len() <= WORDS_BYTES_MAX;
    if is_short && RequestNumber::all_in(&words, HOOK_REQUESTS_MAX + 1) == numbers {
        return Some(words);
    }
    // Which requests it is about stands where it is not cut off.
    let mut told: Vec<String> = numbers.iter().map(RequestNumber::to_string).collect();
    told.push(super::cut(words, WORDS_BYTES_MAX));
    Some(told.join(" "))
}

fn members(input: &Value) -> Option<Attempt> {
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
    let told = Value::Object(told);
    Some(Attempt {
        words: told.to_string(),
        named: strings_of(&told),
    })
}

fn prompt(input: &Value) -> Option<Attempt> {
    let prompts = PROMPTS.iter().filter_map(|at| input.pointer(at)?.as_str());
    let mut deciding = prompts.filter(|prompt| is_decision(prompt));
    let words = deciding.next()?.trim().to_owned();
    Some(Attempt {
        named: words.clone(),
        words,
    })
}

/// Whether a text begins as a command that decides: `yes R-7`, with the
/// program's name before it, or as a client's own word for a prompt of MCP.
fn is_decision(text: &str) -> bool {
    let mut words = text.split_whitespace().filter(|word| *word != "coro-cli");
    let Some(verb) = words.next() else {
        return false;
    };
    let is_number =
        |word: &str| word.starts_with(['R', 'r']) && word.parse::<RequestNumber>().is_ok();
    is_verb(verb) && words.next().is_some_and(is_number)
}

/// A tool named as a verb that is given the number of a request. Tools of others
/// have such names too: without such a number none of their calls is stopped.
fn tool(input: &Value) -> Option<Attempt> {
    let mut tools = TOOLS.iter().filter_map(|(name, given)| {
        let name = input.pointer(name)?.as_str()?;
        let given = input.pointer(given)?;
        let named = strings_of(given);
        let is_decision = is_verb(name) && !RequestNumber::all_in(&named, 1).is_empty();
        is_decision.then(|| Attempt {
            words: format!("the tool {name} {given}"),
            named,
        })
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
                json!({"tool_name": "yes", "tool_input": {"why": "first R-1,\nR-7"}}),
                Some("R-1 R-7 the tool yes {\"why\":\"first R-1,\\nR-7\"}"),
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
        let told = many[..=HOOK_REQUESTS_MAX].join(" ");
        assert!(words.starts_with(&format!("{told} {{")), "{words}");
        assert!(words.ends_with('…'), "{words}");
    }
}
