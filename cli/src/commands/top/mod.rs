//! What `status` prints and the newest of the log, kept up to date.
//!
//! A thread of its own reads the log ([`news`]); the overview is read again
//! after events, a few times a second at most. [`view`] is what is seen, as
//! plain lines, and [`screen`] the terminal that shows them.

mod news;
mod screen;
mod view;

use std::io::{self, IsTerminal as _};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use clap::Args;
use coro_api::numbers::RequestNumber;
use coro_api::overview::Overview;
use coro_api::requests::{NO, YES};
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use self::news::{Entry, News};
use self::screen::Screen;
use self::view::{Chosen, View};
use crate::commands::Run;
use crate::commands::requests::decide::{Answer, decide};
use crate::commands::status::Status;
use crate::error::{CliError, Result};
use crate::http::Request;
use crate::print::{escape, pretty};
use crate::session::{Session, unexpected};
use crate::terminal::Terminal;

/// The shortest time between two readings of the overview.
const READ_INTERVAL: Duration = Duration::from_millis(250);

/// The longest: how long somebody is silent changes without an event.
const AGE_MAX: Duration = Duration::from_secs(5);

/// How long a key is waited for before it is looked whether there are news.
const KEY_WAIT: Duration = Duration::from_millis(50);

/// How many entries of the log a program gets that has no terminal.
const ENTRIES_PRINTED: usize = 20;

/// Show how things stand as they change: agents, tasks, what waits for a decision, the log
///
/// Arrows select, Enter shows the object's JSON, y and n decide the selected
/// request as coro-cli yes and no do (n asks for the reason), q quits. Without a
/// terminal one screen is printed.
#[derive(Args)]
pub(crate) struct Top {
    /// The project; by default that of the token, else all
    #[arg(long)]
    project: Option<String>,
}

impl Run for Top {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let has_terminal = match session.machine() {
            Ok(machine) => machine.stdout_is_terminal && io::stdin().is_terminal(),
            Err(_) => false,
        };
        if !has_terminal || session.options.wants_json() {
            return self.print_once(session);
        }
        // The first answers come before the screen changes: an error stands
        // where the user sees it.
        let project = self.project.as_deref();
        let overview = read_overview(session, project)?;
        let entries = news::latest(session, project, view::ENTRIES_MAX)?;
        let news = news::follow(session, project, overview.revision)?;
        let mut top = Running {
            project: self.project,
            view: View::new(overview, entries),
            news,
            read_at: Instant::now(),
            is_old: false,
        };
        let mut screen = Screen::enter(session)?;
        let ended = top.run(session, &mut screen);
        screen.leave(session)?;
        ended
    }
}

impl Top {
    fn print_once(self, session: &mut Session<'_>) -> Result<()> {
        let status = Status {
            project: self.project.clone(),
        };
        status.run(session)?;
        if session.options.wants_json() || !session.has_token()? {
            return Ok(());
        }
        for entry in news::latest(session, self.project.as_deref(), ENTRIES_PRINTED)? {
            session.line(&entry.line)?;
        }
        Ok(())
    }
}

fn read_overview(session: &mut Session<'_>, project: Option<&str>) -> Result<Overview> {
    let response = session.call(Request::get("/api/overview").query_if("project", project))?;
    serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))
}

/// The screen while it runs.
struct Running {
    project: Option<String>,
    view: View,
    news: Receiver<News>,
    /// When the overview was read.
    read_at: Instant,
    /// Whether something has happened since.
    is_old: bool,
}

impl Running {
    fn run(&mut self, session: &mut Session<'_>, screen: &mut Screen) -> Result<()> {
        screen.show(session, &mut self.view)?;
        loop {
            let mut has_changed = false;
            if event::poll(KEY_WAIT).map_err(|error| screen::unusable(&error))? {
                match event::read().map_err(|error| screen::unusable(&error))? {
                    Event::Key(key) if key.kind != KeyEventKind::Release => {
                        if self.press(session, screen, key)? {
                            return Ok(());
                        }
                        has_changed = true;
                    }
                    Event::Resize(..) => has_changed = true,
                    _ => {}
                }
            }
            has_changed |= self.take_news()?;
            has_changed |= self.read_again(session)?;
            if has_changed {
                screen.show(session, &mut self.view)?;
            }
        }
    }

