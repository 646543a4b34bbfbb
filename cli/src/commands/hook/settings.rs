//! What a client's own file needs to run the hooks.

use serde_json::{Map, Value, json};

/// A piece of a client's settings.
pub(super) struct Settings {
    /// The file, from the root of the repository.
    pub(super) file: &'static str,
    /// What belongs into it: JSON, or the text of a script.
    pub(super) text: Value,
    /// What to do with it.
    pub(super) note: &'static str,
}

impl Settings {
    /// The text of the file.
    pub(super) fn shown(&self) -> String {
        match &self.text {
            Value::String(script) => script.clone(),
            // With `#` it is indented; a value always has a text.
            json => format!("{json:#}"),
        }
    }
}

/// A hook that runs a command, with its time-out in the client's unit.
pub(super) fn command(client: &str, timeout_member: &str, timeout: u64) -> Value {
    json!({
        "type": "command",
        "command": format!("coro-cli hook {client}"),
        timeout_member: timeout,
    })
}

/// The same hook for some events, in groups as Claude Code has them. Without a
/// matcher a group is for every tool: a pause refuses them all.
pub(super) fn grouped(events: &[&str], hook: &Value) -> Value {
    let group = json!([{"hooks": [hook]}]);
    let members = events
        .iter()
        .map(|event| ((*event).to_owned(), group.clone()));
    json!({"hooks": Map::from_iter(members)})
}
