//! Redis with `appendfsync always`: each answer after an fsync, no history.

use std::net::SocketAddr;
use std::process::Command;

use anyhow::{Result, bail};

use super::{Kind, Started, Target};
use crate::process::{Process, folder, free_address};
use crate::wire::Wire;

/// The stream that events are appended to.
const STREAM: &str = "bench";

pub(crate) fn start() -> Result<Started> {
    let (folder, address) = (folder()?, free_address()?);
    let mut command = Command::new("redis-server");
    command
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"])
        .args(["--appendfsync", "always", "--port"])
        .arg(address.port().to_string())
        .arg("--dir")
        .arg(folder.path());
    let mut process = Process::spawn(folder, &mut command)?;
    process.wait_for(address)?;
    let targets = vec![Target::peer("Redis", Kind::Redis, address, process.pid())];
    Ok((process, targets))
}

pub(crate) struct Redis {
    wire: Wire,
}

impl Redis {
    pub(crate) async fn connect(address: SocketAddr) -> Result<Redis> {
        Ok(Redis {
            wire: Wire::connect(address).await?,
        })
    }

    pub(super) async fn put(&mut self, key: &str, value: &[u8]) -> Result<()> {
        self.call(&[b"SET", key.as_bytes(), value]).await
    }

    pub(super) async fn get(&mut self, key: &str) -> Result<()> {
        self.call(&[b"GET", key.as_bytes()]).await
    }

    pub(super) async fn append(&mut self, payload: &str) -> Result<()> {
        self.call(&[b"XADD", STREAM.as_bytes(), b"*", b"d", payload.as_bytes()])
            .await
    }

    /// Asks for the entries after `last` and waits for at least one. The
    /// answer is then pending in [`Redis::wire`]; gives its length.
    pub(crate) async fn read_after(&mut self, last: &str) -> Result<usize> {
        let words: [&[u8]; 8] = [
            b"XREAD",
            b"COUNT",
            b"1000",
            b"BLOCK",
            b"0",
            b"STREAMS",
            STREAM.as_bytes(),
            last.as_bytes(),
        ];
        command(&mut self.wire.outbox, &words);
        self.wire.send().await?;
        self.answer().await
    }

    pub(crate) fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    /// Sends a command whose answer is not an error and not nothing.
    async fn call(&mut self, words: &[&[u8]]) -> Result<()> {
        command(&mut self.wire.outbox, words);
        self.wire.send().await?;
        let length = self.answer().await?;
        let answer = &self.wire.pending()[..length];
        if answer[0] == b'-' || answer.starts_with(b"$-1") {
            bail!("Redis answered {}", String::from_utf8_lossy(answer));
        }
        self.wire.consume(length);
        Ok(())
    }

    /// Reads until an answer is pending as a whole; gives its length.
    async fn answer(&mut self) -> Result<usize> {
        loop {
            if let Some(length) = length_of(self.wire.pending()) {
                return Ok(length);
            }
            self.wire.fill().await?;
        }
    }
}

fn command(out: &mut Vec<u8>, words: &[&[u8]]) {
    use std::io::Write;
    let _ = write!(out, "*{}\r\n", words.len());
    for word in words {
        let _ = write!(out, "${}\r\n", word.len());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}

/// The length of the answer that `bytes` begin with, where it is whole.
fn length_of(bytes: &[u8]) -> Option<usize> {
    let line = crate::wire::find(bytes, b"\r\n")?;
    let after = line + 2;
    let number = || {
        std::str::from_utf8(&bytes[1..line])
            .ok()?
            .parse::<i64>()
            .ok()
    };
    match bytes[0] {
        b'$' => {
            let length = number()?;
            let whole = if length < 0 {
                after
            } else {
                after + length as usize + 2
            };
            (bytes.len() >= whole).then_some(whole)
        }
        b'*' => {
            let mut at = after;
            for _ in 0..number()?.max(0) {
                at += length_of(&bytes[at..])?;
            }
            Some(at)
        }
        _ => Some(after),
    }
}
