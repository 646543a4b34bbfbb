//! Clients that do one operation after another, each on a connection of its
//! own, for a bounded time.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::sync::{Barrier, watch};
use tokio::task::JoinSet;

use crate::machine::{self, Ticks};
use crate::peers::{Connection, Target};
use coro_tests::Random;

/// How many keys the load goes over.
pub(crate) const KEYS: u32 = 10_000;

/// How long one value is, JSON.
pub(crate) const VALUE_BYTES: usize = 256;

/// What each client does, over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Put,
    Get,
    /// One put to four gets.
    Mixed,
}

impl Operation {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Operation::Put => "put",
            Operation::Get => "get",
            Operation::Mixed => "mixed, 1 put to 4 gets",
        }
    }
}

/// What one load reached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    pub(crate) per_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    /// Processor time of the server for one operation.
    pub(crate) processor: Duration,
    /// The share of the machine that other programs had.
    pub(crate) foreign: f64,
}

/// Puts each key once.
pub(crate) fn fill(target: &Target) -> Result<()> {
    const CLIENTS: u32 = 64;
    on_threads(CLIENTS as usize, |client, _| {
        let target = target.clone();
        async move {
            let mut connection = target.connect().await?;
            let mut value = Value::new();
            for key in (client as u32..KEYS).step_by(CLIENTS as usize) {
                connection.put(&key_of(key), value.next(0)).await?;
            }
            Ok(())
        }
    })?;
    Ok(())
}

/// Runs the load; the first tenth of the time only warms up.
pub(crate) fn run(
    target: &Target,
    operation: Operation,
    clients: usize,
    lasting: Duration,
) -> Result<Outcome> {
    let before = Ticks::now();
    let used_before = machine::processor_time(target.pid);
    let driven = on_threads(clients, |client, start| {
        let target = target.clone();
        async move {
            let mut connection = target.connect().await?;
            let begin = start.begin().await + lasting / 10;
            drive(&mut connection, operation, client, begin, lasting).await
        }
    })
    .with_context(|| {
        format!(
            "{} with {clients} clients on {}",
            operation.name(),
            target.name
        )
    })?;
    let foreign = before.foreign_since();
    let used = machine::processor_time(target.pid) - used_before;
    let operations: u32 = driven.iter().map(|driven| driven.operations).sum();
    let mut all: Vec<u32> = driven.into_iter().flat_map(|driven| driven.taken).collect();
    all.sort_unstable();
    Ok(Outcome {
        per_second: all.len() as f64 / lasting.as_secs_f64(),
        p50: percentile(&all, 50),
        p99: percentile(&all, 99),
        processor: used / operations.max(1),
        foreign,
    })
}

/// What one client did.
struct Driven {
    /// How long each operation took that ended in the time measured, in
    /// microseconds.
    taken: Vec<u32>,
    /// All of them.
    operations: u32,
}

async fn drive(
    connection: &mut Connection,
    operation: Operation,
    client: usize,
    begin: Instant,
    lasting: Duration,
) -> Result<Driven> {
    let mut random = Random::new(client as u64 + 1);
    let mut value = Value::new();
    let mut driven = Driven {
        taken: Vec::with_capacity(65_536),
        operations: 0,
    };
    let end = begin + lasting;
    loop {
        let key = key_of(random.below(KEYS));
        let puts = match operation {
            Operation::Put => true,
            Operation::Get => false,
            Operation::Mixed => random.below(5) == 0,
        };
        let sent = Instant::now();
        if puts {
            connection.put(&key, value.next(client)).await?;
        } else {
            connection.get(&key).await?;
        }
        let answered = Instant::now();
        driven.operations += 1;
        if answered >= end {
            return Ok(driven);
        }
        if answered >= begin {
            driven.taken.push(micros(answered - sent));
        }
    }
}

/// Where the clients wait for each other.
#[derive(Clone)]
pub(crate) struct Start(Arc<Barrier>);

impl Start {
    /// Waits until every client is connected; gives the present.
    pub(crate) async fn begin(&self) -> Instant {
        self.0.wait().await;
        Instant::now()
    }
}

/// Runs `count` clients on as many threads as there are cores, each thread
/// with an event loop of its own; gives what they gave, in order. The first
/// that fails ends all.
pub(crate) fn on_threads<T, F, C>(count: usize, client: F) -> Result<Vec<T>>
where
    T: Send + 'static,
    C: Future<Output = Result<T>> + Send + 'static,
    F: Fn(usize, Start) -> C + Sync,
{
    let threads = machine::cores().min(count);
    let start = Start(Arc::new(Barrier::new(count)));
    let (failed, _) = watch::channel(false);
    let outcomes: Vec<Result<Vec<(usize, T)>>> = std::thread::scope(|scope| {
        let run_thread = |thread: usize| {
            let (client, start, failed) = (&client, &start, &failed);
            scope.spawn(move || {
                let indices = (thread..count).step_by(threads);
                let clients = indices.map(|index| (index, client(index, start.clone())));
                let outcome = run_clients(clients.collect(), failed.subscribe());
                if outcome.is_err() {
                    failed.send_replace(true);
                }
                outcome
            })
        };
        let handles: Vec<_> = (0..threads).map(run_thread).collect();
        handles
            .into_iter()
            .map(|handle| handle.join().expect("a client panicked"))
            .collect()
    });
    let mut all = Vec::with_capacity(count);
    for outcome in outcomes {
        all.extend(outcome?);
    }
    ensure!(all.len() == count, "a client gave up");
    all.sort_by_key(|(index, _)| *index);
    Ok(all.into_iter().map(|(_, value)| value).collect())
}

fn run_clients<T, C>(
    clients: Vec<(usize, C)>,
    mut failed: watch::Receiver<bool>,
) -> Result<Vec<(usize, T)>>
where
    T: Send + 'static,
    C: Future<Output = Result<T>> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut set = JoinSet::new();
        for (index, client) in clients {
            set.spawn(async move { client.await.map(|value| (index, value)) });
        }
        let mut all = Vec::new();
        loop {
            tokio::select! {
                joined = set.join_next() => match joined {
                    Some(joined) => all.push(joined??),
                    None => return Ok(all),
                },
                // Another thread tells why.
                _ = failed.changed() => return Ok(Vec::new()),
            }
        }
    })
}

pub(crate) fn key_of(number: u32) -> String {
    format!("k{number:06}")
}

/// A JSON value of [`VALUE_BYTES`], another one each time.
pub(crate) struct Value {
    bytes: Vec<u8>,
    count: u64,
}

impl Value {
    pub(crate) fn new() -> Self {
        let begin = r#"{"n":"0000000000000000","text":""#;
        let text = "the plan is to do the next thing ".repeat(8);
        let mut bytes = format!("{begin}{text}").into_bytes();
        bytes.truncate(VALUE_BYTES - 2);
        bytes.extend_from_slice(b"\"}");
        Value { bytes, count: 0 }
    }

    pub(crate) fn next(&mut self, client: usize) -> &[u8] {
        self.count += 1;
        let number = format!("{:016}", (client as u64) << 40 | self.count);
        self.bytes[6..22].copy_from_slice(&number.as_bytes()[..16]);
        &self.bytes
    }
}

pub(crate) fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

/// Of sorted microseconds.
pub(crate) fn percentile(sorted: &[u32], percent: usize) -> Duration {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    Duration::from_micros(u64::from(sorted.get(at).copied().unwrap_or(0)))
}
