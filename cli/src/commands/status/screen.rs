//! The overview as lines: a heading with a count, and below it a line an item.
//! What there is nothing of has no line.

use coro_api::agents::AgentStatus;
use coro_api::numbers::RequestNumber;
use coro_api::overview::{Overview, OverviewAgent, OverviewRequest, TaskCounts};
use coro_api::pauses::Pause;

use crate::print::{escape, row};

/// How many items a heading has below it: more than a screen helps nobody.
const AGENTS_SHOWN: usize = 20;
const REQUESTS_SHOWN: usize = 10;
const PAUSES_SHOWN: usize = 10;

/// How much of a title, an intent or a reason is shown, in characters.
const TEXT_CHARS_MAX: usize = 60;

/// A line of the screen, and what it tells of.
pub(in crate::commands) struct Line {
    pub(in crate::commands) text: String,
    pub(in crate::commands) about: About,
}

/// What can be looked at more closely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands) enum About {
    Nothing,
    Agent { project: String, name: String },
    Request(RequestNumber),
}

pub(super) fn lines(overview: &Overview) -> Vec<String> {
    let lines = told_lines(overview).into_iter();
    lines.map(|line| line.text).collect()
}

/// The lines with what they are about.
pub(in crate::commands) fn told_lines(overview: &Overview) -> Vec<Line> {
    let mut lines = Vec::new();
    let names_projects = overview.project.is_none();
    let agents = overview.agents.iter().map(|agent| Line {
        text: agent_line(agent, names_projects, &overview.pauses),
        about: About::Agent {
            project: agent.project.clone(),
            name: agent.name.clone(),
        },
    });
    let more = overview.agents_more;
    section(
        &mut lines,
        "agents",
        agents,
        more,
        AGENTS_SHOWN,
        "coro-cli instances list",
    );
    if let Some(tasks) = task_counts(&overview.tasks) {
        lines.push(plain(row(&["tasks", &tasks])));
    }
    let requests = overview.requests.iter().map(|request| Line {
        text: request_line(request),
        about: About::Request(request.number),
    });
    let more = usize::try_from(overview.requests_more).unwrap_or(0);
    section(
        &mut lines,
        "requests",
        requests,
        more,
        REQUESTS_SHOWN,
        "coro-cli requests",
    );
    if overview.undelivered > 0 {
        let unread = format!("{} unread", overview.undelivered);
        lines.push(plain(row(&["messages", &unread])));
    }
    if overview.leases > 0 {
        let held = format!("{} held", overview.leases);
        lines.push(plain(row(&["leases", &held])));
    }
    let pauses = overview.pauses.iter().map(|pause| plain(pause_line(pause)));
    section(
        &mut lines,
        "pauses",
        pauses,
        0,
        PAUSES_SHOWN,
        "coro-cli pause --list",
    );
    lines
}

fn plain(text: String) -> Line {
    Line {
        text,
        about: About::Nothing,
    }
}

/// A heading and its items; beyond some the command that lists them all.
fn section(
    lines: &mut Vec<Line>,
    heading: &str,
    items: impl ExactSizeIterator<Item = Line>,
    more: usize,
    shown_max: usize,
    command: &str,
) {
    let count = items.len() + more;
    if count == 0 {
        return;
    }
    lines.push(plain(row(&[heading, &count.to_string()])));
    let left = count - items.len().min(shown_max);
    lines.extend(items.take(shown_max).map(|item| Line {
        text: format!("  {}", item.text),
        about: item.about,
    }));
    if left > 0 {
        lines.push(plain(format!("  and {left} more: {command}")));
    }
}

fn agent_line(agent: &OverviewAgent, names_project: bool, pauses: &[Pause]) -> String {
    let mut line = match names_project {
        true => format!("{}/{}", word(&agent.project), word(&agent.name)),
        false => word(&agent.name),
    };
    line.push_str(&format!(" {}", agent.status.word()));
    if agent.status == AgentStatus::Stale {
        line.push_str(&format!(" for {}", in_words(agent.silent_seconds)));
    }
    match &agent.task {
        Some(task) => {
            line.push_str(&format!(" {} {}", task.number, quoted(&task.title)));
            if task.attempt > 1 {
                line.push_str(&format!(" attempt {}", task.attempt));
            }
        }
        None if !agent.intent.is_empty() => line.push_str(&format!(" {}", quoted(&agent.intent))),
        None => {}
    }
    if agent.unread > 0 {
        line.push_str(&format!(", {} unread", agent.unread));
    }
    let holds = |pause: &Pause| pause.holds(&agent.project, &agent.name);
    if pauses.iter().any(holds) {
        line.push_str(", paused");
    }
    line
}

fn task_counts(tasks: &TaskCounts) -> Option<String> {
    let counts = [
        (tasks.ready, "ready"),
        (tasks.waiting, "waiting"),
        (tasks.claimed, "claimed"),
        (tasks.done, "done"),
        (tasks.failed, "failed"),
        (tasks.cancelled, "cancelled"),
    ];
    let some = counts.iter().filter(|(count, _)| *count > 0);
    let some: Vec<String> = some
        .map(|(count, kind)| format!("{count} {kind}"))
        .collect();
    (!some.is_empty()).then(|| some.join(", "))
}

