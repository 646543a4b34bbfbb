//! Many subscribers that come and go while much is published: none loses an
//! event, none gets one twice, all see the same order.
//!
//! Short counts by default; `CORO_LONG=1` (`tests/run --long`) is 500
//! subscribers over 100,000 events.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use coro_tests::{Random, Server, both_engines, variable};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

both_engines![subscribers_that_come_and_go_see_every_event_once_and_in_order];

/// How many clients publish at once.
const PUBLISHERS: usize = 32;

fn subscribers_that_come_and_go_see_every_event_once_and_in_order(server: &Server) {
    let (subscribers, events) = if variable("CORO_LONG").is_some() {
        (500, 100_000)
    } else {
        (40, 2_000)
    };
    let first = server.revision();
    let last = first + events;
    let at = Arc::new(Target {
        address: server.address(),
        token: server.owner().token().to_owned(),
    });
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..subscribers {
            tasks.spawn(subscribe(at.clone(), number, first, last));
        }
        let left = Arc::new(AtomicU64::new(events as u64));
        for _ in 0..PUBLISHERS {
            tasks.spawn(publish(at.clone(), left.clone()));
        }
        while let Some(done) = tasks.join_next().await {
            done.expect("a client failed");
        }
    });
    assert_eq!(server.revision(), last);
}

struct Target {
    address: String,
    token: String,
}

/// Follows the log from `first` to `last` over many connections, each cut
/// after a number of events that differs from subscriber to subscriber.
async fn subscribe(at: Arc<Target>, number: u64, first: i64, last: i64) {
    let mut seen = first;
    let mut random = Random::new(number + 1);
    while seen < last {
        let mut patience = 1 + random.below(4_000);
        let mut lines = open(&at, seen).await;
        let mut line = String::new();
        while seen < last && patience > 0 {
            line.clear();
            if lines.read_line(&mut line).await.expect("readable") == 0 {
                break;
            }
            if let Some(id) = line.strip_prefix("id: ") {
                let id: i64 = id.trim().parse().expect("a revision");
                // A quiet stream repeats where it is.
                if id == seen {
                    continue;
                }
                assert_eq!(id, seen + 1, "subscriber {number}");
                seen = id;
                patience -= 1;
            }
        }
    }
}

async fn open(at: &Target, from: i64) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(&at.address).await.expect("connected");
    let request = format!(
        "GET /api/events?from={from} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
         Accept: text/event-stream\r\n\r\n",
        at.token
    );
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut lines = BufReader::new(stream);
    let mut status = String::new();
    lines.read_line(&mut status).await.expect("an answer");
    assert!(status.contains(" 200 "), "{status}");
    lines
}

/// Publishes on one connection until nothing is left to publish.
async fn publish(at: Arc<Target>, left: Arc<AtomicU64>) {
    let mut stream = BufReader::new(TcpStream::connect(&at.address).await.expect("connected"));
    let body = r#"{"topic":"soak.event","data":{"some":"text"}}"#;
    let request = format!(
        "POST /api/events/publish HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        at.token,
        body.len()
    );
    let take = |left: u64| left.checked_sub(1);
    while left
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
        .is_ok()
    {
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut length = 0;
        let mut line = String::new();
        loop {
            line.clear();
            stream.read_line(&mut line).await.expect("an answer");
            if line.starts_with("HTTP/1.1 ") {
                assert!(line.contains(" 200 "), "{line}");
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().expect("a number");
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut answer = vec![0; length];
        stream
            .read_exact(&mut answer)
            .await
            .expect("a whole answer");
    }
}
