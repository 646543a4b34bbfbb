//! Agents that vanish and a server that is killed, over one queue of tasks.
//!
//! Agents are threads. They vanish without a word and come back under their
//! name or another, end in the middle of a task, or hang and hand their task in
//! when somebody else may have it. The server is killed again and again, and
//! time jumps past the silence that ends a claim. In the end every task is done
//! once, by the claim that held then: the log tells.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use coro_api::agents::RegisteredAgent;
use coro_api::events::{Event, EventPage};
use coro_api::tasks::{NextTask, Task, TaskItem};
use coro_tests::{Client, Random, Request, Response, Server, both_engines};
use serde_json::json;

use crate::check::verify_chain;
use crate::settings;

both_engines![every_task_is_done_once_whoever_is_killed];

/// Seconds by which time jumps: beyond the silence that ends a claim.
const JUMP_SECONDS: i64 = 1_000;

/// The most answers between two disturbances.
const ANSWERS_MAX: u32 = 150;

/// How long the queue may take for each ten tasks, with all disturbances.
const PATIENCE_FOR_TEN: Duration = Duration::from_secs(10);

/// What agents and the one who disturbs them share.
struct Shared<'a> {
    server: &'a Server,
    owner: String,
    finished: AtomicBool,
    /// Names that were taken so far.
    names: AtomicU32,
    answers: Mutex<u32>,
    news: Condvar,
}

fn every_task_is_done_once_whoever_is_killed(server: &Server) {
    let (agents, tasks) = (settings::count(10, 100), settings::count(300, 10_000));
    let mut random = settings::random("tasks");
    fill(server, tasks, &mut random);
    let shared = Shared {
        server,
        owner: server.owner().token().to_owned(),
        finished: AtomicBool::new(false),
        names: AtomicU32::new(0),
        answers: Mutex::new(0),
        news: Condvar::new(),
    };
    let acknowledged: Vec<(String, i64)> = std::thread::scope(|scope| {
        let working: Vec<_> = (0..agents)
            .map(|_| {
                let (shared, seed) = (&shared, random.below(u32::MAX));
                scope.spawn(move || Worker::new(shared, seed.into()).run())
            })
            .collect();
        disturb(&shared, tasks, &mut random);
        let working = working.into_iter();
        working
            .flat_map(|one| one.join().expect("no panic"))
            .collect()
    });
    check(server, tasks, &acknowledged);
}

/// Tasks of which each may wait for some of those before it.
fn fill(server: &Server, tasks: u32, random: &mut Random) {
    let mut made = 0;
    while made < tasks {
        let count = (tasks - made).min(500);
        let some: Vec<_> = (made..made + count)
            .map(|number| {
                let mut depends_on = Vec::new();
                for _ in 0..random.below(4) {
                    if number > 0 {
                        let back = 1 + random.below(number.min(40));
                        depends_on.push(match number - back >= made {
                            true => format!("r{}", number - back),
                            false => format!("T-{}", number - back + 1),
                        });
                    }
                }
                json!({"title": "a", "ref": format!("r{number}"), "attempts_max": 1000,
                    "priority": random.below(5), "depends_on": depends_on})
            })
            .collect();
        let body = json!({ "tasks": some });
        server.post("/api/tasks/bulk", body).send().expect(200);
        made += count;
    }
}

/// Kills the server and lets time jump, until all is done.
fn disturb(shared: &Shared<'_>, tasks: u32, random: &mut Random) {
    let begun = Instant::now();
    let patience = PATIENCE_FOR_TEN * (tasks / 10);
    // How far time has jumped. A new process begins with the machine's time;
    // it would stand still until that reaches the time of the log.
    let mut ahead = 0;
    loop {
        shared.wait_for(1 + random.below(ANSWERS_MAX));
        if random.below(3) == 0 {
            shared.server.kill();
            shared.server.start_again();
            shared.server.advance_seconds(ahead);
        } else {
            ahead += JUMP_SECONDS;
            shared.server.advance_seconds(JUMP_SECONDS);
            shared.server.sweep();
        }
        let rest = left(shared.server);
        if rest.is_empty() {
            break;
        }
        if begun.elapsed() > patience {
            shared.finished.store(true, Ordering::Relaxed);
            panic!("stuck: {rest:?}");
        }
    }
    shared.finished.store(true, Ordering::Relaxed);
}

/// Some of the tasks that are not done.
fn left(server: &Server) -> Vec<TaskItem> {
    let of = |status| -> Vec<TaskItem> {
        server
            .get(&format!("/api/tasks?status={status}&limit=3"))
            .ok()
    };
    [of("open"), of("claimed"), of("failed")].concat()
}

impl Shared<'_> {
    /// Sends a request until it is answered by a server that is there.
    fn ask(&self, token: &str, request: impl Fn(&Client) -> Request) -> Option<Response> {
        while !self.finished.load(Ordering::Relaxed) {
            let client = self.server.client(token);
            match request(&client).try_send() {
                Ok(answer) if answer.status < 500 => {
                    *self.answers.lock().expect("no panic while held") += 1;
                    self.news.notify_all();
                    return Some(answer);
                }
                // It is being killed, or stops.
                Ok(_) | Err(_) => std::thread::yield_now(),
            }
        }
        None
    }

    fn wait_for(&self, more: u32) {
        let answers = self.answers.lock().expect("no panic while held");
        let until = *answers + more;
        let waited = self
            .news
            .wait_timeout_while(answers, coro_tests::PATIENCE, |now| *now < until);
        drop(waited.expect("no panic while held"));
    }
}

/// A claim that an agent believes to have.
#[derive(Clone)]
struct Held {
    token: String,
    id: String,
    fence: i64,
}

