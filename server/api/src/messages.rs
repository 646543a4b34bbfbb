//! Wire types of messages, their receipts, and of asking an agent.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::limits::MESSAGE_CHARS_SHOWN_MAX;
use crate::names::inert;
use crate::numbers::MessageNumber;
use crate::tokens::Role;
use crate::words::words;

words!(
    /// What a message is.
    MessageKind {
        /// Somebody wrote it.
        Message = "message",
        /// The answer to an ask.
        Answer = "answer",
        /// The server says what became of other messages.
        Bounce = "bounce",
        /// The server says what became of a request.
        Notice = "notice",
        /// It asks for an answer of a given form.
        Ask = "ask",
    }
);

words!(
    /// Who a message is for.
    ToKind {
        Agent = "agent",
        /// The agents whose token has a role.
        Role = "role",
        /// All agents of a project.
        Project = "project",
        /// Somebody who is no agent, such as a human: they see it, and have no
        /// receipt.
        Caller = "caller",
    }
);

words!(
    /// How far a message has come with one agent. It only moves forward.
    ReceiptState {
        /// It waits.
        Queued = "queued",
        /// The agent's client has shown it.
        Delivered = "delivered",
        /// The agent has fetched it whole.
        Read = "read",
        /// The agent has acknowledged, replied to or answered it.
        Acknowledged = "acknowledged",
        /// The agent ended before that.
        Undeliverable = "undeliverable",
        /// The time was over before that.
        Expired = "expired",
    }
);

words!(
    /// The way on which a message reached an agent.
    DeliveredBy {
        /// A hook of its client.
        Hook = "hook",
        /// `next`.
        Next = "next",
        /// It looked itself.
        Inbox = "inbox",
        /// The result of a tool.
        Tool = "tool",
        /// A channel of its client.
        Channel = "channel",
    }
);

words!(
    /// What became of an ask.
    AnswerState {
        Waiting = "waiting",
        Answered = "answered",
        /// The answers did not fit, or the agent has ended.
        Failed = "failed",
        /// No answer came in time.
        Expired = "expired",
    }
);

/// What a client says to send a message: to one agent, to the agents of a role
/// or to all of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// At most 64 KiB; lines and tabs, no other control characters.
    #[cfg_attr(feature = "openapi", schema(example = "the cart's API has changed"))]
    pub text: String,
    /// The name of an agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "backend"))]
    pub to: Option<String>,
    /// The agents whose token has this role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// All agents of the project.
    #[serde(default)]
    pub all: bool,
    /// Default: that of the token, else of the agent that calls, else `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The message of whose thread it is. Whoever replies has read it, and
    /// acknowledges it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageNumber>,
    /// Whether each recipient shall acknowledge it.
    #[serde(default)]
    pub needs_ack: bool,
    /// Whether a recipient shall not stop before it has dealt with it.
    #[serde(default)]
    pub blocking: bool,
    /// When it expires where it is not read, or not acknowledged; the sender is
    /// told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_seconds: Option<i64>,
}

/// A message that is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Sent {
    pub number: MessageNumber,
    pub thread: MessageNumber,
    /// The names of the agents that it is for. Empty where it is for somebody
    /// who is no agent.
    pub recipients: Vec<String>,
    /// Those that it is not for, since too much waits for them already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// What a client says to reply: to whoever sent the message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewReply {
    pub text: String,
    #[serde(default)]
    pub needs_ack: bool,
    #[serde(default)]
    pub blocking: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_seconds: Option<i64>,
}

/// What a client says to ask an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewAsk {
    /// The name of the agent.
    #[cfg_attr(feature = "openapi", schema(example = "backend"))]
    pub to: String,
    /// What is asked, at most 64 KiB.
    #[cfg_attr(feature = "openapi", schema(example = "which port do you listen on?"))]
    pub prompt: String,
    /// JSON Schema (2020-12) of the answer, at most 64 KiB. References lead
    /// inside of it only, and not in a circle.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub schema: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Default: one hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_seconds: Option<i64>,
}