fn request_line(request: &OverviewRequest) -> String {
    let number = request.number;
    let (kind, by) = (request.kind.word(), word(&request.asked_by));
    let until = match request.expires_in_seconds {
        Some(seconds) => format!("expires in {}", in_words(seconds)),
        None => "waits without end".to_owned(),
    };
    let who = match request.protected {
        true => "a human decides, ",
        false => "",
    };
    format!(
        "{number} {kind} by {by}: {} ({who}{until})",
        quoted(&request.title)
    )
}

fn pause_line(pause: &Pause) -> String {
    let mut line = format!("{} by {}", word(&pause.id), word(&pause.paused_by));
    if !pause.reason.is_empty() {
        line.push_str(&format!(": {}", quoted(&pause.reason)));
    }
    line
}

/// A name as it is, or in quotes where it could pass for more than one word.
fn word(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.:/@".contains(c);
    match name.chars().all(is_plain) {
        true => name.to_owned(),
        false => quoted(name),
    }
}

/// The beginning of what somebody wrote, in quotes.
fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(TEXT_CHARS_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("\"{}\"", escape(&short).replace('"', "\\\""))
}

/// A duration in its largest unit, as `--ttl` takes it.
fn in_words(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use coro_api::numbers::TaskNumber;
    use coro_api::overview::OverviewTask;
    use coro_api::requests::RequestKind;

    use super::*;

    #[test]
    fn all_that_there_is_fits_on_a_screen() {
        let overview = Overview {
            project: Some("shop".to_owned()),
            agents: vec![
                OverviewAgent {
                    task: Some(OverviewTask {
                        number: TaskNumber(9),
                        title: "Build the cart".to_owned(),
                        attempt: 2,
                    }),
                    unread: 2,
                    ..agent("frontend")
                },
                OverviewAgent {
                    status: AgentStatus::Stale,
                    silent_seconds: 720,
                    intent: "a \"quick\"\n fix\u{202e}".to_owned(),
                    ..agent("back end")
                },
            ],
            tasks: TaskCounts {
                ready: 2,
                claimed: 1,
                done: 14,
                ..TaskCounts::default()
            },
            requests: vec![request(7), request(8)],
            requests_more: 3,
            leases: 2,
            undelivered: 3,
            pauses: vec![Pause {
                id: "agent:shop/frontend".to_owned(),
                project: "shop".to_owned(),
                agent: "frontend".to_owned(),
                reason: "the release is broken".to_owned(),
                paused_by: "human:owner".to_owned(),
                paused_at: String::new(),
            }],
            ..nothing()
        };
        let expected = [
            "agents\t2",
            "  frontend active T-9 \"Build the cart\" attempt 2, 2 unread, paused",
            "  \"back end\" stale for 12m \"a \\\"quick\\\"\\n fix\\u202e\"",
            "tasks\t2 ready, 1 claimed, 14 done",
            "requests\t5",
            "  R-7 lease_override by agent:backend: \"edit src/api\" (a human decides, expires in 40m)",
            "  R-8 lease_override by agent:backend: \"edit src/api\" (a human decides, expires in 40m)",
            "  and 3 more: coro-cli requests",
            "messages\t3 unread",
            "leases\t2 held",
            "pauses\t1",
            "  agent:shop/frontend by human:owner: \"the release is broken\"",
        ];
        assert_eq!(lines(&overview), expected);
    }

    #[test]
    fn where_nothing_is_nothing_is_said() {
        assert_eq!(lines(&nothing()), [""; 0]);
    }

    #[test]
    fn many_are_counted_and_all_projects_are_told_apart() {
        let overview = Overview {
            agents: (0..30).map(|number| agent(&format!("a{number}"))).collect(),
            agents_more: 5,
            ..nothing()
        };
        let lines = lines(&overview);
        assert_eq!((lines.len(), &*lines[0]), (22, "agents\t35"));
        assert_eq!(lines[1], "  shop/a0 active");
        assert_eq!(lines[21], "  and 15 more: coro-cli instances list");
    }

    #[test]
    fn what_somebody_wrote_is_cut() {
        let title = "x".repeat(100);
        assert_eq!(quoted(&title), format!("\"{}…\"", "x".repeat(60)));
    }

    #[test]
    fn durations_are_told_in_one_unit() {
        let table = [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (7_199, "1h"),
            (172_800, "2d"),
        ];
        for (seconds, expected) in table {
            assert_eq!(in_words(seconds), expected);
        }
    }

    fn nothing() -> Overview {
        Overview {
            project: None,
            revision: 7,
            agents: Vec::new(),
            agents_more: 0,
            tasks: TaskCounts::default(),
            requests: Vec::new(),
            requests_more: 0,
            leases: 0,
            undelivered: 0,
            pauses: Vec::new(),
        }
    }

    fn agent(name: &str) -> OverviewAgent {
        OverviewAgent {
            name: name.to_owned(),
            project: "shop".to_owned(),
            status: AgentStatus::Active,
            intent: String::new(),
            last_seen: String::new(),
            silent_seconds: 0,
            task: None,
            unread: 0,
        }
    }

    fn request(number: i64) -> OverviewRequest {
        OverviewRequest {
            number: RequestNumber(number),
            project: "shop".to_owned(),
            kind: RequestKind::LeaseOverride,
            title: "edit src/api".to_owned(),
            asked_by: "agent:backend".to_owned(),
            expires_at: String::new(),
            expires_in_seconds: Some(2_430),
            protected: true,
        }
    }
}