struct Worker<'a> {
    shared: &'a Shared<'a>,
    random: Random,
    name: String,
    token: String,
    /// What it hung over, and hands in some time.
    forgotten: Option<Held>,
    acknowledged: Vec<(String, i64)>,
}

impl<'a> Worker<'a> {
    fn new(shared: &'a Shared<'a>, seed: u64) -> Self {
        Worker {
            shared,
            random: Random::new(seed),
            name: String::new(),
            token: String::new(),
            forgotten: None,
            acknowledged: Vec::new(),
        }
    }

    /// Works until all is done; gives what was acknowledged to it.
    fn run(mut self) -> Vec<(String, i64)> {
        self.begin_as_another();
        while !self.shared.finished.load(Ordering::Relaxed) {
            if let Some(held) = self.next() {
                self.work_on(held);
            }
        }
        self.acknowledged
    }

    fn begin_as_another(&mut self) {
        let number = self.shared.names.fetch_add(1, Ordering::Relaxed);
        self.name = format!("agent-{number}");
        self.begin();
    }

    /// A new session under its name.
    fn begin(&mut self) {
        let body = json!({"name": self.name, "takeover": true});
        let owner = &self.shared.owner;
        let answer = self.shared.ask(owner, |client| {
            client.post("/api/instances/register", body.clone())
        });
        if let Some(answer) = answer {
            let registered: RegisteredAgent = answer.expect(200).json();
            self.token = registered.token.expect("the owner's token is no agent's");
        }
    }

    fn next(&mut self) -> Option<Held> {
        let body = json!({"wait_seconds": 1});
        let answer = self.shared.ask(&self.token, |client| {
            client.post("/api/tasks/next", body.clone())
        })?;
        let task = answer.expect(200).json::<NextTask>().task?;
        let claim = task.item.claim.expect("it is claimed");
        Some(Held {
            token: self.token.clone(),
            id: task.item.id.to_string(),
            fence: claim.fence,
        })
    }

    fn work_on(&mut self, held: Held) {
        match self.random.below(40) {
            // Nobody hears of it again; silence takes its task.
            0 => self.begin_as_another(),
            1 => {
                self.shared
                    .ask(&self.token, |client| client.delete("/api/instances/self"));
                self.begin();
            }
            2..5 => {
                self.forgotten = Some(held);
                self.begin_as_another_or_again();
            }
            5..8 => self.begin(),
            8 => {
                self.act(
                    &held,
                    "fail",
                    json!({"why": "a", "retry": true, "fence": held.fence}),
                );
            }
            _ => {
                self.hand_in(&held);
                if let Some(old) = self.forgotten.take() {
                    self.hand_in(&old);
                }
            }
        }
    }

    fn begin_as_another_or_again(&mut self) {
        match self.random.below(4) {
            0 => self.begin_as_another(),
            _ => self.begin(),
        }
    }

    fn hand_in(&mut self, held: &Held) {
        let body = json!({"fence": held.fence, "result": held.fence});
        if self.act(held, "done", body) == Some(200) {
            self.acknowledged.push((held.id.clone(), held.fence));
        }
    }

    /// Gives the status: done, stale, or a token that is no longer valid.
    fn act(&self, held: &Held, action: &str, body: serde_json::Value) -> Option<u16> {
        let path = format!("/api/tasks/{}/{action}", held.id);
        let answer = self
            .shared
            .ask(&held.token, |client| client.post(&path, body.clone()))?;
        // Many with old tokens at one address: failed sign-ins are limited.
        assert!(matches!(answer.status, 200 | 401 | 409 | 429), "{answer}");
        Some(answer.status)
    }
}

/// What the log says of a task.
#[derive(Default)]
struct Story {
    /// The fencing token of the claim that holds.
    fence: Option<i64>,
    /// That of the claim that was done.
    done: Option<i64>,
}

fn check(server: &Server, tasks: u32, acknowledged: &[(String, i64)]) {
    let owner = server.owner();
    let mut stories: HashMap<String, Story> = HashMap::new();
    for event in log(&owner) {
        tell(stories.entry(event.subject.clone()).or_default(), &event);
    }
    let done = stories.values().filter(|story| story.done.is_some());
    assert_eq!(done.count(), tasks as usize);
    for (id, fence) in acknowledged {
        assert_eq!(stories[id].done, Some(*fence), "{id}");
    }
    for (id, story) in &stories {
        let task: Task = owner.get(&format!("/api/tasks/{id}")).ok();
        assert_eq!(task.result, Some(json!(story.done)), "{id}");
    }
    verify_chain(&owner).expect("the chain holds");
}

/// Follows a task through an event, which must fit to those before.
fn tell(story: &mut Story, event: &Event) {
    let what = event.topic.trim_start_matches("coro.task.");
    assert_eq!(story.done, None, "done already: {event:?}");
    match what {
        "claimed" => assert_eq!(story.fence.replace(event.revision), None, "{event:?}"),
        "resumed" => assert!(story.fence.replace(event.revision).is_some(), "{event:?}"),
        "returned" => assert!(story.fence.take().is_some(), "{event:?}"),
        "done" => {
            story.done = story.fence.take();
            assert!(story.done.is_some(), "{event:?}");
        }
        "created" | "ready" => {}
        other => panic!("{other}: {event:?}"),
    }
}

fn log(owner: &Client) -> Vec<Event> {
    let (mut events, mut from) = (Vec::new(), 0);
    loop {
        let path = format!("/api/events?from={from}&limit=1000&pattern=coro.task.*");
        let page: EventPage = owner.get(&path).ok();
        events.extend(page.events);
        if !page.more {
            return events;
        }
        from = page.next;
    }
}
