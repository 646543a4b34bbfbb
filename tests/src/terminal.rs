//! A terminal with a program on it, and a person who reads and types.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::PATIENCE;

/// A program on a pseudo-terminal. Ends with this value.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    /// All that it has shown.
    shown: String,
    /// How much of that was looked at.
    seen: usize,
    /// The beginning of a character whose rest has not come yet.
    begun: Vec<u8>,
}

impl Terminal {
    /// `command` makes the terminal its own: `setsid --ctty` does.
    pub(crate) fn start(mut command: Command) -> Terminal {
        // No program of another test gets it: a terminal whose person is gone
        // hangs up, and its program ends.
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let person = openpt(flags).expect("a terminal");
        set_size(&person, 80, 24);
        grantpt(&person).expect("it is ours");
        unlockpt(&person).expect("it is ours");
        let name = ptsname(&person, Vec::new()).expect("it has a name");
        let device = open(
            &name,
            OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
            Mode::empty(),
        );
        let device = File::from(device.expect("the terminal's other end"));
        let another = || device.try_clone().expect("a descriptor");
        let child = command
            .stdin(another())
            .stdout(another())
            .stderr(another())
            .spawn()
            .expect("setsid is there");
        // The command holds the other end too: without it, the screen ends with
        // the program.
        drop((command, device));
        let keyboard = File::from(person);
        let screen = read(keyboard.try_clone().expect("a descriptor"));
        Terminal {
            child,
            keyboard,
            screen,
            shown: String::new(),
            seen: 0,
            begun: Vec::new(),
        }
    }

    /// Waits until the program has shown this, after what was waited for last.
    #[track_caller]
    pub fn expect(&mut self, text: &str) {
        // A program that shows something now and then is not waited for without end.
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.shown[self.seen..].find(text) {
                self.seen += at + text.len();
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.screen.recv_timeout(left) {
                Ok(more) => self.take(more),
                Err(_) => panic!("no {text:?} in {:?}", self.shown),
            }
        }
    }

    fn take(&mut self, more: Vec<u8>) {
        self.begun.extend(more);
        let whole = match std::str::from_utf8(&self.begun) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.begun.len(),
        };
        let whole: Vec<u8> = self.begun.drain(..whole).collect();
        self.shown.push_str(&String::from_utf8_lossy(&whole));
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) {
        self.press(&format!("{line}\n"));
    }

    /// Presses keys, as a terminal sends them.
    pub fn press(&mut self, keys: &str) {
        self.keyboard
            .write_all(keys.as_bytes())
            .expect("the program reads");
    }

    /// Makes the window so large; the program is told.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        set_size(&self.keyboard, columns, rows);
    }

    /// Sends the program a signal.
    pub fn signal(&self, signal: Signal) {
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    /// Whether what is typed reaches the program line by line, with an echo.
    pub fn is_as_usual(&self) -> bool {
        let modes = tcgetattr(&self.keyboard).expect("a terminal").local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }

    /// All that it has shown so far.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Waits for the end; gives the exit code, and all that it has shown.
    pub fn end(mut self) -> (i32, String) {
        let code = self.wait();
        (code, std::mem::take(&mut self.shown))
    }

    /// Waits for the end; gives the exit code.
    pub fn wait(&mut self) -> i32 {
        while let Ok(more) = self.screen.recv_timeout(PATIENCE) {
            self.take(more);
        }
        let status = self.child.wait().expect("the process is ours");
        status.code().unwrap_or(-1)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn set_size(terminal: impl AsFd, columns: u16, rows: u16) {
    let size = Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(terminal, size).expect("a terminal has a size");
}

/// What comes; the channel ends when the program has left the terminal.
fn read(mut from: File) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut chunk = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut chunk) {
            if sender.send(chunk[..length].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}
