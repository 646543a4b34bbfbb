//! The queue of tasks: how long an agent waits for the next one out of 10,000,
//! also where thousands in front of it are for others.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use coro_api::agents::RegisteredAgent;
use coro_tests::Client;
use serde_json::{Value, json};

use crate::Scale;
use crate::coro::{Programs, Server};
use crate::load::{micros, percentile};
use crate::machine::Ticks;
use crate::report::{Report, Row, at_most, millis};
use crate::wire::Wire;

/// How many tasks are open.
const TASKS: usize = 10_000;

/// How many one call makes.
const TASKS_OF_CALL: usize = 1_000;

/// How many sets of capabilities the tasks for others need.
const NEEDS: usize = 50;

/// What stands in the queue.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Queue {
    /// All of it is for anybody.
    ForAnybody,
    /// All but the last is for others, or needs what the agent can't do.
    ForOthers,
    /// As that, and the last too.
    NothingReady,
}

pub(crate) fn measure(programs: &Programs, scale: &Scale, report: &mut Report) -> Result<()> {
    for (queue, what) in [
        (
            Queue::ForAnybody,
            "next and claim out of 10,000 ready tasks",
        ),
        (
            Queue::ForOthers,
            "next and claim, 9,999 in front for others or other capabilities",
        ),
        (
            Queue::NothingReady,
            "next where 10,000 are for others, and why",
        ),
    ] {
        let server = Server::start(programs)?;
        let agent = fill(&server, queue)?;
        report.add(row(&server, &agent, queue, what, scale)?);
    }
    Ok(())
}

/// Fills the queue; gives the token of the agent that asks.
fn fill(server: &Server, queue: Queue) -> Result<String> {
    let owner = Client::new(&format!("http://{}", server.address), Some(&server.token));
    let new = json!({"name": "asker", "capabilities": ["rust"]});
    let registered: RegisteredAgent = owner.post("/api/instances/register", new).ok();
    let tasks: Vec<Value> = (0..TASKS).map(|number| task(queue, number)).collect();
    for some in tasks.chunks(TASKS_OF_CALL) {
        let body = json!({ "tasks": some });
        owner.post("/api/tasks/bulk", body).send().expect(200);
    }
    registered.token.context("the owner's token is no agent's")
}

fn task(queue: Queue, number: usize) -> Value {
    let is_last = number + 1 == TASKS;
    let body = "What is to be done, in a few words. ".repeat(8);
    let mut task = json!({"title": format!("task {number}"), "body": body, "priority": 1});
    if queue == Queue::ForAnybody || (is_last && queue == Queue::ForOthers) {
        return task;
    }
    match number % 2 {
        0 => task["assignee"] = json!(format!("agent-{}", number % 100)),
        _ => task["capabilities"] = json!(["rust", format!("need-{}", number % NEEDS)]),
    }
    task
}

fn row(server: &Server, agent: &str, queue: Queue, what: &str, scale: &Scale) -> Result<Row> {
    let before = Ticks::now();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let lasting = scale.load * scale.rounds as u32;
    let mut taken = runtime.block_on(ask(server, agent, queue, lasting))?;
    taken.sort_unstable();
    let (p50, p99) = (percentile(&taken, 50), percentile(&taken, 99));
    Ok(Row {
        what: what.to_owned(),
        coro: format!("{}/{} ms", millis(p50), millis(p99)),
        promises: vec![at_most("p99 under 5 ms", p99.as_secs_f64(), 0.005)],
        foreign: before.foreign_since(),
        ..Row::default()
    })
}

/// Asks for work and gives it back, over and over; only asking is timed.
async fn ask(server: &Server, agent: &str, queue: Queue, lasting: Duration) -> Result<Vec<u32>> {
    let mut wire = Wire::connect(server.address).await?;
    let begun = Instant::now();
    let mut taken = Vec::new();
    while begun.elapsed() < lasting {
        let asked = Instant::now();
        post(&mut wire, server, agent, "/api/tasks/next");
        let (status, length) = wire.http().await?;
        taken.push(micros(asked.elapsed()));
        let is_given = wire.pending()[..length].starts_with(b"{\"task\":{");
        ensure!(status == 200, "next answered {status}");
        ensure!(
            is_given != (queue == Queue::NothingReady),
            "the wrong answer"
        );
        wire.consume(length);
        if is_given {
            post(&mut wire, server, agent, "/api/tasks/self/release");
            wire.http_ok().await?;
        }
    }
    Ok(taken)
}

fn post(wire: &mut Wire, server: &Server, agent: &str, path: &str) {
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {agent}\r\n\
         Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}",
        server.address
    );
    wire.outbox.extend_from_slice(request.as_bytes());
}
