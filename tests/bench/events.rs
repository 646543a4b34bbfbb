//! Events: how many durable ones a second reach 50 subscribers, after how
//! long, and one event at a time to 500.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::Scale;
use crate::coro::{Programs, Server};
use crate::load::{micros, on_threads, percentile};
use crate::machine::{self, Ticks};
use crate::peers::{Connection, Kind, Target, start_redis};
use crate::report::{Report, Row, at_least, at_most, median_by, millis, thousands};
use crate::wire::{Wire, find};

/// A subscriber that hears nothing for so long counts the rest as lost.
const SILENCE: Duration = Duration::from_secs(15);

/// Begins each payload: `ev`, ten digits of its number, sixteen of its time in
/// microseconds.
const MARK: &[u8] = b"ev#";

pub(crate) fn measure(programs: &Programs, scale: &Scale, report: &mut Report) -> Result<()> {
    let fan_out = [
        Shape {
            subscribers: 50,
            in_flight: 1,
            events: scale.events,
            one_by_one: false,
        },
        Shape {
            subscribers: 50,
            in_flight: 64,
            events: scale.events,
            one_by_one: false,
        },
        Shape {
            subscribers: 500,
            in_flight: 1,
            events: 100,
            one_by_one: true,
        },
    ];
    for shape in fan_out {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..scale.rounds {
            // A fresh server each time: a reader begins at the beginning.
            let server = Server::start(programs)?;
            ours.push(run(&Target::coro(&server), shape)?);
            drop(server);
            match start_redis() {
                Ok((_process, targets)) => theirs.push(run(&targets[0], shape)?),
                Err(error) => eprintln!("bench: without Redis: {error:#}"),
            }
        }
        report.add(row(shape, &ours, &theirs));
    }
    Ok(())
}

#[derive(Clone, Copy, Debug)]
struct Shape {
    subscribers: usize,
    in_flight: usize,
    events: u32,
    /// The next is published when all have got the one before.
    one_by_one: bool,
}

#[derive(Clone, Copy, Debug)]
struct FanOut {
    per_second: f64,
    p50: Duration,
    p99: Duration,
    lost: u64,
    ordered: bool,
    /// Processor time of the server for one event to all.
    processor: Duration,
    foreign: f64,
}

fn row(shape: Shape, ours: &[FanOut], theirs: &[FanOut]) -> Row {
    let all = || ours.iter().chain(theirs);
    let coro = median_by(ours, |outcome| outcome.per_second);
    let lost: u64 = ours.iter().map(|outcome| outcome.lost).sum();
    let ordered = ours.iter().all(|outcome| outcome.ordered);
    let mut row = Row {
        what: format!(
            "{} durable events to {} subscribers, {} in flight",
            thousands(f64::from(shape.events)),
            shape.subscribers,
            shape.in_flight
        ),
        coro: format!("{}, {lost} lost, {}", cell(&coro), order(ordered)),
        foreign: all().map(|outcome| outcome.foreign).fold(0.0, f64::max),
        ..Row::default()
    };
    row.promises.push(at_most("none lost", lost as f64, 0.0));
    row.promises
        .push(at_least("in order", f64::from(u8::from(ordered)), 1.0));
    if shape.one_by_one {
        let worst = ours
            .iter()
            .map(|outcome| outcome.p99)
            .max()
            .unwrap_or_default();
        row.promises
            .push(at_most("p99 under 50 ms", worst.as_secs_f64(), 0.050));
    }
    if theirs.is_empty() {
        return row;
    }
    let redis = median_by(theirs, |outcome| outcome.per_second);
    let ratio = coro.per_second / redis.per_second;
    row.peers.push(format!(
        "Redis stream {}, {} lost (×{ratio:.2})",
        cell(&redis),
        theirs.iter().map(|outcome| outcome.lost).sum::<u64>()
    ));
    if shape.in_flight == 64 {
        row.promises
            .push(at_least("at least Redis streams' rate", ratio, 1.0));
        let (ours, theirs) = (coro.p99.as_secs_f64(), redis.p99.as_secs_f64());
        row.promises
            .push(at_most("at most their delay (p99)", ours, theirs));
    }
    row
}

fn cell(outcome: &FanOut) -> String {
    let (p50, p99) = (millis(outcome.p50), millis(outcome.p99));
    let each = micros(outcome.processor);
    format!(
        "{} · {p50}/{p99} · {each} µs",
        thousands(outcome.per_second)
    )
}

fn order(ordered: bool) -> &'static str {
    if ordered { "in order" } else { "OUT OF ORDER" }
}

/// What one client of the fan-out has done at the end.
enum Done {
    /// When the publisher began and ended.
    Published(Instant, Instant),
    /// The delays in microseconds, and a digest of the order.
    Received(Vec<u32>, u64),
}

/// What the clients of one fan-out share.
struct Shared {
    epoch: Instant,
    shape: Shape,
    next: AtomicU32,
    /// Filled once by each subscriber that got an event, where they go one by
    /// one.
    got: Semaphore,
}

