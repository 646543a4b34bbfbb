//! Writers that never wait, and what the server told each of them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

use coro_api::errors::{Problem, Reason};
use coro_api::events::Event;
use coro_api::state::{Deleted, StateItem};
use coro_api::txn::{TxnResponse, TxnResult};
use coro_tests::{Client, PATIENCE, Request, Response, key_path};
use serde_json::json;
use sha2::{Digest, Sha256};

use coro_tests::Random;

/// How many keys a writer goes over. Few, so that each gets many versions, and
/// enough that none gets more than a server keeps.
const KEYS: u32 = 12;

/// What a writer gets acknowledged in one round, at most: keeps each key below
/// the versions that the server keeps.
const ACKNOWLEDGED_MAX: u32 = 1000;

/// What a log row must say of one write.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    pub(crate) topic: String,
    /// The key, or what a published event says in its data.
    pub(crate) subject: String,
    /// Of the value; empty where there is none.
    pub(crate) hash: String,
}

/// What became of a request, as its client knows it.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// What it writes, in order.
    pub(crate) entries: Vec<Entry>,
    pub(crate) fate: Fate,
}

#[derive(Clone, Debug)]
pub(crate) enum Fate {
    /// Done: with these revisions and, for values, these versions. `at` is how
    /// long the recorder's log was when the answer had come.
    Acknowledged {
        revisions: Vec<i64>,
        versions: Vec<i64>,
        at: u64,
    },
    /// Refused with this status.
    Refused(u16),
    /// The server says that it can't know: it lost its database while that
    /// committed. Every other refusal means that nothing was changed.
    Unsure,
    /// No answer came.
    Unanswered,
}

/// How a load is made.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) writers: u32,
    /// Begins every key: each round has its own.
    pub(crate) prefix: String,
    pub(crate) seed: u64,
    /// The longest value in bytes.
    pub(crate) value_bytes_max: u32,
    /// The recorder's log.
    pub(crate) record: Option<PathBuf>,
}

impl Plan {
    pub(crate) fn new(prefix: &str, random: &mut Random) -> Self {
        Plan {
            writers: 8,
            prefix: prefix.to_owned(),
            seed: u64::from(random.below(u32::MAX)),
            value_bytes_max: 2_000,
            record: None,
        }
    }
}

/// A load that runs.
pub(crate) struct Load {
    writers: Vec<JoinHandle<Vec<Told>>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    running: AtomicU32,
    counts: Mutex<Counts>,
    news: Condvar,
}

/// What the writers together were told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) acknowledged: u32,
    pub(crate) refused: u32,
}

impl Counts {
    pub(crate) fn answered(self) -> u32 {
        self.acknowledged + self.refused
    }
}

impl Load {
    pub(crate) fn start(client: &Client, plan: &Plan) -> Load {
        let shared = Arc::new(Shared::default());
        shared.running.store(plan.writers, Ordering::Relaxed);
        let writers = (0..plan.writers).map(|number| {
            let mut writer = Writer::new(client.clone(), plan.clone(), number);
            let shared = shared.clone();
            std::thread::spawn(move || {
                let told = writer.run(&shared);
                let counts = shared.counts.lock().expect("no panic while held");
                shared.running.fetch_sub(1, Ordering::Relaxed);
                drop(counts);
                shared.news.notify_all();
                told
            })
        });
        Load {
            writers: writers.collect(),
            shared: shared.clone(),
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        *self.shared.counts.lock().expect("no panic while held")
    }

    /// Waits until what was told is enough, or no writer is left.
    pub(crate) fn wait_until(&self, enough: impl Fn(Counts) -> bool) {
        let counts = self.shared.counts.lock().expect("no panic while held");
        let waited = self
            .shared
            .news
            .wait_timeout_while(counts, PATIENCE, |counts| {
                !enough(*counts) && self.shared.running.load(Ordering::Relaxed) > 0
            });
        let (counts, timeout) = waited.expect("no panic while held");
        let told = *counts;
        drop(counts);
        assert!(!timeout.timed_out(), "the load stands still at {told:?}");
    }

    /// Lets each writer end with the request that it is at; gives all that
    /// the writers were told, each writer's in order.
    pub(crate) fn finish(self) -> Vec<Vec<Told>> {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.writers
            .into_iter()
            .map(|writer| writer.join().expect("a writer panicked"))
            .collect()
    }
}

struct Writer {
    client: Client,
    plan: Plan,
    number: u32,
    random: Random,
    sent: u32,
    /// The keys that were there after the last answer.
    present: HashMap<String, bool>,
}

impl Writer {
    fn new(client: Client, plan: Plan, number: u32) -> Self {
        let random = Random::new(plan.seed.wrapping_add(u64::from(number) << 32));
        Writer {
            client,
            plan,
            number,
            random,
            sent: 0,
            present: HashMap::new(),
        }
    }

