//! The channel: what others write to the agent is pushed into its session.
//!
//! Claude Code takes notifications of a server that it starts itself, where
//! that server declares the experimental capability `claude/channel`
//! (code.claude.com/docs/en/channels-reference, as of November 2026). With
//! `--channel` the bridge declares it, and a thread of its own waits for
//! messages and hands each to the bridge, in order and once.
//!
//! What must hold: nothing that happens here disturbs the tools. A server that
//! is away is asked again ever more seldom; one that refuses the caller is not
//! asked again. An agent that has not registered yet may do so at any time, by
//! a tool or a hook, so that is waited for.

use std::collections::BTreeSet;
use std::time::Duration;

use coro_api::limits::WAIT_SECONDS_MAX;
use coro_api::messages::{Inbox, Message};
use coro_api::numbers::MessageNumber;
use serde_json::{Map, Value, json};

use super::call::Way;
use crate::error::{CliError, Result, refused_by_server};
use crate::http::{Hangup, Patience, Request};
use crate::session::unexpected;

/// Which answers say what the bridge can do.
const INTRODUCTIONS: [&str; 2] = ["initialize", "server/discover"];

const CAPABILITY: &str = "claude/channel";

/// Tells the model whose words it reads.
const INSTRUCTIONS: &str = "A <channel message=\"M-4\"> is what another agent or person wrote to \
you, not your user; reply with: coro-cli reply M-4 TEXT";

/// The longest that an answer may take after the server has waited.
const ANSWER_DURATION_MAX: Duration = Duration::from_secs(WAIT_SECONDS_MAX + 30);

/// The pause after nothing new, so that a server which does not wait is not
/// asked without end; after failures it doubles up to the longest.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// How much of a message is pushed, in characters.
const TEXT_CHARS_MAX: usize = 4_000;

/// How many messages are remembered as pushed: more than wait for one agent.
const PUSHED_MAX: usize = 2_000;

/// Adds the channel to what a server says of itself. Any other answer stays as
/// it is.
pub(super) fn introduce(method: &str, answer: &str) -> Option<String> {
    if !INTRODUCTIONS.contains(&method) {
        return None;
    }
    let mut value: Value = serde_json::from_str(answer).ok()?;
    let result = value.get_mut("result")?.as_object_mut()?;
    let capabilities = object_in(result, "capabilities")?;
    object_in(capabilities, "experimental")?.insert(CAPABILITY.to_owned(), json!({}));
    let known = result.get("instructions").and_then(Value::as_str);
    let instructions = match known {
        Some(known) => format!("{known}\n{INSTRUCTIONS}"),
        None => INSTRUCTIONS.to_owned(),
    };
    result.insert("instructions".to_owned(), instructions.into());
    Some(value.to_string())
}

fn object_in<'a>(
    map: &'a mut Map<String, Value>,
    name: &str,
) -> Option<&'a mut Map<String, Value>> {
    let inside = map.entry(name).or_insert_with(|| json!({}));
    inside.as_object_mut()
}

/// What the channel wants to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Push {
    /// Write this line for the client.
    Line(String),
    /// Tell whoever reads the log.
    Talk(String),
}

/// Pushes messages until `push` wants no more, the bridge hangs up, or the
/// server refuses the caller.
pub(super) fn run(way: &Way, hangup: &Hangup, push: impl FnMut(Push) -> bool) {
    let look = |shown: &[MessageNumber]| look_into_inbox(way, hangup, shown);
    // The end of the process ends a pause.
    follow(look, std::thread::sleep, || hangup.is_over(), push);
}

/// What is new; waits for it for a while. The server then knows what was shown.
fn look_into_inbox(way: &Way, hangup: &Hangup, shown: &[MessageNumber]) -> Result<Inbox> {
    let shown: Vec<String> = shown.iter().map(MessageNumber::to_string).collect();
    let shown = Some(shown.join(",")).filter(|shown| !shown.is_empty());
    let request = Request::get("/api/inbox")
        .query("wait", WAIT_SECONDS_MAX)
        .query("how", "channel")
        .query_if("shown", shown)
        .patience(Patience::whole(ANSWER_DURATION_MAX));
    let (mut transport, _) = way.transport(way.target()?, hangup)?;
    let response = transport.send(&request)?;
    if !(200..300).contains(&response.status) {
        return Err(refused_by_server("mcp --channel", &request, &response));
    }
    serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))
}

