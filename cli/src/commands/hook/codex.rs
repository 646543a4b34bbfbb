//! Codex: Claude Code's form, without a way to ask.
//!
//! `developers.openai.com/codex/hooks`, and `codex-rs/hooks` in the repository
//! openai/codex (`output_parser.rs`, `pre_tool_use.rs`), as of November 2026;
//! version 0.169.0 was seen to hand each of these answers to its model. An answer
//! with `permissionDecision: "ask"` counts as a failed hook, and the tool runs.
//! Files are changed by `apply_patch`, whose input is the patch as `command`,
//! also where a shell is told to call it.

use coro_api::hooks::HookEvent;

use super::claude;
use super::form::{Form, Moment, Output, Said};
use super::settings::{Settings, command, grouped};

pub(super) const CODEX: Form = Form {
    name: "codex",
    client: "codex",
    read: claude::read,
    answer,
    settings: || Settings {
        file: ".codex/hooks.json",
        text: grouped(
            &[
                "SessionStart",
                "UserPromptSubmit",
                "PreToolUse",
                "PostToolUse",
                "Stop",
            ],
            &command("codex", "timeout", 5),
        ),
        note: "merge it with what is there; then trust it with /hooks, in a trusted project",
    },
};

fn answer(moment: &Moment, said: &Said) -> Output {
    match (moment.event, said.refusal()) {
        (HookEvent::BeforeTool, Some(reason)) => claude::permission(moment, "deny", &reason),
        _ => claude::answer(moment, said),
    }
}
