//! Messages between agents that die at random, at a server that is killed:
//! each ends acknowledged, expired or returned, its end is told once, and no
//! client that remembers what it has shown is shown anything twice.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Condvar, Mutex};
use std::thread::ScopedJoinHandle;
use std::time::Duration;

use coro_api::hooks::HookAnswer;
use coro_api::messages::{Message, ReceiptState, Sent};
use coro_api::numbers::MessageNumber;
use coro_tests::{Client, Engine, PATIENCE, Random, Request, Response, Server, each_engine};
use serde_json::json;

use crate::settings;

each_engine![every_message_comes_to_an_end_that_is_told];

/// Seconds in which a message must be acknowledged.
const EXPIRES_IN_SECONDS: i64 = 3600;

/// How long a client that gets no answer waits for another start.
const PAUSE: Duration = Duration::from_secs(2);

/// Where the server is, from start to start.
struct Place {
    /// How often it was started, and its address.
    url: Mutex<(u32, String)>,
    started: Condvar,
    answered: Mutex<u32>,
    news: Condvar,
    owner: String,
}

impl Place {
    fn now(&self) -> (u32, String) {
        self.url.lock().expect("no panic while held").clone()
    }

    fn started_at(&self, url: String) {
        let mut place = self.url.lock().expect("no panic while held");
        *place = (place.0 + 1, url);
        self.started.notify_all();
    }

    /// Waits until so many calls were answered, or nobody calls any more.
    fn wait_for(&self, answers: u32, is_over: impl Fn() -> bool) {
        let mut answered = self.answered.lock().expect("no panic while held");
        while *answered < answers && !is_over() {
            let waited = self.news.wait_timeout(answered, PAUSE);
            (answered, _) = waited.expect("no panic while held");
        }
    }

    /// Sends until there is an answer.
    fn call(&self, token: &str, request: impl Fn(&Client) -> Request) -> Response {
        for _ in 0..PATIENCE.as_secs() {
            let (start, url) = self.now();
            let client = Client::new(&url, Some(token));
            if let Ok(answer) = request(&client).try_send()
                && answer.status < 500
            {
                *self.answered.lock().expect("no panic while held") += 1;
                self.news.notify_all();
                return answer;
            }
            let place = self.url.lock().expect("no panic while held");
            let waited = self
                .started
                .wait_timeout_while(place, PAUSE, |place| place.0 == start);
            drop(waited.expect("no panic while held"));
        }
        panic!("the server did not come back");
    }
}

/// An agent's client, with what is on its disk: it outlives each session.
struct Agent<'a> {
    place: &'a Place,
    name: String,
    token: String,
    random: Random,
    /// What it has shown.
    ledger: HashSet<MessageNumber>,
    /// What it has shown and not said yet that it has.
    unconfirmed: Vec<MessageNumber>,
    /// What the server was told that it was shown.
    confirmed: HashSet<MessageNumber>,
    sent: Vec<MessageNumber>,
}

/// A hook of a client that has shown some messages since the last.
fn hook(client: &Client, shown: &[MessageNumber]) -> Request {
    let call = json!({"event": "after_tool", "shown": shown});
    client.post("/api/hook", call)
}

impl Agent<'_> {
    fn name(number: u32) -> String {
        format!("agent-{number}")
    }

    /// Begins a session, whatever became of the one before.
    fn register(&mut self) {
        let body = json!({"name": self.name, "project": "shop", "takeover": true});
        let owner = self.place.owner.clone();
        let answer = self.place.call(&owner, |client| {
            client.post("/api/instances/register", body.clone())
        });
        let registered: coro_api::agents::RegisteredAgent = answer.expect(200).json();
        self.token = registered.token.expect("the owner's token is no agent's");
    }

    fn act(&mut self, agents: u32, messages: u32) {
        match self.random.below(20) {
            0 => self.die(),
            1 => self.end(),
            2..=11 if (self.sent.len() as u32) < messages => self.send(agents),
            _ => self.look(),
        }
    }

    fn send(&mut self, agents: u32) {
        let to = Agent::name(self.random.below(agents));
        let once = format!("{}-{}", self.name, self.random.below(u32::MAX));
        let body = json!({
            "to": to, "text": once, "needs_ack": true, "expires_in_seconds": EXPIRES_IN_SECONDS,
        });
        let answer = self.place.call(&self.token, |client| {
            client
                .post("/api/messages", body.clone())
                .header("Idempotency-Key", &once)
        });
        match answer.status {
            200 => self.sent.push(answer.json::<Sent>().number),
            // To itself, or to one that has ended.
            409 => {}
            _ => panic!("{answer}"),
        }
    }

    /// Shows what is new, and acknowledges most of it.
    fn look(&mut self) {
        let call = |client: &Client| hook(client, &self.unconfirmed);
        let told: HookAnswer = self.place.call(&self.token, call).expect(200).json();
        self.confirmed.extend(self.unconfirmed.drain(..));
        for number in told.messages.into_iter().map(|message| message.number) {
            assert!(
                !self.confirmed.contains(&number),
                "{number} was handed out again to {} after it was confirmed",
                self.name
            );
            if !self.ledger.insert(number) {
                continue;
            }
            self.unconfirmed.push(number);
            if self.random.below(8) > 0 {
                self.acknowledge(number);
            }
        }
    }

    fn acknowledge(&self, number: MessageNumber) {
        let path = format!("/api/messages/{number}/ack");
        let answer = self
            .place
            .call(&self.token, |client| client.post_nothing(&path));
        answer.expect(200);
    }

    /// Stops without a word; its next session knows what is on the disk, which
    /// is perhaps not what was just shown.
    fn die(&mut self) {
        if self.random.below(2) == 0 {
            let (_, url) = self.place.now();
            // The answer comes to nobody.
            let client = Client::new(&url, Some(&self.token));
            let _ = hook(&client, &self.unconfirmed).try_send();
        }
        self.register();
    }

    /// Ends in order, and comes back later.
    fn end(&mut self) {
        let gone = self
            .place
            .call(&self.token, |client| client.delete("/api/instances/self"));
        gone.expect(200);
        self.register();
    }
}

