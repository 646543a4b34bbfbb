//! Windsurf's Cascade.
//!
//! `docs.windsurf.com/windsurf/cascade/hooks`, read in November 2026. A hook
//! before an action refuses it by exit code 2, with the reason on standard
//! error. No text reaches the model otherwise, and there is no event for the
//! start or the end of a session.

use coro_api::hooks::HookEvent;
use serde_json::{Value, json};

use super::form::{Form, Moment, Output, Said, text};
use super::settings::Settings;

pub(super) const WINDSURF: Form = Form {
    name: "windsurf",
    client: "windsurf",
    read,
    answer,
    settings: || {
        let entry = json!([{"command": "coro-cli hook windsurf", "show_output": true}]);
        Settings {
            file: ".windsurf/hooks.json",
            text: json!({"hooks": {
                "pre_user_prompt": entry,
                "pre_read_code": entry,
                "pre_write_code": entry,
                "pre_run_command": entry,
                "pre_mcp_tool_use": entry,
            }}),
            note: "merge it with what is there",
        }
    },
};

fn read(input: &Value) -> Option<Moment> {
    let name = text(input, "agent_action_name")?;
    let event = match name {
        "pre_user_prompt" => HookEvent::Prompt,
        "pre_read_code" | "pre_write_code" | "pre_run_command" | "pre_mcp_tool_use" => {
            HookEvent::BeforeTool
        }
        _ => return None,
    };
    let mut moment = Moment::new(event, name);
    let info = &input["tool_info"];
    moment.folder = text(info, "cwd").map(str::to_owned);
    if name == "pre_write_code" {
        moment.edits = text(info, "file_path")
            .map(str::to_owned)
            .into_iter()
            .collect();
    }
    Some(moment)
}

fn answer(moment: &Moment, said: &Said) -> Output {
    match said.refusal() {
        Some(reason) if moment.event == HookEvent::BeforeTool => Output::Refusal(reason),
        _ => Output::Nothing,
    }
}
