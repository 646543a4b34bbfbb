//! A place for a hook to work in, and a server that answers it.

use std::cell::Cell;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};

use serde_json::Value;

use super::super::fingerprint;
use crate::config::Environment;
use crate::error::Exit;
use crate::machine::Machine;
use crate::run::run;
use crate::session::Place;

/// What the hook printed, and how it ended.
#[derive(Debug)]
pub(super) struct Printed {
    pub(super) code: u8,
    pub(super) out: String,
    pub(super) err: String,
}

impl Printed {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

pub(super) fn run_hook(env: Environment, args: &[&str], input: &str) -> Printed {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut stdin = input.as_bytes();
    let machine = Machine::new(env, &mut stdin, false);
    let args = args.iter().map(OsString::from).collect();
    let exit: Exit = run(args, Place::Machine(Box::new(machine)), &mut out, &mut err);
    Printed {
        code: exit.code(),
        out: String::from_utf8(out).unwrap(),
        err: String::from_utf8(err).unwrap(),
    }
}

/// A folder that ends with this value.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("coro-hook-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Folder(path.canonicalize().unwrap())
    }

    /// With a repository `work` that has a `.coro`.
    pub(super) fn project() -> Folder {
        let folder = Folder::new();
        fs::create_dir_all(folder.0.join("work/.git")).unwrap();
        fs::create_dir_all(folder.0.join("work/.coro")).unwrap();
        folder
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    pub(super) fn environment(&self, url: &str) -> Environment {
        Environment {
            working_directory: self.0.join("work"),
            url: Some(url.to_owned()),
            token: Some("cor_agent".to_owned()),
            state_home: Some(self.0.join("state")),
            ..Environment::default()
        }
    }

    /// The hook with a server at this address.
    pub(super) fn hook(&self, url: &str, args: &[&str]) -> impl Fn(&str) -> Printed {
        let env = self.environment(url);
        move |input| run_hook(env.clone(), args, input)
    }

    /// The hook where files alone say what to do.
    pub(super) fn hook_of_files(&self, args: &[&str]) -> impl Fn(&str) -> Printed {
        let mut env = self.environment("");
        (env.url, env.token) = (None, None);
        move |input| run_hook(env.clone(), args, input)
    }

    /// The text of the only ledger.
    pub(super) fn ledger(&self) -> String {
        let name = format!("work/.coro/local/shown-{}", fingerprint("cor_agent"));
        fs::read_to_string(self.0.join(name)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A server that answers one request.
pub(super) struct Server {
    pub(super) url: String,
    thread: Cell<Option<JoinHandle<Asked>>>,
}

pub(super) struct Asked {
    pub(super) head: String,
    pub(super) body: Value,
}

impl Server {
    pub(super) fn answering(status: u16, body: &str) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let length = body.len();
        let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}");
        let thread = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                reader.read_line(&mut head).unwrap();
            }
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("Content-Length: "));
            let mut body = vec![0; length.unwrap().parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            reader.get_mut().write_all(answer.as_bytes()).unwrap();
            Asked {
                head,
                body: serde_json::from_slice(&body).unwrap(),
            }
        });
        Server {
            url,
            thread: Cell::new(Some(thread)),
        }
    }

    /// What it was asked.
    pub(super) fn asked(&self) -> Asked {
        self.thread.take().unwrap().join().unwrap()
    }
}