/// An answer to an ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewAnswer {
    /// Any JSON that the schema takes, at most 256 KiB.
    #[cfg_attr(feature = "openapi", schema(value_type = Value))]
    pub answer: Value,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Message {
    pub number: MessageNumber,
    pub kind: MessageKind,
    pub project: String,
    /// `kind:name` of who sent it; `system:coro` for the server.
    pub sender: String,
    /// The name alone: of an agent the one that it is registered by.
    pub from: String,
    pub to_kind: ToKind,
    /// The agent, role or project, or `kind:name` of a caller.
    pub to: String,
    /// In a list the beginning of it.
    pub text: String,
    /// How many characters the whole text has.
    pub chars: i64,
    /// The first message of the thread.
    pub thread: MessageNumber,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageNumber>,
    pub needs_ack: bool,
    pub blocking: bool,
    pub created_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// What became of an ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<Ask>,
    /// One for each recipient; empty in a list and for another recipient.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<Receipt>,
}

impl Message {
    /// Who wrote it and what it still wants, in a line: so that nobody takes the
    /// text for the word of the user.
    pub fn label(&self) -> String {
        let number = self.number;
        let heading = self.heading();
        if self.kind == MessageKind::Ask {
            format!("{heading}, answer with: coro-cli answer {number} JSON")
        } else if self.needs_ack || self.blocking {
            format!("{heading}, acknowledge with: coro-cli ack {number}")
        } else {
            heading
        }
    }

    /// As [`Message::label`], for whoever has nothing to do about it.
    pub fn heading(&self) -> String {
        let number = self.number;
        let kind = match self.sender.split_once(':') {
            Some(("system", _)) | None => "server",
            Some((kind, _)) => kind,
        };
        let mut label = format!("{number} from {} ({kind})", as_word(&self.from));
        match self.to_kind {
            ToKind::Role => label.push_str(&format!(" to role {}", as_word(&self.to))),
            ToKind::Project => label.push_str(&format!(" to all of {}", as_word(&self.to))),
            ToKind::Agent | ToKind::Caller => {}
        }
        if let Some(replied) = self.reply_to {
            let verb = match self.kind {
                MessageKind::Answer => "answers",
                MessageKind::Bounce | MessageKind::Notice => "about",
                MessageKind::Message | MessageKind::Ask => "replies to",
            };
            label.push_str(&format!(", {verb} {replied}"));
        }
        let state = self.ask.as_ref().map(|ask| ask.state);
        if state.is_some_and(|state| state != AnswerState::Waiting) {
            return label;
        }
        if self.blocking {
            label.push_str(", blocking");
        }
        label
    }

    /// The text, and the schema of what it asks for, as a quotation: no line of
    /// it can pass for a label.
    pub fn quoted(&self) -> String {
        let mut text = self.text.clone();
        if let Some(schema) = self.ask.as_ref().and_then(|ask| ask.schema.as_ref()) {
            text.push_str(&format!("\nJSON Schema of the answer: {schema}"));
        }
        let lines = inert(&text);
        let lines: Vec<String> = lines.split('\n').map(|line| format!("> {line}")).collect();
        lines.join("\n")
    }

    /// The message with its label, cut to what a model gets unasked. The end
    /// names the command that shows the rest.
    pub fn brief(&self) -> String {
        let (label, quoted) = (self.label(), self.quoted());
        let given = i64::try_from(self.text.chars().count()).unwrap_or(i64::MAX);
        let is_all_given = given == self.chars;
        if is_all_given && quoted.chars().count() <= MESSAGE_CHARS_SHOWN_MAX {
            return format!("{label}\n{quoted}");
        }
        let cut: String = quoted.chars().take(MESSAGE_CHARS_SHOWN_MAX).collect();
        let rest = match is_all_given && self.ask.is_some() {
            true => "the whole of it".to_owned(),
            false => format!("all {} characters", self.chars),
        };
        format!(
            "{label}\n{cut}… (coro-cli messages get {} shows {rest})",
            self.number
        )
    }
}

/// A name as it is, or in quotes where it could pass for something else.
fn as_word(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    match name.chars().all(is_plain) {
        true => name.to_owned(),
        false => format!("{name:?}"),
    }
}

/// What is asked for, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Ask {
    pub state: AnswerState,
    /// JSON Schema of the answer; null in a list.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub schema: Option<Value>,
    /// How many answers did not fit.
    pub tries: i64,
    /// Absent where there is none, and in a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Value>))]
    pub answer: Option<Value>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// How far a message has come with one agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipt {
    pub message: MessageNumber,
    pub agent_id: String,
    pub agent: String,
    pub state: ReceiptState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<DeliveredBy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<String>,
}

/// What an agent has not read yet, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Inbox {
    pub messages: Vec<Message>,
    /// How many unread ones there are besides.
    pub more: i64,
}
