//! What is seen, as lines: how things stand, then the log; or one JSON. Every
//! text is escaped when it comes in.

use coro_api::numbers::RequestNumber;
use coro_api::overview::Overview;
use unicode_width::UnicodeWidthChar as _;

use super::news::Entry;
use crate::commands::status::screen::{About, told_lines};
use crate::print::escape;

/// How many entries of the log are kept: more than any screen shows.
pub(super) const ENTRIES_MAX: usize = 200;

/// The fewest lines of a screen that the log gets.
const LOG_LINES_MIN: usize = 5;

const KEYS: &str = "q quit   ↑↓ select   Enter JSON   y/n decide";
const KEYS_OF_JSON: &str = "q back   ↑↓ scroll   y/n decide";

pub(super) struct View {
    overview: Overview,
    /// The newest first.
    entries: Vec<Entry>,
    /// What is selected.
    chosen: Mark,
    /// The JSON that is looked at, and the first line of it that is seen.
    opened: Option<(Vec<String>, usize)>,
    /// What a key came to.
    told: String,
    /// Why the server can't be asked.
    pub(super) is_away: Option<String>,
}

/// What is selected, by what it is: lines come and go.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Mark {
    Nothing,
    About(About),
    Entry(i64),
}

/// What is selected, to act on.
pub(super) enum Chosen {
    Nothing,
    Agent {
        project: String,
        name: String,
    },
    Request(RequestNumber),
    /// The JSON of an entry.
    Entry(String),
}

/// A line as it is shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) text: String,
    pub(super) is_chosen: bool,
}

impl View {
    pub(super) fn new(overview: Overview, entries: Vec<Entry>) -> View {
        View {
            overview,
            entries,
            chosen: Mark::Nothing,
            opened: None,
            told: String::new(),
            is_away: None,
        }
    }

    pub(super) fn renew(&mut self, overview: Overview) {
        self.overview = overview;
    }

