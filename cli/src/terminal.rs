//! The terminal device: where a person is, whatever the standard streams are
//! connected to.
//!
//! What is read here is typed by whoever sits at the terminal. A passphrase is
//! read without an echo, and is in no argument, variable or file.

use std::fs::File;
use std::io::{Read, Write};

use coro_api::humans::Passphrase;

use crate::error::{CliError, Result, failed, invalid};
use crate::print::escape;

/// The longest line that is read, in bytes.
const LINE_BYTES_MAX: usize = 4096;

pub(crate) struct Terminal {
    device: File,
}

impl Terminal {
    /// The terminal that the process is controlled by; `None` without one.
    pub(crate) fn open() -> Option<Terminal> {
        if !cfg!(unix) {
            return None;
        }
        let device = File::options().read(true).write(true).open("/dev/tty");
        device.ok().map(|device| Terminal { device })
    }

    /// Shows a line; what could deceive the reader is escaped.
    pub(crate) fn say(&mut self, line: &str) -> Result<()> {
        self.write(&format!("{}\n", escape(line)))
    }

    /// Asks for a line, which may be empty.
    pub(crate) fn ask(&mut self, prompt: &str) -> Result<String> {
        self.write(&format!("{}: ", escape(prompt)))?;
        let line = self.read_line().map_err(|error| unusable(&error))?;
        String::from_utf8(line).map_err(|_| invalid("what was typed is no UTF-8"))
    }

    /// Asks for a passphrase, without an echo.
    pub(crate) fn ask_passphrase(&mut self, prompt: &str) -> Result<Passphrase> {
        let silence = echo::Off::begin(&self.device).map_err(|error| unusable(&error))?;
        // The prompt comes after the echo has ended, so that nothing that is
        // typed at it shows.
        self.write(&format!("{}: ", escape(prompt)))?;
        let line = self.read_line();
        drop(silence);
        let line = line.map_err(|error| unusable(&error))?;
        match String::from_utf8(line) {
            Ok(line) if line.is_empty() => Err(invalid("no passphrase was typed")),
            Ok(line) => Ok(Passphrase::new(line)),
            Err(_) => Err(invalid("the passphrase is no UTF-8")),
        }
    }

    /// Up to the end of the line, which is left out.
    fn read_line(&mut self) -> std::io::Result<Vec<u8>> {
        let mut line = Vec::new();
        let mut byte = [0];
        while line.len() < LINE_BYTES_MAX && self.device.read(&mut byte)? == 1 {
            if byte[0] == b'\n' {
                break;
            }
            line.push(byte[0]);
        }
        Ok(line)
    }

    fn write(&mut self, text: &str) -> Result<()> {
        let written = self.device.write_all(text.as_bytes());
        written.map_err(|error| unusable(&error))
    }
}

fn unusable(error: &std::io::Error) -> CliError {
    failed(format!("can't use the terminal: {error}"))
}

#[cfg(unix)]
mod echo {
    use std::fs::File;
    use std::io;

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    use crate::restore::{AtEnd, at_end};

    /// A terminal without an echo, as long as this value is there.
    pub(super) struct Off {
        device: File,
        before: Termios,
        _at_end: AtEnd,
    }

    impl Off {
        pub(super) fn begin(device: &File) -> io::Result<Off> {
            let device = device.try_clone()?;
            let before = tcgetattr(&device)?;
            let (at, usual) = (device.try_clone()?, before.clone());
            let at_end = at_end(move || {
                let _ = tcsetattr(&at, OptionalActions::Now, &usual);
            });
            let mut silent = before.clone();
            silent.local_modes.remove(LocalModes::ECHO);
            // The end of the line shows, or what follows would be beside the prompt.
            silent
                .local_modes
                .insert(LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
            tcsetattr(&device, OptionalActions::Flush, &silent)?;
            Ok(Off {
                device,
                before,
                _at_end: at_end,
            })
        }
    }

    impl Drop for Off {
        fn drop(&mut self) {
            // Nobody is left to tell where this fails.
            let _ = tcsetattr(&self.device, OptionalActions::Now, &self.before);
        }
    }
}

#[cfg(not(unix))]
mod echo {
    use std::fs::File;
    use std::io;

    pub(super) struct Off;

    impl Off {
        pub(super) fn begin(_: &File) -> io::Result<Off> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }
}
