//! The terminal: a screen of its own, and keys as they are pressed.

use std::fs::File;
use std::io::{self, Write as _};
use std::time::Duration;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{self, DisableBracketedPaste, EnableBracketedPaste};
use crossterm::style::{Attribute, Print, SetAttribute};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size,
};
use crossterm::{execute, queue};

use super::view::View;
use crate::error::{CliError, Result, failed};
use crate::restore::{AtEnd, at_end};
use crate::session::Session;

/// Forgets keys that were pressed and not read yet.
pub(super) fn forget_typed() -> Result<()> {
    let forgotten: io::Result<()> = (|| {
        while event::poll(Duration::ZERO)? {
            event::read()?;
        }
        Ok(())
    })();
    forgotten.map_err(|error| unusable(&error))
}

/// The terminal is ours as long as this is there. It is given back when this
/// ends, however.
pub(super) struct Screen {
    /// Gives it back where a signal ends the program; `None` once it was given
    /// back.
    at_end: Option<AtEnd>,
}

impl Screen {
    pub(super) fn enter(session: &mut Session<'_>) -> Result<Screen> {
        session.flush()?;
        let screen = Screen {
            at_end: Some(at_end(give_back_at_once)),
        };
        enable_raw_mode().map_err(|error| unusable(&error))?;
        execute!(io::stdout(), EnterAlternateScreen, Hide).map_err(|error| unusable(&error))?;
        // Where the terminal knows of it, a paste is no press of keys.
        let _ = execute!(io::stdout(), EnableBracketedPaste);
        Ok(screen)
    }

    /// Gives the terminal back.
    pub(super) fn leave(&mut self, session: &mut Session<'_>) -> Result<()> {
        session.flush()?;
        self.give_back().map_err(|error| unusable(&error))
    }

    fn give_back(&mut self) -> io::Result<()> {
        match self.at_end.take() {
            Some(_) => give_back(),
            None => Ok(()),
        }
    }

    /// Shows what there is now, in one write.
    pub(super) fn show(&mut self, session: &mut Session<'_>, view: &mut View) -> Result<()> {
        let (width, height) = size().map_err(|error| unusable(&error))?;
        let lines = view.screen(usize::from(width), usize::from(height));
        let mut frame = Vec::new();
        let drawn: io::Result<()> = (|| {
            queue!(frame, BeginSynchronizedUpdate)?;
            for (row, line) in (0_u16..).zip(&lines) {
                queue!(frame, MoveTo(0, row))?;
                if line.is_chosen {
                    queue!(frame, SetAttribute(Attribute::Reverse))?;
                }
                queue!(frame, Print(&line.text), SetAttribute(Attribute::Reset))?;
                queue!(frame, Clear(ClearType::UntilNewLine))?;
            }
            queue!(frame, EndSynchronizedUpdate)
        })();
        drawn.map_err(|error| unusable(&error))?;
        session.bytes(&frame)?;
        session.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.give_back();
        let _ = io::stdout().flush();
    }
}

fn give_back() -> io::Result<()> {
    let _ = execute!(io::stdout(), DisableBracketedPaste);
    execute!(io::stdout(), LeaveAlternateScreen, Show)?;
    disable_raw_mode()
}

/// As [`give_back`], from another thread: standard output is locked by the one
/// that draws.
fn give_back_at_once() {
    if let Ok(mut device) = File::options().write(true).open("/dev/tty") {
        let _ = execute!(device, DisableBracketedPaste, LeaveAlternateScreen, Show);
    }
    let _ = disable_raw_mode();
}

pub(super) fn unusable(error: &io::Error) -> CliError {
    failed(format!("can't use the terminal: {error}"))
}
