//! Claude Code, and the clients that took over its form: Droid, Devin, Qwen
//! Code.
//!
//! Claude Code: `code.claude.com/docs/en/hooks`; version 2.1.329 was seen to
//! hand each of these answers to its model. Droid:
//! `docs.factory.ai/harness/hooks`; it hands no text to the model before a
//! tool. Devin: `docs.devin.ai/cli/extensibility/hooks`; it refuses by
//! `decision`, can't ask, and sends no folder. Qwen Code:
//! `docs/users/features/hooks.md` of its repository; before a tool it wants a
//! decision with each answer, and `UserPromptSubmit` is also sent where no human
//! has said a word. All as of November 2026.

use coro_api::hooks::HookEvent;
use serde_json::{Value, json};

use super::form::{Form, Moment, Output, Said, edited_files, is_set, text};
use super::settings::{Settings, command, grouped};

pub(super) const CLAUDE: Form = Form {
    name: "claude",
    client: "claude-code",
    read,
    answer,
    settings: || Settings {
        file: ".claude/settings.json",
        text: grouped(&EVENTS, &command("claude", "timeout", 5)),
        note: "merge it with what is there; .claude/settings.local.json keeps it to yourself",
    },
};

pub(super) const DROID: Form = Form {
    name: "droid",
    client: "factory",
    read: read_quiet_before_tool,
    answer,
    settings: || Settings {
        file: ".factory/hooks.json",
        text: grouped(&EVENTS_WITHOUT_FAILURE, &command("droid", "timeout", 5))["hooks"].clone(),
        note: "merge it with what is there",
    },
};

pub(super) const DEVIN: Form = Form {
    name: "devin",
    client: "devin",
    read: read_quiet_before_tool,
    answer: answer_devin,
    settings: || Settings {
        file: ".devin/hooks.v1.json",
        text: grouped(&EVENTS_WITHOUT_FAILURE, &command("devin", "timeout", 5))["hooks"].clone(),
        note: "merge it with what is there; start a new session in a trusted folder",
    },
};

pub(super) const QWEN: Form = Form {
    name: "qwen",
    client: "qwen-code",
    read: read_qwen,
    answer,
    settings: || Settings {
        file: ".qwen/settings.json",
        // No time-out: versions differ on its unit, and five milliseconds
        // would end every hook.
        text: grouped(
            &EVENTS,
            &json!({"type": "command", "command": "coro-cli hook qwen"}),
        ),
        note: "merge it with what is there, in a trusted folder",
    },
};

const EVENTS: [&str; 7] = [
    "SessionStart",
    "UserPromptSubmit",
    "PreToolUse",
    "PostToolUse",
    "PostToolUseFailure",
    "Stop",
    "SessionEnd",
];

const EVENTS_WITHOUT_FAILURE: [&str; 6] = [
    "SessionStart",
    "UserPromptSubmit",
    "PreToolUse",
    "PostToolUse",
    "Stop",
    "SessionEnd",
];

pub(super) fn read(input: &Value) -> Option<Moment> {
    let name = text(input, "hook_event_name")?;
    let event = match name {
        "SessionStart" => HookEvent::SessionStart,
        "UserPromptSubmit" => HookEvent::Prompt,
        "PreToolUse" => HookEvent::BeforeTool,
        "PostToolUse" | "PostToolUseFailure" => HookEvent::AfterTool,
        "Stop" => HookEvent::Stop,
        "SessionEnd" => HookEvent::SessionEnd,
        _ => return None,
    };
    let mut moment = Moment::new(event, name);
    moment.folder = text(input, "cwd").map(str::to_owned);
    moment.continues = matches!(text(input, "source"), Some("clear" | "compact"));
    if event == HookEvent::BeforeTool {
        let tool = text(input, "tool_name").unwrap_or_default();
        moment.edits = edited_files(tool, &input["tool_input"]);
    }
    // What a subagent is told, the agent itself does not learn.
    let is_subagent = input.get("agent_id").is_some_and(|id| !id.is_null());
    moment.shows = event != HookEvent::SessionEnd && !is_subagent;
    moment.goes_on = is_set(input, "stop_hook_active");
    Some(moment)
}

fn read_quiet_before_tool(input: &Value) -> Option<Moment> {
    let mut moment = read(input)?;
    moment.shows &= moment.event != HookEvent::BeforeTool;
    Some(moment)
}

fn read_qwen(input: &Value) -> Option<Moment> {
    let mut moment = read_quiet_before_tool(input)?;
    if moment.event == HookEvent::Prompt && text(input, "submitted_prompt").is_none() {
        // Its own next step, not a human's word.
        moment.event = HookEvent::AfterTool;
    }
    Some(moment)
}

pub(super) fn answer(moment: &Moment, said: &Said) -> Output {
    match moment.event {
        HookEvent::BeforeTool => {
            let decision = match (&said.refuse, &said.confirm) {
                (Some(reason), _) => Some(("deny", reason)),
                (None, Some(reason)) => Some(("ask", reason)),
                (None, None) => None,
            };
            match decision {
                Some((decision, reason)) => permission(moment, decision, reason),
                None => context(moment, said),
            }
        }
        HookEvent::Stop => block(said.continuation()),
        HookEvent::SessionEnd => Output::Nothing,
        _ => context(moment, said),
    }
}

fn answer_devin(moment: &Moment, said: &Said) -> Output {
    match moment.event {
        HookEvent::BeforeTool => block(said.refusal()),
        _ => answer(moment, said),
    }
}

pub(super) fn permission(moment: &Moment, decision: &str, reason: &str) -> Output {
    Output::Json(json!({"hookSpecificOutput": {
        "hookEventName": moment.name,
        "permissionDecision": decision,
        "permissionDecisionReason": reason,
    }}))
}

fn context(moment: &Moment, said: &Said) -> Output {
    match said.text.is_empty() {
        true => Output::Nothing,
        false => Output::Json(json!({"hookSpecificOutput": {
            "hookEventName": moment.name,
            "additionalContext": said.text,
        }})),
    }
}

/// The client does not do what it was about to, and is told why.
pub(super) fn block(reason: Option<String>) -> Output {
    match reason {
        Some(reason) => Output::Json(json!({"decision": "block", "reason": reason})),
        None => Output::Nothing,
    }
}
