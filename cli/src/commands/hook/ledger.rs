//! Which messages an agent was shown here, so that none is shown twice and the
//! server learns of it.
//!
//! A file of lines for each token, below `.coro/local` of the project, else in
//! the user's folder of state: `M-40` was shown and the server knows, `M-41 new`
//! was shown and it does not know yet, and `go 0123…` is what the agent was last
//! told to go on with. A client runs hooks beside each other where it uses tools
//! so: each takes the file's lock, drops what is in it, adds the rest, and only
//! then prints. A hook that is killed in between loses that print, which is the
//! better fault: its messages stay where the agent can read them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use coro_api::hooks::HookMessage;
use coro_api::numbers::MessageNumber;

use super::fingerprint;
use crate::config::{Environment, find_project, prepare_local};

/// The most messages that one call tells of; the rest comes with the next.
const TOLD_MAX: usize = 200;

/// How many messages are remembered, the newest. The server knows of all that
/// it was told of, and gives them no more.
const MESSAGES_MAX: usize = 1_000;

/// A file of a thousand lines is below this; what is longer is not ours.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

pub(super) struct Ledger {
    file: File,
    /// What the server does not know yet.
    untold: Vec<MessageNumber>,
}

/// What one answer brought, before it is printed.
pub(super) struct Offer {
    pub(super) messages: Vec<HookMessage>,
    /// How many bytes of messages there is room for.
    pub(super) room: usize,
    pub(super) go_on: Option<String>,
    /// The client works on because of a hook already.
    pub(super) goes_on: bool,
}

impl Ledger {
    /// The ledger of the agent that this token is; `None` where none can be
    /// kept.
    pub(super) fn open(env: &Environment, token: &str) -> Option<Ledger> {
        let name = format!("shown-{token}");
        let in_project = || {
            let project = find_project(&env.working_directory)?;
            let file = open(&project.join("local"), &name);
            file.or_else(|_| open(&prepare_local(&project)?, &name))
                .ok()
        };
        let in_state = || {
            let folder = env.state_home.as_ref()?.join("coro");
            fs::create_dir_all(&folder).ok()?;
            open(&folder, &name).ok()
        };
        let file = in_project().or_else(in_state)?;
        let mut ledger = Ledger {
            file,
            untold: Vec::new(),
        };
        let lines = ledger.locked(|lines| lines.clone()).ok()?;
        let untold = lines.messages.iter().filter(|(_, is_told)| !is_told);
        ledger.untold = untold.map(|(number, _)| *number).take(TOLD_MAX).collect();
        Some(ledger)
    }

    pub(super) fn untold(&self) -> &[MessageNumber] {
        &self.untold
    }

    /// The server knows now of what it was told; keeps of the offer what is new,
    /// in its order and as far as there is room, and remembers it.
    pub(super) fn settle(&mut self, offer: Offer) -> io::Result<Offer> {
        let has_nothing = offer.messages.is_empty() && offer.go_on.is_none();
        if has_nothing && self.untold.is_empty() {
            return Ok(offer);
        }
        let told = std::mem::take(&mut self.untold);
        self.locked(|lines| {
            for (number, is_told) in &mut lines.messages {
                *is_told |= told.contains(number);
            }
            lines.take(offer)
        })
    }

    /// Reads the file, lets it be changed, and writes it if it was, all under
    /// its lock.
    fn locked<T>(&mut self, change: impl FnOnce(&mut Lines) -> T) -> io::Result<T> {
        self.file.lock()?;
        let result = self.change(change);
        let unlocked = self.file.unlock();
        let result = result?;
        unlocked.map(|()| result)
    }

    fn change<T>(&mut self, change: impl FnOnce(&mut Lines) -> T) -> io::Result<T> {
        let mut text = String::new();
        self.file.seek(SeekFrom::Start(0))?;
        (&self.file)
            .take(FILE_BYTES_MAX)
            .read_to_string(&mut text)?;
        let mut lines = Lines::parse(&text);
        let result = change(&mut lines);
        let changed = lines.text();
        if changed != text {
            // Written over, then cut: a hook that is killed in between leaves
            // old lines at the end, which are still true.
            self.file.seek(SeekFrom::Start(0))?;
            self.file.write_all(changed.as_bytes())?;
            self.file.set_len(changed.len() as u64)?;
        }
        Ok(result)
    }
}

/// What of an offer there is room for, where no ledger is kept.
pub(super) fn unremembered(offer: Offer) -> Offer {
    Lines::default().take(offer)
}

/// What the file says.
#[derive(Clone, Default)]
struct Lines {
    /// What was shown, the oldest first, and whether the server knows.
    messages: Vec<(MessageNumber, bool)>,
    /// The fingerprint of what the agent was last told to go on with.
    go_on: Option<String>,
}

impl Lines {
    /// A line that makes no sense is none of ours.
    fn parse(text: &str) -> Lines {
        let mut lines = Lines::default();
        for line in text.lines() {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            if word == "go" {
                lines.go_on = Some(rest.to_owned());
            } else if let Ok(number) = word.parse() {
                lines.messages.push((number, rest != "new"));
            }
        }
        lines
    }

    fn text(&self) -> String {
        let mut text = String::new();
        if let Some(go_on) = &self.go_on {
            text.push_str(&format!("go {go_on}\n"));
        }
        let kept_from = self.messages.len().saturating_sub(MESSAGES_MAX);
        for (number, is_told) in &self.messages[kept_from..] {
            let end = if *is_told { "\n" } else { " new\n" };
            text.push_str(&format!("{number}{end}"));
        }
        text
    }

    fn take(&mut self, mut offer: Offer) -> Offer {
        if let Some(go_on) = &offer.go_on {
            let print = Some(fingerprint(go_on));
            // Told so once and stopping again without another reason, it goes
            // round in a circle.
            if offer.goes_on && print == self.go_on {
                offer.go_on = None;
                offer.messages.clear();
            } else {
                self.go_on = print;
            }
        }
        let mut room = offer.room;
        let mut is_full = false;
        offer.messages.retain(|message| {
            let is_known = self
                .messages
                .iter()
                .any(|(known, _)| *known == message.number);
            is_full |= !is_known && message.text.len() > room;
            if is_known || is_full {
                return false;
            }
            room -= message.text.len();
            self.messages.push((message.number, false));
            true
        });
        offer
    }
}

fn open(folder: &Path, name: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(folder.join(name))
}
