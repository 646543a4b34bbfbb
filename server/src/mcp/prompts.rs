//! Prompts: the six words by which a person leads agents.
//!
//! A client shows them as commands (`/mcp__coro__next`), and they cost nothing
//! until one is used. Each tells the model which command does it, and what to
//! say afterwards; whether the agent may do it, the server decides when the
//! command runs. Looking one up changes nothing: some clients do that unasked.

use rmcp::ErrorData;
use rmcp::model::{
    GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage, Role as Speaker,
};
use serde_json::Value;

/// The longest argument, in bytes.
const ARGUMENT_BYTES_MAX: usize = 4_000;

/// How a model without a shell runs what the texts say.
const WITHOUT_SHELL: &str =
    "Without a shell, give the same command lines to the tool coro, without the word coro-cli.";

/// One of the six words.
struct Word {
    name: &'static str,
    about: &'static str,
    arguments: &'static [Argument],
    /// What the model is told; `{name}` stands for an argument.
    text: &'static str,
}

struct Argument {
    name: &'static str,
    about: &'static str,
    required: bool,
}

const REQUEST: Argument = Argument {
    name: "request",
    about: "its number, such as R-7",
    required: true,
};

const WORDS: &[Word] = &[
    Word {
        name: "setup_agents",
        about: "Split a goal into tasks for the agents of the project",
        arguments: &[Argument {
            name: "goal",
            about: "what is to be done",
            required: true,
        }],
        text: "Split this goal into tasks for the agents of the project: {goal}\n\
               See who is there with coro-cli instances list, and what is planned with coro-cli \
               tasks list. Make each task small enough for one sitting and clear without this \
               conversation: coro-cli tasks add TITLE --body TEXT, with --assignee AGENT or --needs \
               CAPABILITY, --path PATTERN for the files that it changes, and --after T-3 for what \
               must be done before. Then say which tasks you made and who can begin.",
    },
    Word {
        name: "next",
        about: "Do the next task",
        arguments: &[],
        text: "Run coro-cli next. It gives you your task, the one you have or the best that is \
               ready. Do it. Note what others must know with coro-cli tasks note TEXT, ask for \
               decisions with coro-cli request QUESTION --wait 10m, and finish with coro-cli done \
               --result TEXT, or coro-cli fail --why TEXT. Then run coro-cli next again, until it \
               gives you nothing.",
    },
    Word {
        name: "yes",
        about: "Agree to a request",
        arguments: &[REQUEST],
        text: "The person agrees to {request}. Show them what it asks with coro-cli requests get \
               {request}, then run coro-cli yes {request}. Where it is refused because a human \
               decides it, tell the person to run the same command in their own terminal.",
    },
    Word {
        name: "no",
        about: "Refuse a request",
        arguments: &[
            REQUEST,
            Argument {
                name: "why",
                about: "the reason, for whoever asked",
                required: true,
            },
        ],
        text: "The person refuses {request}, because: {why}\n\
               Run coro-cli no {request} --why with that reason. Where it is refused because a \
               human decides it, tell the person to run the same command in their own terminal.",
    },
    Word {
        name: "check_requests",
        about: "See what waits for a decision",
        arguments: &[],
        text: "Run coro-cli requests and coro-cli inbox. Say what waits for a decision, who asks, \
               and what you would decide and why; decide nothing yourself before the person has \
               said so.",
    },
    Word {
        name: "status",
        about: "See who works on what",
        arguments: &[],
        text: "Run coro-cli status and say in a few lines who works on what, what is stuck and \
               why (coro-cli why T-9 tells), and what waits for the person.",
    },
];

pub(super) fn list() -> Vec<Prompt> {
    WORDS.iter().map(Word::described).collect()
}

pub(super) fn get(name: &str, given: Option<&JsonObject>) -> Result<GetPromptResult, ErrorData> {
    let Some(word) = WORDS.iter().find(|word| word.name == name) else {
        let names: Vec<&str> = WORDS.iter().map(|word| word.name).collect();
        let message = format!(
            "there is no prompt {name:?}; there are {}",
            names.join(", ")
        );
        return Err(ErrorData::invalid_params(message, None));
    };
    let mut text = String::new();
    // In one pass: what a person has written is not looked into.
    for (number, part) in word.text.split(['{', '}']).enumerate() {
        match word.arguments.iter().find(|argument| argument.name == part) {
            Some(argument) if number % 2 == 1 => text.push_str(value_of(argument, given)?),
            _ => text.push_str(part),
        }
    }
    text.push('\n');
    text.push_str(WITHOUT_SHELL);
    let message = PromptMessage::new_text(Speaker::User, text);
    Ok(GetPromptResult::new(vec![message]).with_description(word.about))
}

impl Word {
    fn described(&self) -> Prompt {
        let arguments = self.arguments.iter().map(|argument| {
            PromptArgument::new(argument.name)
                .with_description(argument.about)
                .with_required(argument.required)
        });
        let arguments: Vec<PromptArgument> = arguments.collect();
        let arguments = (!arguments.is_empty()).then_some(arguments);
        Prompt::new(self.name, Some(self.about), arguments)
    }
}

fn value_of<'a>(argument: &Argument, given: Option<&'a JsonObject>) -> Result<&'a str, ErrorData> {
    let value = given.and_then(|given| given.get(argument.name));
    let invalid = |message: String| ErrorData::invalid_params(message, None);
    match value {
        Some(Value::String(text)) if text.len() > ARGUMENT_BYTES_MAX => Err(invalid(format!(
            "the argument {} has {} bytes, more than {ARGUMENT_BYTES_MAX}",
            argument.name,
            text.len()
        ))),
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(text),
        None | Some(Value::Null | Value::String(_)) if !argument.required => Ok(""),
        _ => Err(invalid(format!(
            "the argument {} is missing: {}",
            argument.name, argument.about
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_stands_in_the_text_as_it_was_given() {
        let given = serde_json::json!({"request": "R-{why}", "why": "too {request} wide"});
        let result = get("no", given.as_object()).expect("a prompt");
        let text = serde_json::to_string(&result.messages).expect("JSON");
        assert!(text.contains("coro-cli no R-{why} --why"), "{text}");
        assert!(text.contains("too {request} wide"), "{text}");
    }
}