fn run(target: &Target, shape: Shape) -> Result<FanOut> {
    let shared = Arc::new(Shared {
        epoch: Instant::now(),
        shape,
        next: AtomicU32::new(0),
        got: Semaphore::new(0),
    });
    let before = Ticks::now();
    let used_before = machine::processor_time(target.pid);
    let done = on_threads(shape.subscribers + shape.in_flight, |client, start| {
        let (target, shared) = (target.clone(), shared.clone());
        async move {
            if client < shape.subscribers {
                let mut subscriber = Subscriber::connect(&target).await?;
                start.begin().await;
                subscriber.receive_all(&shared).await
            } else {
                let mut publisher = target.connect().await?;
                let begun = start.begin().await;
                publish_all(&mut publisher, &shared).await?;
                Ok(Done::Published(begun, Instant::now()))
            }
        }
    })
    .with_context(|| format!("{shape:?} on {}", target.name))?;
    let foreign = before.foreign_since();
    let used = machine::processor_time(target.pid) - used_before;

    let (mut delays, mut orders, mut span) = (Vec::new(), Vec::new(), None);
    for one in done {
        match one {
            Done::Received(mut some, digest) => {
                delays.append(&mut some);
                orders.push(digest);
            }
            Done::Published(begun, ended) => {
                let (first, last) = span.unwrap_or((begun, ended));
                span = Some((first.min(begun), last.max(ended)));
            }
        }
    }
    delays.sort_unstable();
    let (begun, ended) = span.context("nobody published")?;
    let expected = u64::from(shape.events) * shape.subscribers as u64;
    Ok(FanOut {
        per_second: f64::from(shape.events) / (ended - begun).as_secs_f64(),
        p50: percentile(&delays, 50),
        p99: percentile(&delays, 99),
        lost: expected.saturating_sub(delays.len() as u64),
        ordered: orders.windows(2).all(|pair| pair[0] == pair[1]),
        processor: used / shape.events,
        foreign,
    })
}

async fn publish_all(publisher: &mut Connection, shared: &Shared) -> Result<()> {
    loop {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        if number >= shared.shape.events {
            return Ok(());
        }
        let at = shared.epoch.elapsed().as_micros();
        publisher
            .publish(&format!("ev#{number:010}{at:016}"))
            .await?;
        if shared.shape.one_by_one {
            let all = u32::try_from(shared.shape.subscribers)?;
            match timeout(SILENCE, shared.got.acquire_many(all)).await {
                Ok(permits) => permits?.forget(),
                Err(_) => bail!("event {number} did not reach all subscribers"),
            }
        }
    }
}

/// Reads events as they come.
enum Subscriber {
    /// A WebSocket.
    Coro(Wire),
    /// `XREAD`, with the id that was read last.
    Redis(Connection, String),
}

impl Subscriber {
    async fn connect(target: &Target) -> Result<Subscriber> {
        if target.kind != Kind::Coro {
            return Ok(Subscriber::Redis(target.connect().await?, "0".to_owned()));
        }
        let mut wire = Wire::connect(target.address).await?;
        let request = format!(
            "GET /api/events/subscribe?pattern=bench.* HTTP/1.1\r\n{}Connection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            target.headers()
        );
        wire.outbox.extend_from_slice(request.as_bytes());
        wire.send().await?;
        let head = wire.fill_until(b"\r\n\r\n").await?;
        let answer = String::from_utf8_lossy(&wire.pending()[..head]).into_owned();
        ensure!(answer.starts_with("HTTP/1.1 101"), "no WebSocket: {answer}");
        wire.consume(head);
        Ok(Subscriber::Coro(wire))
    }

    async fn receive_all(&mut self, shared: &Shared) -> Result<Done> {
        let expected = shared.shape.events as usize;
        let mut delays = Vec::with_capacity(expected);
        let mut order = DefaultHasher::new();
        while delays.len() < expected {
            let before = delays.len();
            match timeout(SILENCE, self.receive(shared, &mut delays, &mut order)).await {
                Ok(received) => received?,
                Err(_) => break,
            }
            if shared.shape.one_by_one {
                shared.got.add_permits(delays.len() - before);
            }
        }
        Ok(Done::Received(delays, order.finish()))
    }

    async fn receive(
        &mut self,
        shared: &Shared,
        delays: &mut Vec<u32>,
        order: &mut DefaultHasher,
    ) -> Result<()> {
        match self {
            Subscriber::Coro(wire) => {
                let (opcode, length) = wire.frame().await?;
                match opcode {
                    1 => note(&wire.pending()[..length], shared, delays, order),
                    // An empty pong, masked with zeros, answers any ping.
                    9 => {
                        wire.outbox.extend_from_slice(&[0x8A, 0x80, 0, 0, 0, 0]);
                        wire.send().await?;
                    }
                    10 => {}
                    other => bail!("a frame of kind {other}"),
                }
                wire.consume(length);
            }
            Subscriber::Redis(Connection::Redis(redis), last) => {
                let length = redis.read_after(last).await?;
                let wire = redis.wire();
                let answer = &wire.pending()[..length];
                note(answer, shared, delays, order);
                *last = last_id(answer).context("an answer without an id")?;
                wire.consume(length);
            }
            Subscriber::Redis(..) => bail!("not a connection to Redis"),
        }
        Ok(())
    }
}

/// Notes each event in what was received.
fn note(mut bytes: &[u8], shared: &Shared, delays: &mut Vec<u32>, order: &mut DefaultHasher) {
    let now = shared.epoch.elapsed();
    while let Some(at) = find(bytes, MARK) {
        let Some(digits) = bytes.get(at + MARK.len()..at + MARK.len() + 26) else {
            return;
        };
        number(&digits[..10]).hash(order);
        delays.push(micros(
            now.saturating_sub(Duration::from_micros(number(&digits[10..]))),
        ));
        bytes = &bytes[at + MARK.len() + 26..];
    }
}

fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |number, digit| {
        number * 10 + u64::from(digit.wrapping_sub(b'0'))
    })
}

/// The id of the last entry in an answer to `XREAD`: what stands before the
/// last list of two fields, `*2 $1 d $n payload`.
fn last_id(answer: &[u8]) -> Option<String> {
    let mark = b"\r\n*2\r\n$1\r\nd\r\n";
    let at = answer
        .windows(mark.len())
        .rposition(|window| window == mark)?;
    let begin = answer[..at].iter().rposition(|&byte| byte == b'\n')? + 1;
    String::from_utf8(answer[begin..at].to_vec()).ok()
}
