//! Cline, in the editor and its CLI.
//!
//! `docs/features/hooks/hook-reference.mdx` in the repository cline/cline
//! (`docs.cline.bot`), read in November 2026. A hook is an executable file named
//! as its event. It can't ask, and has no event at which an agent could be told
//! to go on. What is said before a tool reaches the model with its next step.

use coro_api::hooks::HookEvent;
use serde_json::{Value, json};

use super::form::{Form, Moment, Output, Said, edited_files, text};
use super::settings::Settings;

pub(super) const CLINE: Form = Form {
    name: "cline",
    client: "cline",
    read,
    answer,
    settings: || Settings {
        file: ".clinerules/hooks/TaskStart, TaskResume, UserPromptSubmit, PreToolUse and PostToolUse",
        text: Value::from("#!/bin/sh\nexec coro-cli hook cline"),
        note: "the same text in each file; make them executable, and switch them on in the tab Hooks",
    },
};

fn read(input: &Value) -> Option<Moment> {
    let name = text(input, "hookName")?;
    let event = match name {
        "TaskStart" | "TaskResume" => HookEvent::SessionStart,
        "UserPromptSubmit" => HookEvent::Prompt,
        "PreToolUse" => HookEvent::BeforeTool,
        "PostToolUse" => HookEvent::AfterTool,
        _ => return None,
    };
    let mut moment = Moment::new(event, name);
    moment.folder = input["workspaceRoots"][0].as_str().map(str::to_owned);
    if event == HookEvent::BeforeTool {
        let call = &input["preToolUse"];
        let tool = text(call, "toolName").or(text(call, "tool"));
        moment.edits = edited_files(tool.unwrap_or_default(), &call["parameters"]);
    }
    moment.shows = true;
    Some(moment)
}

fn answer(moment: &Moment, said: &Said) -> Output {
    match said.refusal() {
        Some(reason) if moment.event == HookEvent::BeforeTool => Output::Json(json!({
            "cancel": true, "errorMessage": reason, "contextModification": reason,
        })),
        _ if said.text.is_empty() => Output::Nothing,
        _ => Output::Json(json!({"cancel": false, "contextModification": said.text})),
    }
}