    /// Does what a key means; tells whether it was the last one.
    fn press(
        &mut self,
        session: &mut Session<'_>,
        screen: &mut Screen,
        key: KeyEvent,
    ) -> Result<bool> {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if is_control => return Ok(true),
            KeyCode::Char('q') | KeyCode::Esc | KeyCode::Enter if self.view.is_open() => {
                self.view.close();
            }
            KeyCode::Char('q') => return Ok(true),
            KeyCode::Up | KeyCode::Char('k') => self.view.step_by(-1),
            KeyCode::Down | KeyCode::Char('j') => self.view.step_by(1),
            KeyCode::PageUp => self.view.step_by(-10),
            KeyCode::PageDown => self.view.step_by(10),
            KeyCode::Enter => self.open(session),
            KeyCode::Char('y') => self.decide(session, screen, YES)?,
            KeyCode::Char('n') => self.decide(session, screen, NO)?,
            _ => {}
        }
        Ok(false)
    }

    /// Shows the JSON of what is selected.
    fn open(&mut self, session: &mut Session<'_>) {
        let request = match self.view.chosen() {
            Chosen::Nothing => return,
            Chosen::Entry(json) => return self.view.open(json_lines(json.as_bytes())),
            Chosen::Request(number) => Request::get(&format!("/api/requests/{number}")),
            Chosen::Agent { project, name } => Request::get("/api/instances")
                .query("project", project)
                .query("name", name),
        };
        match session.call(request) {
            Ok(response) => self.view.open(json_lines(&response.body)),
            Err(error) => self.view.tell(&error.to_string()),
        }
    }

    /// Decides the selected request, on the terminal as it was before: what is
    /// decided is shown there, and a passphrase asked for.
    fn decide(
        &mut self,
        session: &mut Session<'_>,
        screen: &mut Screen,
        option: &str,
    ) -> Result<()> {
        let Chosen::Request(number) = self.view.chosen() else {
            self.view.tell("select a request first");
            return Ok(());
        };
        // What was typed ahead is for the questions that follow, or was pasted:
        // as keys it would decide something else.
        screen::forget_typed()?;
        screen.leave(session)?;
        let decided = decide_on_terminal(session, number, option);
        *screen = Screen::enter(session)?;
        screen::forget_typed()?;
        let told = match decided {
            Ok(()) => {
                // Its JSON is no longer true.
                self.view.close();
                format!("{number}: {option}")
            }
            Err(error) => error.to_string(),
        };
        self.view.tell(&told);
        self.is_old = true;
        Ok(())
    }

    /// Takes what the log has brought; tells whether there was anything.
    fn take_news(&mut self) -> Result<bool> {
        let mut has_changed = false;
        while let Ok(news) = self.news.try_recv() {
            has_changed = true;
            match news {
                News::Entries(entries) => {
                    self.is_old = true;
                    self.view.is_away = None;
                    self.view.add(entries);
                }
                News::Lost(why) => self.lose(why)?,
            }
        }
        Ok(has_changed)
    }

    /// A server that is away is no reason to end.
    fn lose(&mut self, why: CliError) -> Result<()> {
        if !why.may_pass() {
            return Err(why);
        }
        self.view.is_away = Some(escape(&why.message));
        Ok(())
    }

    /// Reads the overview where it is old; tells whether it has.
    fn read_again(&mut self, session: &mut Session<'_>) -> Result<bool> {
        let age = self.read_at.elapsed();
        if age < READ_INTERVAL || !(self.is_old || age > AGE_MAX) {
            return Ok(false);
        }
        self.read_at = Instant::now();
        self.is_old = false;
        match read_overview(session, self.project.as_deref()) {
            Ok(overview) => {
                self.view.is_away = None;
                self.view.renew(overview);
            }
            Err(error) => self.lose(error)?,
        }
        Ok(true)
    }
}

/// Decides as `yes` and `no` do; what those take as `--why` is asked for here.
fn decide_on_terminal(
    session: &mut Session<'_>,
    number: RequestNumber,
    option: &str,
) -> Result<()> {
    let why = match Terminal::open() {
        Some(mut terminal) if option == NO => terminal.ask(&format!("Why not {number}"))?,
        _ => String::new(),
    };
    let answer = Answer {
        number,
        option: option.to_owned(),
        why,
        human: None,
    };
    decide(session, answer)
}

/// JSON as lines, in which nothing can deceive.
fn json_lines(json: &[u8]) -> Vec<String> {
    let text = pretty(json).unwrap_or_else(|| json.to_vec());
    let text = String::from_utf8_lossy(&text);
    text.lines().map(escape).collect()
}

impl Entry {
    /// Whether it is newer than all that are known.
    fn is_after(&self, known: &[Entry]) -> bool {
        known.iter().all(|one| one.revision < self.revision)
    }
}
