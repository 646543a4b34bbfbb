//! A terminal with a program on it, and a person who reads and types.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

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
}

impl Terminal {
    /// `command` makes the terminal its own: `setsid --ctty` does.
    pub(crate) fn start(mut command: Command) -> Terminal {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&person).expect("it is ours");
        unlockpt(&person).expect("it is ours");
        let name = ptsname(&person, Vec::new()).expect("it has a name");
        let device = open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty());
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
        }
    }

    /// Waits until the program has shown this, after what was waited for last.
    #[track_caller]
    pub fn expect(&mut self, text: &str) {
        loop {
            if let Some(at) = self.shown[self.seen..].find(text) {
                self.seen += at + text.len();
                return;
            }
            match self.screen.recv_timeout(PATIENCE) {
                Ok(more) => self.shown.push_str(&String::from_utf8_lossy(&more)),
                Err(_) => panic!("no {text:?} in {:?}", self.shown),
            }
        }
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) {
        self.keyboard
            .write_all(format!("{line}\n").as_bytes())
            .expect("the program reads");
    }

    /// Waits for the end; gives the exit code, and all that it has shown.
    pub fn end(mut self) -> (i32, String) {
        while let Ok(more) = self.screen.recv_timeout(PATIENCE) {
            self.shown.push_str(&String::from_utf8_lossy(&more));
        }
        let status = self.child.wait().expect("the process is ours");
        (status.code().unwrap_or(-1), std::mem::take(&mut self.shown))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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
