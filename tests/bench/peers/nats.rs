//! NATS: a key-value bucket on disk, `sync_interval: always`.

use std::net::SocketAddr;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::{Kind, Started, Target};
use crate::process::{Process, folder, free_address};
use crate::wire::Wire;

/// What a bucket named `bench` is: a stream over its subjects, with as much
/// history as a bucket may have.
const BUCKET: &str = r#"{"name":"KV_bench","subjects":["$KV.bench.>"],"max_msgs_per_subject":64,
"storage":"file","discard":"new","allow_direct":true,"allow_rollup_hdrs":true,"deny_delete":true,
"num_replicas":1,"retention":"limits","max_age":0,"max_bytes":-1,"max_msgs":-1}"#;

pub(super) fn start(program: &str) -> Result<Started> {
    let (folder, address) = (folder()?, free_address()?);
    let config = folder.path().join("nats.conf");
    let store = folder.path().join("store");
    let text = format!(
        "listen: \"{address}\"\njetstream {{ store_dir: {store:?}, sync_interval: always }}\n"
    );
    std::fs::write(&config, text)?;
    let mut command = Command::new(program);
    command.arg("-c").arg(&config);
    let mut process = Process::spawn(folder, &mut command)?;
    if let Err(error) = process.wait_for(address) {
        // Older ones would answer before anything is durable.
        return Err(if process.log().contains("sync_interval") {
            error.context("this nats-server has no sync_interval, see --nats-server")
        } else {
            error
        });
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut nats = Nats::connect(address).await?;
        nats.call("$JS.API.STREAM.CREATE.KV_bench", BUCKET.as_bytes())
            .await
    })?;
    let targets = vec![Target::peer(
        "NATS JetStream KV",
        Kind::Nats,
        address,
        process.pid(),
    )];
    Ok((process, targets))
}

pub(crate) struct Nats {
    wire: Wire,
    /// Where answers come, this connection's own.
    inbox: String,
}

impl Nats {
    pub(super) async fn connect(address: SocketAddr) -> Result<Nats> {
        let mut wire = Wire::connect(address).await?;
        let info = wire.fill_until(b"\r\n").await?;
        wire.consume(info);
        let options = r#"{"verbose":false,"pedantic":false,"headers":true,"no_responders":true}"#;
        wire.outbox
            .extend_from_slice(format!("CONNECT {options}\r\n").as_bytes());
        let inbox = format!("_INBOX.bench.{}", wire.local_port()?);
        wire.outbox
            .extend_from_slice(format!("SUB {inbox} 1\r\nPING\r\n").as_bytes());
        wire.send().await?;
        let pong = wire.fill_until(b"\r\n").await?;
        ensure!(wire.pending().starts_with(b"PONG"), "NATS answered no PONG");
        wire.consume(pong);
        Ok(Nats { wire, inbox })
    }

    pub(super) async fn put(&mut self, key: &str, value: &[u8]) -> Result<()> {
        self.call(&format!("$KV.bench.{key}"), value).await
    }

    pub(super) async fn get(&mut self, key: &str) -> Result<()> {
        self.call(&format!("$JS.API.DIRECT.GET.KV_bench.$KV.bench.{key}"), b"")
            .await
    }

    /// Publishes and waits for the answer, which is no error.
    async fn call(&mut self, subject: &str, payload: &[u8]) -> Result<()> {
        let line = format!("PUB {subject} {} {}\r\n", self.inbox, payload.len());
        let out = &mut self.wire.outbox;
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(payload);
        out.extend_from_slice(b"\r\n");
        self.wire.send().await?;
        loop {
            let line = self.wire.fill_until(b"\r\n").await?;
            let text = std::str::from_utf8(&self.wire.pending()[..line - 2])?;
            if text == "PING" {
                self.wire.consume(line);
                self.wire.outbox.extend_from_slice(b"PONG\r\n");
                self.wire.send().await?;
            } else if text.starts_with("MSG ") || text.starts_with("HMSG ") {
                let length: usize = text.rsplit(' ').next().context("no length")?.parse()?;
                self.wire.consume(line);
                self.wire.fill_to(length + 2).await?;
                let answer = &self.wire.pending()[..length];
                let failed = answer.starts_with(b"NATS/1.0 404")
                    || answer.starts_with(b"NATS/1.0 503")
                    || crate::wire::find(answer, b"\"error\"").is_some();
                if failed {
                    bail!("NATS answered {}", String::from_utf8_lossy(answer));
                }
                self.wire.consume(length + 2);
                return Ok(());
            } else {
                bail!("NATS said {text:?}");
            }
        }
    }
}
