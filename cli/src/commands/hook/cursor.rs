//! Cursor, the editor and its CLI.
//!
//! `cursor.com/docs/hooks`, read in November 2026 through what others noted of
//! it and of build 2026.09.18. An answer may be empty; one before a tool that is
//! no valid JSON refuses the tool. Text reaches the model at the start of a
//! session and after a tool only. A text of more than 10,000 characters is
//! dropped as a whole, which the bound on all texts keeps us from. `ask` is
//! accepted before a tool, but not enforced, so nothing is asked here.

use coro_api::hooks::HookEvent;
use serde_json::{Value, json};

use super::form::{Form, Moment, Output, Said, edited_files, text};
use super::settings::Settings;

pub(super) const CURSOR: Form = Form {
    name: "cursor",
    client: "cursor",
    read,
    answer,
    settings: || {
        let entry = json!([{"command": "coro-cli hook cursor", "timeout": 5}]);
        // Coro bounds how often an agent goes on; the client's own bound is 5.
        let stop = json!([{"command": "coro-cli hook cursor", "timeout": 5, "loop_limit": 20}]);
        Settings {
            file: ".cursor/hooks.json",
            text: json!({"version": 1, "hooks": {
                "sessionStart": entry,
                "beforeSubmitPrompt": entry,
                "preToolUse": entry,
                "postToolUse": entry,
                "postToolUseFailure": entry,
                "stop": stop,
                "sessionEnd": entry,
            }}),
            note: "merge it with what is there; project hooks run in a trusted workspace only",
        }
    },
};

/// Whether Cursor calls, which also runs the hooks of Claude Code's files.
pub(super) fn is_calling(input: &Value) -> bool {
    input.get("cursor_version").is_some()
}

fn read(input: &Value) -> Option<Moment> {
    let name = text(input, "hook_event_name")?;
    let event = match name {
        "sessionStart" => HookEvent::SessionStart,
        "beforeSubmitPrompt" => HookEvent::Prompt,
        "preToolUse" => HookEvent::BeforeTool,
        "postToolUse" | "postToolUseFailure" => HookEvent::AfterTool,
        // A human who broke it off does not want it to go on.
        "stop" if text(input, "status").is_none_or(|status| status == "completed") => {
            HookEvent::Stop
        }
        "sessionEnd" => HookEvent::SessionEnd,
        _ => return None,
    };
    let mut moment = Moment::new(event, name);
    let root = input["workspace_roots"][0].as_str();
    moment.folder = text(input, "cwd").or(root).map(str::to_owned);
    if event == HookEvent::BeforeTool {
        let tool = text(input, "tool_name").unwrap_or_default();
        moment.edits = edited_files(tool, &input["tool_input"]);
    }
    moment.shows = matches!(name, "sessionStart" | "postToolUse" | "stop");
    moment.goes_on = input["loop_count"].as_u64().is_some_and(|count| count > 0);
    Some(moment)
}

fn answer(moment: &Moment, said: &Said) -> Output {
    match moment.event {
        HookEvent::BeforeTool => match said.refusal() {
            Some(reason) => Output::Json(json!({
                "permission": "deny", "user_message": reason, "agent_message": reason,
            })),
            None => Output::Nothing,
        },
        HookEvent::Stop => match said.continuation() {
            Some(text) => Output::Json(json!({"followup_message": text})),
            None => Output::Nothing,
        },
        HookEvent::SessionStart | HookEvent::AfterTool if !said.text.is_empty() => {
            Output::Json(json!({"additional_context": said.text}))
        }
        _ => Output::Nothing,
    }
}
