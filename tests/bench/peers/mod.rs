//! The servers that are measured, and one connection to any of them.

mod etcd;
mod nats;
mod redis;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::coro;
use crate::process::{Process, folder};
use crate::wire::Wire;

pub(crate) use redis::start as start_redis;

/// A server that takes load.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) address: SocketAddr,
    pub(crate) pid: u32,
    /// Coro's owner token; empty elsewhere.
    pub(crate) token: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Coro,
    EtcdGrpc,
    EtcdJson,
    Nats,
    Redis,
    /// Only answers: what HTTP itself costs.
    Hello,
}

impl Target {
    pub(crate) fn coro(server: &coro::Server) -> Target {
        Target {
            name: "Coro",
            kind: Kind::Coro,
            address: server.address,
            pid: server.process.pid(),
            token: server.token.clone(),
        }
    }

    fn peer(name: &'static str, kind: Kind, address: SocketAddr, pid: u32) -> Target {
        Target {
            name,
            kind,
            address,
            pid,
            token: String::new(),
        }
    }

    pub(crate) async fn connect(&self) -> Result<Connection> {
        let connected = self.connection().await;
        connected.with_context(|| format!("no connection to {}", self.name))
    }

    async fn connection(&self) -> Result<Connection> {
        let address = self.address;
        Ok(match self.kind {
            Kind::Coro | Kind::Hello => Connection::Http {
                wire: Wire::connect(address).await?,
                headers: self.headers(),
            },
            Kind::EtcdJson => Connection::EtcdJson(etcd::Json::connect(address).await?),
            Kind::EtcdGrpc => Connection::EtcdGrpc(etcd::Grpc::connect(address).await?),
            Kind::Nats => Connection::Nats(nats::Nats::connect(address).await?),
            Kind::Redis => Connection::Redis(redis::Redis::connect(address).await?),
        })
    }

    /// The request headers that are the same each time.
    pub(crate) fn headers(&self) -> String {
        let host = format!("Host: {}\r\n", self.address);
        match self.token.as_str() {
            "" => host,
            token => format!("{host}Authorization: Bearer {token}\r\n"),
        }
    }
}

/// One connection of a client.
pub(crate) enum Connection {
    /// Coro, and the bare server that answers anything.
    Http {
        wire: Wire,
        headers: String,
    },
    EtcdGrpc(etcd::Grpc),
    EtcdJson(etcd::Json),
    Nats(nats::Nats),
    Redis(redis::Redis),
}

impl Connection {
    /// Stores a value; returns when the server says that it is durable.
    pub(crate) async fn put(&mut self, key: &str, value: &[u8]) -> Result<()> {
        match self {
            Connection::Http { wire, headers } => {
                let path = format!("PUT /api/state/bench/{key}");
                request(wire, &path, headers, value);
                wire.http_ok().await
            }
            Connection::EtcdGrpc(etcd) => etcd.put(key, value).await,
            Connection::EtcdJson(etcd) => etcd.put(key, value).await,
            Connection::Nats(nats) => nats.put(key, value).await,
            Connection::Redis(redis) => redis.put(key, value).await,
        }
    }

    /// Reads a value that is there.
    pub(crate) async fn get(&mut self, key: &str) -> Result<()> {
        match self {
            Connection::Http { wire, headers } => {
                let out = &mut wire.outbox;
                out.extend_from_slice(b"GET /api/state/bench/");
                out.extend_from_slice(key.as_bytes());
                out.extend_from_slice(b" HTTP/1.1\r\n");
                out.extend_from_slice(headers.as_bytes());
                out.extend_from_slice(b"\r\n");
                wire.http_ok().await
            }
            Connection::EtcdGrpc(etcd) => etcd.get(key).await,
            Connection::EtcdJson(etcd) => etcd.get(key).await,
            Connection::Nats(nats) => nats.get(key).await,
            Connection::Redis(redis) => redis.get(key).await,
        }
    }

    /// Publishes a durable event. `payload` is a JSON string without escapes.
    pub(crate) async fn publish(&mut self, payload: &str) -> Result<()> {
        match self {
            Connection::Http { wire, headers } => {
                let body = format!(r#"{{"topic":"bench.event","data":"{payload}"}}"#);
                request(wire, "POST /api/events/publish", headers, body.as_bytes());
                wire.http_ok().await
            }
            Connection::Redis(redis) => redis.append(payload).await,
            _ => anyhow::bail!("not measured with events"),
        }
    }
}

fn request(wire: &mut Wire, method_and_path: &str, headers: &str, body: &[u8]) {
    use std::io::Write;
    let out = &mut wire.outbox;
    let _ = write!(
        out,
        "{method_and_path} HTTP/1.1\r\n{headers}Content-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    out.extend_from_slice(body);
}

/// The peers that run beside Coro while state is measured.
pub(crate) struct Peers {
    pub(crate) targets: Vec<Target>,
    /// With the name of the program, for its memory.
    pub(crate) processes: Vec<(&'static str, Process)>,
}

impl Peers {
    /// Starts those that are installed; says which are not.
    pub(crate) fn start(nats_server: &str) -> Result<Peers> {
        let mut peers = Peers {
            targets: Vec::new(),
            processes: Vec::new(),
        };
        let started: [(&'static str, Result<Started>); 4] = [
            ("etcd", etcd::start()),
            ("NATS JetStream KV", nats::start(nats_server)),
            ("Redis", redis::start()),
            ("bare axum", start_hello()),
        ];
        for (name, outcome) in started {
            match outcome {
                Ok((process, targets)) => {
                    peers.targets.extend(targets);
                    peers.processes.push((name, process));
                }
                Err(error) => eprintln!("bench: without {name}: {error:#}"),
            }
        }
        Ok(peers)
    }
}

/// A peer that runs, and the ways to it.
pub(crate) type Started = (Process, Vec<Target>);

fn start_hello() -> Result<Started> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("--hello-server")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("piped")?).read_line(&mut line)?;
    let process = Process {
        child,
        folder: folder()?,
    };
    let address = line
        .trim()
        .parse()
        .context("the hello server said no address")?;
    let targets = vec![Target::peer(
        "bare axum",
        Kind::Hello,
        address,
        process.pid(),
    )];
    Ok((process, targets))
}