fn follow(
    mut look: impl FnMut(&[MessageNumber]) -> Result<Inbox>,
    mut wait: impl FnMut(Duration),
    is_over: impl Fn() -> bool,
    mut push: impl FnMut(Push) -> bool,
) {
    let mut pushed = BTreeSet::new();
    // What the last look gave, of which the server does not know that it was
    // pushed.
    let mut shown = Vec::new();
    let mut pause = PAUSE_MIN;
    let mut has_talked = false;
    while !is_over() {
        match look(&shown) {
            Ok(inbox) => {
                (pause, has_talked) = (PAUSE_MIN, false);
                shown = inbox.messages.iter().map(|one| one.number).collect();
                match push_new(&inbox, &mut pushed, &mut push) {
                    Some(0) => wait(PAUSE_MIN),
                    Some(_) => {}
                    None => return,
                }
            }
            Err(_) if is_over() => return,
            Err(error) => {
                let may_pass = may_pass(&error);
                let goes_on = has_talked || push(Push::Talk(told(&error, may_pass)));
                if !(goes_on && may_pass) {
                    return;
                }
                has_talked = true;
                wait(pause);
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }
}

/// Pushes what was not pushed before, and tells how many that were; `None`
/// where nobody wants more.
fn push_new(
    inbox: &Inbox,
    pushed: &mut BTreeSet<MessageNumber>,
    push: &mut impl FnMut(Push) -> bool,
) -> Option<usize> {
    let mut count = 0;
    for message in &inbox.messages {
        if !remember(pushed, message.number) {
            continue;
        }
        if !push(Push::Line(notification(message))) {
            return None;
        }
        count += 1;
    }
    Some(count)
}

/// Whether a message was not pushed before.
fn remember(pushed: &mut BTreeSet<MessageNumber>, number: MessageNumber) -> bool {
    let is_new = pushed.insert(number);
    if pushed.len() > PUSHED_MAX {
        pushed.pop_first();
    }
    is_new
}

/// Whether it may be otherwise a while later, without anybody changing a token.
fn may_pass(error: &CliError) -> bool {
    // No agent has registered with this token yet, or it has ended.
    let has_no_agent = error.status == Some(409);
    has_no_agent || error.may_pass()
}

fn told(error: &CliError, may_pass: bool) -> String {
    let then = match may_pass {
        true => "messages are pushed once this is over",
        false => "no messages are pushed; the tools work on",
    };
    format!("channel: {error}; {then}")
}

/// A message as Claude Code takes it.
fn notification(message: &Message) -> String {
    let mut meta = Map::new();
    let mut say = |name: &str, value: &str| meta.insert(name.to_owned(), value.into());
    say("message", &message.number.to_string());
    say("from", &message.from);
    say("kind", message.kind.word());
    if message.blocking {
        say("blocking", "true");
    }
    let params = json!({"content": content(message), "meta": meta});
    let method = "notifications/claude/channel";
    json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string()
}

fn content(message: &Message) -> String {
    let mut shown = message.clone();
    let cut = message.text.char_indices().nth(TEXT_CHARS_MAX);
    if let Some((end, _)) = cut {
        shown.text.truncate(end);
    }
    let mut content = format!("{}\n{}", shown.label(), shown.quoted());
    let count = i64::try_from(shown.text.chars().count()).unwrap_or(i64::MAX);
    if count < message.chars {
        let (number, chars) = (message.number, message.chars);
        content.push_str(&format!(
            "\n… (coro-cli messages get {number} shows all {chars} characters)"
        ));
    }
    inside_of_tag(&content)
}

/// The client puts the text between tags: it must not end them.
fn inside_of_tag(text: &str) -> String {
    const END: &str = "</channel";
    let lower = text.to_ascii_lowercase();
    let mut inside = String::with_capacity(text.len());
    let mut from = 0;
    for (start, _) in lower.match_indices(END) {
        inside.push_str(&text[from..start]);
        inside.push_str("&lt;");
        from = start + 1;
    }
    inside.push_str(&text[from..]);
    inside
}

#[cfg(test)]
mod tests;
