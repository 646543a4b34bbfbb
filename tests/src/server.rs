//! A real server in a process of its own.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

use coro_api::agents::{Agent, RegisteredAgent};
use coro_api::events::Event;
use coro_api::state::StateItem;
use coro_api::tokens::{IssuedToken, Role};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::http::{Client, Request, key_path};
use crate::options::Process;
use crate::{Cli, Database, Engine, Failed, Options};

/// A running server. Its process and its files end with this value.
///
/// The short methods call as the owner; [`Server::client`] and
/// [`Server::issue`] give other callers.
#[derive(Debug)]
pub struct Server {
    options: Options,
    process: Mutex<Process>,
    owner: String,
}

impl Server {
    /// Starts a server on an empty database.
    pub fn start(engine: Engine) -> Self {
        Options::new(engine).start()
    }

    pub(crate) fn new(options: Options, process: Process) -> Self {
        let path = options.data_dir().join("owner.token");
        let owner = options
            .owner
            .clone()
            .or_else(|| std::fs::read_to_string(&path).ok());
        let owner = owner.unwrap_or_default().trim().to_owned();
        Server {
            options,
            process: Mutex::new(process),
            owner,
        }
    }

    /// `http://127.0.0.1:…`; another one after each start.
    pub fn url(&self) -> String {
        self.process().url.clone()
    }

    /// Host and port.
    pub fn address(&self) -> String {
        let url = self.url();
        url.split_once("://")
            .map_or(url.clone(), |(_, address)| address.to_owned())
    }

    pub fn engine(&self) -> Engine {
        self.options.engine()
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    pub fn data_dir(&self) -> PathBuf {
        self.options.data_dir()
    }

    pub fn database(&self) -> &Database {
        self.options.database()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.process().stderr()
    }

    /// The first lines that it printed, up to one that `ends` says is the last.
    pub fn greeting(&self, lines: usize) -> Vec<String> {
        let mut process = self.process();
        while process.stdout.len() < lines && process.next_line().is_some() {}
        process.stdout.iter().cloned().collect()
    }

    pub fn pid(&self) -> i32 {
        self.process().id().as_raw_nonzero().get()
    }

    /// Starts a replica: another server on the same PostgreSQL database.
    pub fn replica(&self) -> Server {
        self.options.replica(&self.owner).start()
    }

    /// Ends it as an operator does, and waits.
    pub fn stop(&self) -> Failed {
        let mut process = self.process();
        process.signal(Signal::TERM);
        process.ended()
    }

    /// Asks it to end and does not wait.
    pub fn terminate(&self) {
        self.process().signal(Signal::TERM);
    }

    /// Ends it without a chance to tidy up, and waits.
    pub fn kill(&self) {
        let mut process = self.process();
        process.signal(Signal::KILL);
        process.ended();
    }

    /// Waits until it has ended by itself.
    pub fn wait(&self) -> Failed {
        self.process().ended()
    }

    /// Starts it again on the same data, after [`Server::stop`] or
    /// [`Server::kill`].
    pub fn start_again(&self) {
        let started = self.options.spawn();
        *self.process() = started.unwrap_or_else(|failed| panic!("no second start: {failed}"));
    }

    pub fn restart(&self) {
        let ended = self.stop();
        assert_eq!(ended.code, Some(0), "{ended}");
        self.start_again();
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.process
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    // Callers.

    pub fn owner(&self) -> Client {
        self.client(&self.owner)
    }

    pub fn client(&self, token: &str) -> Client {
        Client::new(&self.url(), Some(token))
    }

    pub fn anonymous(&self) -> Client {
        Client::new(&self.url(), None)
    }

    /// A caller with a new token.
    pub fn issue(&self, role: Role, name: &str) -> Client {
        self.issue_with(json!({"role": role, "name": name}))
    }

    /// A caller with a new token that is restricted to a project.
    pub fn issue_for_project(&self, role: Role, name: &str, project: &str) -> Client {
        self.issue_with(json!({"role": role, "name": name, "project": project}))
    }

    pub fn issue_with(&self, token: Value) -> Client {
        let issued: IssuedToken = self.post("/api/tokens", token).ok();
        self.client(&issued.token)
    }

    /// A caller with the token of an agent that the owner registers.
    pub fn agent(&self, name: &str) -> Client {
        self.register(json!({ "name": name })).0
    }

    /// As [`Server::agent`], with all that a registration takes; tells the
    /// agent too.
    pub fn register(&self, new: Value) -> (Client, Agent) {
        let registered: RegisteredAgent = self.post("/api/instances/register", new).ok();
        let token = registered.token.expect("the owner's token is no agent's");
        (self.client(&token), registered.agent)
    }

    /// The owner of another tenant of the same server, which is stopped for it
    /// and started again.
    pub fn other_tenant(&self, name: &str) -> Client {
        let ended = self.stop();
        assert_eq!(ended.code, Some(0), "{ended}");
        let made = self.options.command(&["tenant", "add", name]);
        assert_eq!(made.code, Some(0), "{made}");
        self.start_again();
        let token = made
            .stdout
            .split_whitespace()
            .find(|word| word.starts_with("cor_"));
        self.client(token.unwrap_or_else(|| panic!("no token: {made}")))
    }

    pub fn cli(&self) -> Cli {
        Cli::new(self.options.scratch())
            .url(&self.url())
            .token(&self.owner)
    }

    // Calls of the owner.

    pub fn get(&self, path: &str) -> Request {
        self.owner().get(path)
    }

    pub fn head(&self, path: &str) -> Request {
        self.owner().head(path)
    }

    pub fn put(&self, path: &str, body: impl AsRef<[u8]>) -> Request {
        self.owner().put(path, body)
    }

    pub fn post(&self, path: &str, body: Value) -> Request {
        self.owner().post(path, body)
    }

    pub fn delete(&self, path: &str) -> Request {
        self.owner().delete(path)
    }

    pub fn request(&self, method: &str, path: &str) -> Request {
        self.owner().request(method, path)
    }

    /// Writes a value; what it takes to have a key.
    pub fn set(&self, key: &str, value: impl AsRef<[u8]>) -> StateItem {
        self.put(&key_path(key), value).ok()
    }

    /// The value of a key, as text.
    pub fn value(&self, key: &str) -> String {
        self.get(&key_path(key)).send().expect(200).text()
    }

    pub fn publish(&self, topic: &str, data: Value) -> Event {
        self.owner().publish(topic, data)
    }

    /// The newest revision.
    pub fn revision(&self) -> i64 {
        self.owner().revision()
    }
}