    /// Adds entries, the oldest first.
    pub(super) fn add(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            if entry.is_after(&self.entries) {
                self.entries.insert(0, entry);
            }
        }
        self.entries.truncate(ENTRIES_MAX);
    }

    pub(super) fn tell(&mut self, text: &str) {
        self.told = escape(text);
    }

    pub(super) fn open(&mut self, lines: Vec<String>) {
        self.told.clear();
        self.opened = Some((lines, 0));
    }

    pub(super) fn is_open(&self) -> bool {
        self.opened.is_some()
    }

    pub(super) fn close(&mut self) {
        self.told.clear();
        self.opened = None;
    }

    /// Moves the selection, or what is seen of the JSON, by some lines.
    pub(super) fn step_by(&mut self, count: isize) {
        self.told.clear();
        if let Some((lines, first)) = &mut self.opened {
            let last = lines.len().saturating_sub(1);
            *first = first.saturating_add_signed(count).min(last);
            return;
        }
        let marks: Vec<Mark> = self
            .marked_lines()
            .into_iter()
            .map(|(mark, _)| mark)
            .collect();
        let places: Vec<&Mark> = marks
            .iter()
            .filter(|mark| **mark != Mark::Nothing)
            .collect();
        let Some(last) = places.len().checked_sub(1) else {
            return;
        };
        let next = match places.iter().position(|mark| **mark == self.chosen) {
            Some(at) => at.saturating_add_signed(count).min(last),
            None => 0,
        };
        self.chosen = places[next].clone();
    }

    pub(super) fn chosen(&self) -> Chosen {
        match &self.chosen {
            Mark::About(About::Agent { project, name }) => Chosen::Agent {
                project: project.clone(),
                name: name.clone(),
            },
            Mark::About(About::Request(number)) => Chosen::Request(*number),
            Mark::Entry(revision) => {
                let found = self
                    .entries
                    .iter()
                    .find(|entry| entry.revision == *revision);
                found.map_or(Chosen::Nothing, |entry| Chosen::Entry(entry.json.clone()))
            }
            _ => Chosen::Nothing,
        }
    }

    /// A screen of `height` lines, none wider than `width`.
    pub(super) fn screen(&mut self, width: usize, height: usize) -> Vec<Shown> {
        let body = height.saturating_sub(1);
        let mut shown = match &self.opened {
            Some((lines, first)) => {
                let seen = lines.iter().skip(*first).take(body);
                seen.map(|line| shown(line, false, width)).collect()
            }
            None => self.now(width, body),
        };
        shown.resize_with(body, || self::shown("", false, width));
        shown.push(self::shown(&self.footer(), false, width));
        shown.truncate(height);
        shown
    }

    fn now(&self, width: usize, height: usize) -> Vec<Shown> {
        let lines = self.marked_lines();
        let of_log = |(mark, _): &(Mark, String)| matches!(mark, Mark::Entry(_));
        let state = lines.iter().filter(|line| !of_log(line));
        // What is selected is seen, however many lines stand before it.
        let room = height.saturating_sub(LOG_LINES_MIN);
        let state: Vec<_> = state.collect();
        let skipped = self
            .place_in(&state)
            .map_or(0, |at| (at + 1).saturating_sub(room));
        let mut seen: Vec<Shown> = Vec::new();
        let show = |(mark, text): &(Mark, String)| {
            shown(text, *mark != Mark::Nothing && *mark == self.chosen, width)
        };
        seen.extend(state.iter().skip(skipped).take(room).map(|line| show(line)));
        let log: Vec<_> = lines.iter().filter(|line| of_log(line)).collect();
        let left = height.saturating_sub(seen.len());
        let skipped = self
            .place_in(&log)
            .map_or(0, |at| (at + 1).saturating_sub(left));
        seen.extend(log.iter().skip(skipped).take(left).map(|line| show(line)));
        seen
    }

    fn place_in(&self, lines: &[&(Mark, String)]) -> Option<usize> {
        let is_chosen =
            |(mark, _): &&(Mark, String)| *mark != Mark::Nothing && *mark == self.chosen;
        lines.iter().position(is_chosen)
    }

    /// All lines with what they are about.
    fn marked_lines(&self) -> Vec<(Mark, String)> {
        let project = match &self.overview.project {
            Some(project) => format!("project {}", escape(project)),
            None => "all projects".to_owned(),
        };
        let head = format!("coro   {project}   revision {}", self.overview.revision);
        let mut lines = vec![(Mark::Nothing, head)];
        lines.extend(told_lines(&self.overview).into_iter().map(|line| {
            let mark = match line.about {
                About::Nothing => Mark::Nothing,
                about => Mark::About(about),
            };
            (mark, line.text)
        }));
        lines.push((Mark::Nothing, "log".to_owned()));
        let entry_line = |entry: &Entry| (Mark::Entry(entry.revision), format!("  {}", entry.line));
        lines.extend(self.entries.iter().map(entry_line));
        lines
    }

    fn footer(&self) -> String {
        if let Some(why) = &self.is_away {
            return format!("the server is away: {why}");
        }
        match (self.told.as_str(), &self.opened) {
            ("", Some(_)) => KEYS_OF_JSON.to_owned(),
            ("", None) => KEYS.to_owned(),
            (told, _) => told.to_owned(),
        }
    }
}

/// A line that fits; what is left out is replaced by dots.
fn shown(text: &str, is_chosen: bool, width: usize) -> Shown {
    let text = text.replace('\t', "  ");
    let mut fitting = String::new();
    let mut used = 0;
    for character in text.chars() {
        used += character.width().unwrap_or(0);
        if used > width {
            fitting = shortened(fitting, width);
            break;
        }
        fitting.push(character);
    }
    Shown {
        text: fitting,
        is_chosen,
    }
}

/// Makes room for the dots at the end of a line that is full.
fn shortened(mut text: String, width: usize) -> String {
    let wide = |text: &str| {
        text.chars()
            .map(|one| one.width().unwrap_or(0))
            .sum::<usize>()
    };
    while wide(&text) + 1 > width && text.pop().is_some() {}
    if width > 0 {
        text.push('…');
    }
    text
}
