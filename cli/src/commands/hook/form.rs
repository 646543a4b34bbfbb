//! What the forms of all clients have in common.

use coro_api::hooks::HookEvent;
use serde_json::Value;

use super::settings::Settings;

/// How one client talks with its hooks.
pub(super) struct Form {
    /// As the user names it on the command line.
    pub(super) name: &'static str,
    /// As the server and the table of clients name the program.
    pub(super) client: &'static str,
    /// What the client says; `None` for a moment that is none of our business.
    pub(super) read: fn(&Value) -> Option<Moment>,
    pub(super) answer: fn(&Moment, &Said) -> Output,
    pub(super) settings: fn() -> Settings,
}

/// A moment in a client's session.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) event: HookEvent,
    /// The event as the client names it.
    pub(super) name: String,
    /// Where the session works, where the client says it.
    pub(super) folder: Option<String>,
    /// The session goes on after its context was made shorter.
    pub(super) continues: bool,
    /// The files that the tool is about to change, as the client names them.
    pub(super) edits: Vec<String>,
    /// Whether the client hands text of the answer to the model now. What it
    /// would drop must not count as shown.
    pub(super) shows: bool,
    /// The client says that it works on because a hook told it to.
    pub(super) goes_on: bool,
}

impl Moment {
    pub(super) fn new(event: HookEvent, name: &str) -> Moment {
        Moment {
            event,
            name: name.to_owned(),
            folder: None,
            continues: false,
            edits: Vec::new(),
            shows: false,
            goes_on: false,
        }
    }
}

/// What a client is to be told.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// For the model; empty where there is nothing, or where it would be lost.
    pub(super) text: String,
    /// Why the tool must not be used.
    pub(super) refuse: Option<String>,
    /// Why a human is to confirm the use of the tool.
    pub(super) confirm: Option<String>,
    /// What to go on with instead of stopping.
    pub(super) go_on: Option<String>,
}

impl Said {
    /// Why the tool must not be used, for a client that can't ask its human: it
    /// refuses what a human was to confirm.
    pub(super) fn refusal(&self) -> Option<String> {
        let confirm = || {
            let reason = self.confirm.as_ref()?;
            Some(format!("{reason} (a human has to confirm this; ask yours)"))
        };
        self.refuse.clone().or_else(confirm)
    }

    /// What to go on with, and what else there is to know.
    pub(super) fn continuation(&self) -> Option<String> {
        let go_on = self.go_on.as_ref()?;
        Some(match self.text.is_empty() {
            true => go_on.clone(),
            false => format!("{go_on}\n\n{}", self.text),
        })
    }
}

/// What the hook prints.
#[derive(Debug, PartialEq)]
pub(super) enum Output {
    Nothing,
    Json(Value),
    /// The reason on standard error, with the exit code by which some clients
    /// know a refusal.
    Refusal(String),
}

/// The tools of all clients that change the files that they name. A name means
/// the same to each of them, so one list serves all: some clients run hooks
/// that were installed for another.
const EDITORS: &[&str] = &[
    "ApplyPatch",
    "Create",
    "Delete",
    "Edit",
    "MultiEdit",
    "NotebookEdit",
    "StrReplace",
    "Write",
    "apply_patch",
    "create",
    "edit",
    "notebook_edit",
    "replace",
    "replace_in_file",
    "write",
    "write_file",
    "write_to_file",
];

/// Under which names tools take the file that they change.
const FILE_MEMBERS: [&str; 4] = ["file_path", "notebook_path", "path", "filePath"];

/// Under which names tools take a patch.
const PATCH_MEMBERS: [&str; 3] = ["command", "input", "patch"];

/// The lines of a patch that name a file.
const PATCH_LINES: [&str; 4] = [
    "*** Add File: ",
    "*** Update File: ",
    "*** Delete File: ",
    "*** Move to: ",
];

/// The files that a tool is about to change.
pub(super) fn edited_files(tool: &str, input: &Value) -> Vec<String> {
    let mut files = Vec::new();
    if EDITORS.contains(&tool) {
        let named = FILE_MEMBERS.iter().filter_map(|member| text(input, member));
        files.extend(named.map(str::to_owned));
    }
    // A shell may be handed a patch as well.
    let patches = PATCH_MEMBERS
        .iter()
        .filter_map(|member| text(input, member));
    for patch in patches.chain(input.as_str()) {
        files.extend(patched_files(patch));
    }
    files
}

fn patched_files(text: &str) -> impl Iterator<Item = String> {
    let is_patch = text.contains("*** Begin Patch");
    let lines = text.lines().filter(move |_| is_patch);
    lines.filter_map(|line| {
        let starts = PATCH_LINES.iter();
        let file = starts
            .filter_map(|start| line.trim_start().strip_prefix(start))
            .next()?;
        Some(file.trim().to_owned())
    })
}

/// A member that is text.
pub(super) fn text<'a>(input: &'a Value, member: &str) -> Option<&'a str> {
    input.get(member)?.as_str()
}

/// A member that is true.
pub(super) fn is_set(input: &Value, member: &str) -> bool {
    input.get(member).and_then(Value::as_bool).unwrap_or(false)
}
