//! What the flow of `docs/multi-agent-workflow.md` costs the models that take
//! part in it, beside Koor's flow for the same feature. The page holds the
//! table that is made here.
//!
//! Coro's side is the page itself: its commands are typed beside a new server,
//! and each counts for the step, the heading, under which it stands. Koor's
//! side is what the rule files of its wizard make its agents do
//! (`internal/wizard/claude_md.go` of Koor 0.1.0-beta), answered as Koor
//! answers: the same fields, order and limits.

mod koor;

use std::fmt::Write as _;

use coro_tests::{Engine, Server, repository};
use regex::Regex;
use serde_json::{Value, json};

use crate::docs::{Shell, commands_of};
use crate::token_cost::{count, steady};

const BEGIN: &str = "<!-- workflow:begin -->\n";
const END: &str = "<!-- workflow:end -->\n";

/// Words that a person types with Coro: the first to each agent; to the lead
/// the first and `status`.
const CORO_WORDS: Words = Words { agents: 2, lead: 2 };

/// The part of the page between the marks is written again with
/// `cargo test -p coro-tests reference -- --ignored`.
#[test]
fn the_table_of_the_workflow_is_what_is_counted() {
    let (_, written, _) = document();
    assert!(
        written == table(),
        "docs/multi-agent-workflow.md is old; see how to write it again in {}",
        file!()
    );
}

#[test]
#[ignore = "writes docs/multi-agent-workflow.md"]
fn write_the_reference_of_the_workflow() {
    let (before, _, after) = document();
    let text = format!("{before}{BEGIN}{}{END}{after}", table());
    std::fs::write(path(), text).expect("the docs take a file");
}

fn path() -> std::path::PathBuf {
    repository().join("docs/multi-agent-workflow.md")
}

fn document() -> (String, String, String) {
    let text = std::fs::read_to_string(path()).expect("the document");
    let (before, rest) = text.split_once(BEGIN).expect("where the table begins");
    let (between, after) = rest.split_once(END).expect("where the table ends");
    (before.to_owned(), between.to_owned(), after.to_owned())
}

/// Who pays.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Frontend,
    Backend,
    Lead,
}

/// What a model writes, and what it reads.
#[derive(Clone, Copy, Default)]
struct Cost {
    written: usize,
    read: usize,
}

impl Cost {
    fn add(&mut self, written: &str, read: &str) {
        self.written += count(written);
        self.read += count(&steady(read));
    }

    fn cell(self) -> String {
        match self.written + self.read {
            0 => "–".to_owned(),
            _ => format!("{} + {}", self.written, self.read),
        }
    }
}

/// A step of the flow, which has the name of a heading of the page.
struct Step {
    name: String,
    agents: Cost,
    lead: Cost,
}

impl Step {
    fn named(name: &str) -> Step {
        Step {
            name: name.to_owned(),
            agents: Cost::default(),
            lead: Cost::default(),
        }
    }

    fn of(&mut self, who: Who) -> &mut Cost {
        match who {
            Who::Lead => &mut self.lead,
            Who::Frontend | Who::Backend => &mut self.agents,
        }
    }
}

/// How often a person goes to a window to type a word.
#[derive(Clone, Copy, Default)]
struct Words {
    agents: usize,
    lead: usize,
}

/// The call of a client's shell, as a model writes it.
fn shell_call(line: &str) -> String {
    json!({ "command": line }).to_string()
}

/// The call of a tool of MCP.
fn tool_call(name: &str, arguments: &Value) -> String {
    json!({ "name": name, "arguments": arguments }).to_string()
}

fn with_coro() -> Vec<Step> {
    let (page, _, _) = document();
    let server = Server::start(Engine::Sqlite);
    let mut shell = Shell::beside(&server);
    let mut steps = Vec::new();
    for section in page.split("\n## ").skip(1) {
        let (heading, text) = section.split_once('\n').expect("a heading");
        let mut step = Step::named(heading);
        for (command, _) in commands_of(text) {
            let read = shell.run(&command).join("\n");
            if let Some(who) = who_types(&command) {
                step.of(who).add(&written_by_an_agent(&command), &read);
            }
        }
        steps.push(step);
    }
    steps
}

/// Whose token a command has, or whose answer it waits for. The owner's
/// commands are a person's.
fn who_types(command: &str) -> Option<Who> {
    let names = [
        ("FRONTEND", Who::Frontend),
        ("BACKEND", Who::Backend),
        ("LEAD", Who::Lead),
    ];
    let who = names.iter().find(|(name, _)| {
        let answer = format!("wait; cat {}.out", name.to_lowercase());
        command.starts_with(&format!("CORO_TOKEN=${name} ")) || command == answer
    });
    who.map(|(_, who)| *who)
}

/// The command without what only a shell that is shared needs: the token, and
/// the wait for an answer in the background.
fn written_by_an_agent(command: &str) -> String {
    let shared = Regex::new(r"^CORO_TOKEN=\$[A-Z]+ | > [a-z]+\.out( 2>&1)? &$").expect("a pattern");
    let line = shared.replace_all(command, "");
    match line.starts_with("wait; ") {
        true => String::new(),
        false => shell_call(&line),
    }
}

fn table() -> String {
    let coro = with_coro();
    let (koor, koor_words) = koor::flow();
    for step in &koor {
        let is_step = coro.iter().any(|other| other.name == step.name);
        assert!(is_step, "the page has no step {:?}", step.name);
    }
    let mut text = String::from(
        "| step | Coro: agents | Coro: lead | Koor: agents | Koor: controller |\n\
         |---|---:|---:|---:|---:|\n",
    );
    let mut sums = [0; 4];
    for step in &coro {
        let nothing = Step::named(&step.name);
        let other = koor.iter().find(|other| other.name == step.name);
        let other = other.unwrap_or(&nothing);
        let costs = [step.agents, step.lead, other.agents, other.lead];
        if costs.iter().all(|cost| cost.written + cost.read == 0) {
            continue;
        }
        let _ = writeln!(
            text,
            "| {} | {} |",
            step.name.to_lowercase(),
            costs.map(Cost::cell).join(" | ")
        );
        for (sum, cost) in sums.iter_mut().zip(costs) {
            *sum += cost.written + cost.read;
        }
    }
    let [a, b, c, d] = sums;
    let _ = writeln!(
        text,
        "| **tokens in all** | **{a}** | **{b}** | **{c}** | **{d}** |"
    );
    let (own, other) = (CORO_WORDS, koor_words);
    let _ = writeln!(
        text,
        "| words typed by a person | {} | {} | {} | {} |",
        own.agents, own.lead, other.agents, other.lead
    );
    text
}