fn every_message_comes_to_an_end_that_is_told(engine: Engine) {
    let mut random = settings::random("messages");
    let (agents, messages) = (settings::count(8, 50), settings::count(240, 10_000));
    let kills = settings::count(3, 60);
    let server = Server::start(engine);
    let place = Place {
        url: Mutex::new((1, server.url())),
        started: Condvar::new(),
        answered: Mutex::new(0),
        news: Condvar::new(),
        owner: server.owner().token().to_owned(),
    };
    let mut clients: Vec<Agent<'_>> = (0..agents)
        .map(|number| Agent {
            place: &place,
            name: Agent::name(number),
            token: String::new(),
            random: Random::new(u64::from(random.below(u32::MAX))),
            ledger: HashSet::new(),
            unconfirmed: Vec::new(),
            confirmed: HashSet::new(),
            sent: Vec::new(),
        })
        .collect();
    clients.iter_mut().for_each(Agent::register);
    let each = messages / agents;
    std::thread::scope(|scope| {
        let running: Vec<_> = clients
            .iter_mut()
            .map(|client| {
                scope.spawn(move || {
                    while (client.sent.len() as u32) < each {
                        client.act(agents, each);
                    }
                    (0..20).for_each(|_| client.act(agents, 0));
                })
            })
            .collect();
        // A quarter of the calls is left for after the last one.
        let between = messages * 3 / (kills + 1);
        for kill in 1..=kills {
            place.wait_for(kill * between, || {
                running.iter().all(ScopedJoinHandle::is_finished)
            });
            server.kill();
            server.start_again();
            place.started_at(server.url());
        }
    });
    let sent: Vec<MessageNumber> = clients.iter().flat_map(|c| c.sent.clone()).collect();
    assert_eq!(sent.len() as u32, each * agents);
    // One that surely nobody looks at any more.
    let unseen = json!({
        "to": Agent::name(0), "project": "shop", "text": "the last one", "needs_ack": true,
        "expires_in_seconds": EXPIRES_IN_SECONDS,
    });
    let _: Sent = server.post("/api/messages", unseen).ok();
    server.advance_seconds(EXPIRES_IN_SECONDS + 1);
    server.sweep();
    check(&server.owner(), &sent);
}

/// Every message has come to its end, and the log tells it once.
fn check(owner: &Client, sent: &[MessageNumber]) {
    let told = ends_told(owner);
    let mut ends: BTreeMap<&str, u32> = BTreeMap::new();
    let mut known = HashSet::new();
    for message in all_messages(owner) {
        if !message.needs_ack {
            continue;
        }
        let number = message.number;
        known.insert(number);
        let whole: Message = owner.get(&format!("/api/messages/{number}")).ok();
        let [receipt] = whole.receipts.as_slice() else {
            panic!("{number} has one recipient: {whole:?}");
        };
        let end = match receipt.state {
            ReceiptState::Acknowledged => "coro.message.acknowledged",
            ReceiptState::Expired => "coro.message.expired",
            ReceiptState::Undeliverable => "coro.message.bounced",
            state => panic!("{number} has not ended: it is {}", state.word()),
        };
        *ends.entry(end).or_default() += 1;
        let told = told.get(&number.to_string());
        assert_eq!(
            told.map(Vec::as_slice),
            Some(&[end.to_owned()][..]),
            "{number}"
        );
    }
    println!("{ends:?}");
    assert_eq!(ends.len(), 3, "each kind of end was there: {ends:?}");
    for number in sent {
        assert!(known.contains(number), "{number} was taken, and is lost");
    }
}

/// All messages, with the beginning of each.
fn all_messages(owner: &Client) -> Vec<Message> {
    let mut all = Vec::new();
    let mut path = "/api/messages?limit=1000".to_owned();
    loop {
        let page = owner.get(&path).send().expect(200);
        all.extend(page.json::<Vec<Message>>());
        match page.next_page() {
            Some(next) => path = next,
            None => return all,
        }
    }
}

/// What the log tells of the ends, by the number of the message.
fn ends_told(owner: &Client) -> HashMap<String, Vec<String>> {
    let mut told: HashMap<String, Vec<String>> = HashMap::new();
    let mut from = 0;
    loop {
        let page = owner.poll(&format!("from={from}&limit=1000&pattern=coro.message.*"));
        for event in page.events {
            if event.topic != "coro.message.sent" {
                told.entry(event.subject).or_default().push(event.topic);
            }
        }
        if !page.more {
            return told;
        }
        from = page.next;
    }
}
