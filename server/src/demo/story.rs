//! The story as data: `story.txt`, which says at its top how it is read.

use std::collections::HashMap;
use std::time::Duration;

const TEXT: &str = include_str!("story.txt");

/// Who plays, in the order in which they are introduced.
pub(super) const AGENTS: [&str; 4] = ["lead", "backend", "frontend", "docs"];

/// The one who plays no agent: what the owner's token does.
pub(super) const OWNER: &str = "owner";

/// What stands for the end of a line in a word.
const NEW_LINE: char = '⏎';

pub(super) struct Story {
    /// What makes every page alive, played within seconds.
    pub(super) opening: Vec<Step>,
    pub(super) hour: Vec<Step>,
    /// What goes on after that, again and again.
    pub(super) round: Vec<Step>,
}

pub(super) struct Step {
    /// Since the beginning of its act.
    pub(super) at: Duration,
    pub(super) who: String,
    pub(super) act: Act,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Run(Call),
    /// Calls one after the other, beside the story, as long as they succeed.
    Wait(Vec<Call>),
    /// A tool of the control plane and its arguments.
    Tool(String, String),
    FallSilent,
    ComeBack,
}

/// One call of `coro-cli`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) words: Vec<String>,
    pub(super) input: Option<String>,
    /// The exit code that belongs to the story.
    pub(super) exits: i32,
    /// What the first word of its output is remembered as.
    pub(super) named: Option<String>,
}

impl Story {
    pub(super) fn read() -> Result<Story, String> {
        let mut acts = parse(TEXT)?;
        let mut act = |name: &str| acts.remove(name).ok_or(format!("no act {name:?}"));
        Ok(Story {
            opening: act("opening")?,
            hour: act("hour")?,
            round: act("round")?,
        })
    }
}

fn parse(text: &str) -> Result<HashMap<String, Vec<Step>>, String> {
    let mut acts: HashMap<String, Vec<Step>> = HashMap::new();
    let mut current = String::new();
    for line in joined(text) {
        if let Some(name) = line.strip_prefix("== ") {
            name.clone_into(&mut current);
            continue;
        }
        let step = step(&line).ok_or_else(|| format!("not understood: {line}"))?;
        let act = acts.entry(current.clone()).or_default();
        if act.last().is_some_and(|before| before.at > step.at) {
            return Err(format!("earlier than what stands before it: {line}"));
        }
        act.push(step);
    }
    Ok(acts)
}

/// The lines without comments, each with what goes on in those after it.
fn joined(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let said = text.lines().filter(|line| !line.starts_with('#'));
    for line in said.filter(|line| !line.trim().is_empty()) {
        match lines.last_mut() {
            Some(before) if line.starts_with(' ') => {
                before.push(' ');
                before.push_str(line.trim());
            }
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

fn step(line: &str) -> Option<Step> {
    let mut words = shlex::split(line)?.into_iter();
    let at = time(&words.next()?)?;
    let who = words.next()?;
    if who != OWNER && !AGENTS.contains(&who.as_str()) {
        return None;
    }
    let words: Vec<String> = words.map(|word| word.replace(NEW_LINE, "\n")).collect();
    let act = match words.first()?.as_str() {
        "falls-silent" => Act::FallSilent,
        "is-back" => Act::ComeBack,
        "mcp" => {
            let [_, tool, arguments] = words.try_into().ok()?;
            Act::Tool(tool, arguments)
        }
        "waits" => {
            let calls = words[1..].split(|word| word == "then").map(call);
            Act::Wait(calls.collect::<Option<_>>()?)
        }
        _ => Act::Run(call(&words)?),
    };
    Some(Step { at, who, act })
}

fn call(words: &[String]) -> Option<Call> {
    let mut call = Call::default();
    let mut words = words;
    if let [name, equals, rest @ ..] = words
        && equals == "="
    {
        call.named = Some(name.clone());
        words = rest;
    }
    if let [first, rest @ ..] = words
        && let Some(code) = first.strip_prefix('(')
    {
        call.exits = code.strip_suffix(')')?.parse().ok()?;
        words = rest;
    }
    if let [rest @ .., arrow, input] = words
        && arrow == "<<<"
    {
        call.input = Some(input.clone());
        words = rest;
    }
    call.words = words.to_vec();
    (!words.is_empty()).then_some(call)
}

/// Minutes and seconds, such as `0:07.5`.
fn time(text: &str) -> Option<Duration> {
    let (minutes, seconds) = text.split_once(':')?;
    let minutes: u32 = minutes.parse().ok()?;
    let seconds: f64 = seconds.parse().ok()?;
    let valid = (0.0..60.0).contains(&seconds);
    valid.then(|| Duration::from_secs(60) * minutes + Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_story_is_understood_and_each_name_is_given_before_it_is_used() {
        let story = Story::read().expect("a story");
        let mut known = vec!["round".to_owned()];
        let acts = [&story.opening, &story.hour, &story.round];
        for step in acts.into_iter().flatten() {
            let calls: Vec<&Call> = match &step.act {
                Act::Run(call) => vec![call],
                Act::Wait(calls) => calls.iter().collect(),
                _ => continue,
            };
            for call in calls {
                for word in &call.words {
                    let used = super::super::player::names_in(word);
                    let unknown = used
                        .into_iter()
                        .find(|name| !known.iter().any(|one| one == name));
                    assert_eq!(unknown, None, "{:?}", call.words);
                }
                known.extend(call.named.clone());
            }
        }
        let last = story.opening.last().expect("something happens").at;
        assert!(last < Duration::from_secs(10), "{last:?}");
    }

    #[test]
    fn a_line_is_read_as_a_shell_reads_it() {
        let acts = parse("== a\n1:02.5 docs n = (5) send --to lead 'a b'\n   --ack <<< 'x⏎y'\n");
        let step = &acts.expect("it is understood")["a"][0];
        assert_eq!(
            (step.at, &*step.who),
            (Duration::from_millis(62_500), "docs")
        );
        let expected = Call {
            words: ["send", "--to", "lead", "a b", "--ack"]
                .map(str::to_owned)
                .to_vec(),
            input: Some("x\ny".to_owned()),
            exits: 5,
            named: Some("n".to_owned()),
        };
        assert_eq!(step.act, Act::Run(expected));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "0:99 docs next",
            "1 docs next",
            "0:01 eve next",
            "0:01 docs",
            "0:01 docs '",
            "0:01 docs mcp x",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
        assert!(parse("0:02 docs next\n0:01 docs next").is_err());
    }
}