    fn run(&mut self, shared: &Shared) -> Vec<Told> {
        let mut all = Vec::new();
        let mut acknowledged = 0;
        while acknowledged < ACKNOWLEDGED_MAX && !shared.stop.load(Ordering::Relaxed) {
            self.sent += 1;
            let (request, entries) = self.next();
            let answer = request.try_send();
            let record = self.plan.record.as_deref();
            let fate = answer.map_or(Fate::Unanswered, |answer| {
                fate_of(&answer, &entries, record)
            });
            let told = Told { entries, fate };
            let mut counts = shared.counts.lock().expect("no panic while held");
            match told.fate {
                Fate::Acknowledged { .. } => {
                    acknowledged += 1;
                    counts.acknowledged += 1;
                    self.remember(&told.entries);
                }
                Fate::Refused(_) | Fate::Unsure => counts.refused += 1,
                Fate::Unanswered => {
                    all.push(told);
                    break;
                }
            }
            drop(counts);
            shared.news.notify_all();
            all.push(told);
        }
        all
    }

    fn remember(&mut self, entries: &[Entry]) {
        for entry in entries {
            self.present
                .insert(entry.subject.clone(), entry.topic != "coro.state.deleted");
        }
    }

    /// Mostly puts; now and then each of the other writes.
    fn next(&mut self) -> (Request, Vec<Entry>) {
        let key = self.key(0);
        match self.random.below(10) {
            0 => self.publish(),
            1 => self.txn(),
            2 if self.present.get(&key) == Some(&true) => {
                let entry = entry("coro.state.deleted", &key, "");
                (self.client.delete(&key_path(&key)), vec![entry])
            }
            _ => {
                let value = self.value();
                let entry = entry("coro.state.put", &key, &hash_of(&value));
                (self.client.put(&key_path(&key), value), vec![entry])
            }
        }
    }

    fn publish(&mut self) -> (Request, Vec<Entry>) {
        let mark = format!("{}{}-{}", self.plan.prefix, self.number, self.sent);
        let request = self.client.post(
            "/api/events/publish",
            json!({"topic": "load.done", "data": mark}),
        );
        (request, vec![entry("load.done", &mark, "")])
    }

    /// Two keys together.
    fn txn(&mut self) -> (Request, Vec<Entry>) {
        let mut writes = Vec::new();
        let mut entries = Vec::new();
        for which in 1..=2 {
            let (key, value) = (self.key(which), self.value());
            entries.push(entry("coro.state.put", &key, &hash_of(&value)));
            let value: serde_json::Value = serde_json::from_str(&value).expect("it is JSON");
            writes.push(json!({"op": "put", "key": key, "value": value}));
        }
        (
            self.client.post("/api/txn", json!({ "writes": writes })),
            entries,
        )
    }

    /// The keys of a transaction are its own: each request's last word on a
    /// key is then easy to know.
    fn key(&mut self, which: u32) -> String {
        let number = which * KEYS + self.random.below(KEYS);
        format!("{}{}/k{number}", self.plan.prefix, self.number)
    }

    /// JSON that no other request writes.
    fn value(&mut self) -> String {
        let unique = self.random.below(u32::MAX);
        let padding = self.random.below(self.plan.value_bytes_max) as usize;
        let padding = "abcdefgh".repeat(padding / 8 + 1);
        json!({"w": self.number, "n": self.sent, "u": unique, "p": padding}).to_string()
    }
}

fn entry(topic: &str, subject: &str, hash: &str) -> Entry {
    Entry {
        topic: topic.to_owned(),
        subject: subject.to_owned(),
        hash: hash.to_owned(),
    }
}

fn fate_of(answer: &Response, entries: &[Entry], record: Option<&Path>) -> Fate {
    // Before anything else: the later it is looked at, the weaker the test.
    let at = record.map_or(0, |log| {
        std::fs::metadata(log).expect("it is recorded").len()
    });
    if answer.status != 200 {
        let reason = answer.json::<Problem>().reason;
        assert_eq!(reason.status(), answer.status, "{answer}");
        return match reason {
            Reason::OutcomeUnknown => Fate::Unsure,
            _ => Fate::Refused(answer.status),
        };
    }
    let (mut revisions, mut versions) = (Vec::new(), Vec::new());
    let mut put = |item: StateItem| {
        revisions.push(item.revision);
        versions.push(item.version);
    };
    if entries.len() > 1 {
        for result in answer.json::<TxnResponse>().results {
            match result {
                TxnResult::Put(item) => put(item),
                TxnResult::Delete { key, .. } => panic!("nobody deleted {key}"),
            }
        }
    } else {
        match entries[0].topic.as_str() {
            "coro.state.put" => put(answer.json()),
            "coro.state.deleted" => revisions.push(answer.json::<Deleted>().revision),
            _ => revisions.push(answer.json::<Event>().revision),
        }
    }
    Fate::Acknowledged {
        revisions,
        versions,
        at,
    }
}

pub(crate) fn hash_of(value: &str) -> String {
    Sha256::digest(value)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
