//! Wire types of hooks: what a client's hook tells, and what it is told.
//!
//! The CLI translates each client's own form into these and back, so the
//! server knows one form only.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::numbers::MessageNumber;

/// What has happened, or is about to, in an agent's client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum HookEvent {
    /// A session began or goes on; the agent is registered, or continued.
    SessionStart,
    /// A human has said something.
    Prompt,
    /// A tool is about to be used.
    BeforeTool,
    /// A tool was used.
    AfterTool,
    /// The agent is about to stop working.
    Stop,
    SessionEnd,
}

/// What a hook tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HookCall {
    pub event: HookEvent,
    /// The program that the agent runs in, such as `claude-code`.
    #[serde(default)]
    pub client: String,
    /// With `session_start`: where the agent works.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub workspace: String,
    /// With `session_start`: the session goes on after its context was made
    /// shorter, so the agent is not registered anew.
    #[serde(default)]
    pub continues: bool,
    /// With `before_tool`: the files that the tool is about to change, from the
    /// root of the repository, with `/`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// The messages that this client has shown since its last call. Absent
    /// where it keeps no list of them: what it is given counts as shown then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Vec<MessageNumber>>,
    /// What in the client's words would decide a request, such as `yes R-7`. A
    /// hook decides nothing: a try at what is protected is written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decides: Option<String>,
}

/// Members of decisions and of what clients are answered with. No call of a hook
/// has one: whoever sends it tries to decide.
pub const DECIDING_MEMBERS: [&str; 9] = [
    "approve",
    "approved",
    "decide",
    "decision",
    "digest",
    "hookSpecificOutput",
    "option",
    "permissionDecision",
    "permission_decision",
];

/// All names and strings of a value, a space between them. In the JSON of a value
/// an escape would stand between a line's end and what follows it; a string that
/// is JSON itself is taken apart too.
pub fn strings_of(value: &Value) -> String {
    let mut strings = String::new();
    gather(value, NESTING_MAX, &mut strings);
    strings
}

/// How often JSON is looked for in a string of JSON: clients do so once.
const NESTING_MAX: u32 = 4;

fn gather(value: &Value, nesting: u32, strings: &mut String) {
    match value {
        Value::String(text) => match serde_json::from_str(text) {
            Ok(inside @ (Value::Object(_) | Value::Array(_) | Value::String(_))) if nesting > 0 => {
                gather(&inside, nesting - 1, strings);
            }
            _ => {
                strings.push_str(text);
                strings.push(' ');
            }
        },
        Value::Array(items) => items.iter().for_each(|item| gather(item, nesting, strings)),
        Value::Object(members) => {
            for (name, value) in members {
                strings.push_str(name);
                strings.push(' ');
                gather(value, nesting, strings);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A message, ready for a model to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HookMessage {
    pub number: MessageNumber,
    /// Labelled with who wrote it, and cut to a length.
    pub text: String,
}

/// What a hook is told. All of it is for the model, but `confirm`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HookAnswer {
    /// What the agent is to know; empty where there is nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub context: String,
    /// What others wrote to it. A client that has shown one already drops it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<HookMessage>,
    /// Why the tool must not be used, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refuse: Option<String>,
    /// Why a human is to confirm the use of the tool, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<String>,
    /// With `stop`: what to go on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub go_on: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strings_stand_as_they_are_said() {
        let nested = json!({"why": "so,\nR-7"}).to_string();
        for (value, strings) in [
            (json!("yes\nR-7"), "yes\nR-7 "),
            (json!({"a": ["b", {"c": "d"}], "e": 7}), "a b c d e "),
            (json!({"toolArgs": nested}), "toolArgs why so,\nR-7 "),
            (json!("{no JSON"), "{no JSON "),
            (json!("7"), "7 "),
            (json!(null), ""),
        ] {
            assert_eq!(strings_of(&value), strings, "{value}");
        }
    }
}
