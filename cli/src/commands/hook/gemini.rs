//! Gemini CLI.
//!
//! `docs/hooks/reference.md` in the repository google-gemini/gemini-cli, read in
//! November 2026. It refuses by `decision`, can't ask, and hands no text to the
//! model before a tool. Its time-outs are milliseconds. Nothing but JSON may
//! stand on standard output.

use coro_api::hooks::HookEvent;
use serde_json::{Value, json};

use super::form::{Form, Moment, Output, Said, edited_files, is_set, text};
use super::settings::{Settings, command, grouped};

pub(super) const GEMINI: Form = Form {
    name: "gemini",
    client: "gemini-cli",
    read,
    answer,
    settings: || Settings {
        file: ".gemini/settings.json",
        text: grouped(
            &[
                "SessionStart",
                "BeforeAgent",
                "BeforeTool",
                "AfterTool",
                "AfterAgent",
                "SessionEnd",
            ],
            &command("gemini", "timeout", 5_000),
        ),
        note: "merge it with what is there, in a trusted folder",
    },
};

fn read(input: &Value) -> Option<Moment> {
    let name = text(input, "hook_event_name")?;
    let event = match name {
        "SessionStart" => HookEvent::SessionStart,
        "BeforeAgent" => HookEvent::Prompt,
        "BeforeTool" => HookEvent::BeforeTool,
        "AfterTool" => HookEvent::AfterTool,
        "AfterAgent" => HookEvent::Stop,
        "SessionEnd" => HookEvent::SessionEnd,
        _ => return None,
    };
    let mut moment = Moment::new(event, name);
    moment.folder = text(input, "cwd").map(str::to_owned);
    moment.continues = text(input, "source") == Some("clear");
    if event == HookEvent::BeforeTool {
        let tool = text(input, "tool_name").unwrap_or_default();
        moment.edits = edited_files(tool, &input["tool_input"]);
    }
    moment.shows = !matches!(event, HookEvent::BeforeTool | HookEvent::SessionEnd);
    moment.goes_on = is_set(input, "stop_hook_active");
    Some(moment)
}

fn answer(moment: &Moment, said: &Said) -> Output {
    match moment.event {
        HookEvent::BeforeTool => deny(said.refusal()),
        HookEvent::Stop => deny(said.continuation()),
        HookEvent::SessionEnd => Output::Nothing,
        _ if said.text.is_empty() => Output::Nothing,
        _ => Output::Json(json!({"hookSpecificOutput": {
            "hookEventName": moment.name,
            "additionalContext": said.text,
        }})),
    }
}

/// At the end of a turn this means: go on.
fn deny(reason: Option<String>) -> Output {
    match reason {
        Some(reason) => Output::Json(json!({"decision": "deny", "reason": reason})),
        None => Output::Nothing,
    }
}
