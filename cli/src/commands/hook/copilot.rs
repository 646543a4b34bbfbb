//! GitHub Copilot: its CLI, the cloud agent, and VS Code on the same runtime.
//!
//! `content/copilot/reference/hooks-reference.md` in the repository github/docs,
//! read in November 2026. Events whose names begin with a capital carry their
//! name and Claude Code's names of tools; the answers are Copilot's own all the
//! same. Nothing reaches the model at a prompt. Before a tool, a hook that fails
//! refuses it, so this one must end well.

use coro_api::hooks::HookEvent;
use serde_json::{Value, json};

use super::claude;
use super::form::{Form, Moment, Output, Said};
use super::settings::Settings;

pub(super) const COPILOT: Form = Form {
    name: "copilot",
    client: "copilot-cli",
    read,
    answer,
    settings: || {
        let entry =
            json!([{"type": "command", "command": "coro-cli hook copilot", "timeoutSec": 5}]);
        Settings {
            file: ".github/hooks/coro.json",
            text: json!({"version": 1, "hooks": {
                "SessionStart": entry,
                "UserPromptSubmit": entry,
                "PreToolUse": entry,
                "PostToolUse": entry,
                "Stop": entry,
                "SessionEnd": entry,
            }}),
            note: "a file of its own; hooks run in a trusted folder only",
        }
    },
};

fn read(input: &Value) -> Option<Moment> {
    let mut moment = claude::read(input)?;
    let is_told = matches!(
        moment.name.as_str(),
        "SessionStart" | "PostToolUse" | "Stop"
    );
    moment.shows &= is_told;
    Some(moment)
}

fn answer(moment: &Moment, said: &Said) -> Output {
    match moment.event {
        HookEvent::BeforeTool => match (&said.refuse, &said.confirm) {
            (Some(reason), _) => permission("deny", reason),
            (None, Some(reason)) => permission("ask", reason),
            (None, None) => Output::Nothing,
        },
        HookEvent::Stop => claude::block(said.continuation()),
        HookEvent::SessionStart | HookEvent::AfterTool if !said.text.is_empty() => {
            Output::Json(json!({"additionalContext": said.text}))
        }
        _ => Output::Nothing,
    }
}

fn permission(decision: &str, reason: &str) -> Output {
    Output::Json(json!({
        "permissionDecision": decision, "permissionDecisionReason": reason,
    }))
}
