//! A TCP connection with a buffer, and the least of HTTP/1.1 and WebSocket
//! that a load needs. Little work for each answer: the client must not be
//! what is measured.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How much room a read gets.
const READ_BYTES: usize = 64 * 1024;

/// A connection with what was read and not yet used.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    inbox: Vec<u8>,
    used: usize,
    /// What the next [`Wire::send`] sends.
    pub(crate) outbox: Vec<u8>,
}

impl Wire {
    pub(crate) async fn connect(address: SocketAddr) -> Result<Wire> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("at {address}"))?;
        stream.set_nodelay(true)?;
        let (inbox, outbox) = (Vec::with_capacity(READ_BYTES), Vec::with_capacity(1024));
        Ok(Wire {
            stream,
            inbox,
            used: 0,
            outbox,
        })
    }

    /// Sends the outbox and empties it.
    pub(crate) async fn send(&mut self) -> Result<()> {
        self.stream.write_all(&self.outbox).await?;
        self.outbox.clear();
        Ok(())
    }

    /// This end's own port.
    pub(crate) fn local_port(&self) -> Result<u16> {
        Ok(self.stream.local_addr()?.port())
    }

    /// What was read and not yet used.
    pub(crate) fn pending(&self) -> &[u8] {
        &self.inbox[self.used..]
    }

    pub(crate) fn consume(&mut self, bytes: usize) {
        self.used += bytes;
        if self.used == self.inbox.len() {
            self.inbox.clear();
            self.used = 0;
        }
    }

    /// Reads at least one byte more.
    pub(crate) async fn fill(&mut self) -> Result<()> {
        if self.used > READ_BYTES {
            self.inbox.drain(..self.used);
            self.used = 0;
        }
        self.inbox.reserve(READ_BYTES);
        let read = self.stream.read_buf(&mut self.inbox).await?;
        ensure!(read > 0, "the server closed the connection");
        Ok(())
    }

    /// Reads until `bytes` are pending.
    pub(crate) async fn fill_to(&mut self, bytes: usize) -> Result<()> {
        while self.pending().len() < bytes {
            self.fill().await?;
        }
        Ok(())
    }

    /// Reads until `mark` is pending; gives where it ends.
    pub(crate) async fn fill_until(&mut self, mark: &[u8]) -> Result<usize> {
        let mut looked = 0;
        loop {
            if let Some(at) = find(&self.pending()[looked..], mark) {
                return Ok(looked + at + mark.len());
            }
            looked = self.pending().len().saturating_sub(mark.len() - 1);
            self.fill().await?;
        }
    }

    /// Sends the outbox as a request and reads the answer, whose body is then
    /// pending; [`Wire::consume`] it. Gives status and length.
    pub(crate) async fn http(&mut self) -> Result<(u16, usize)> {
        self.send().await?;
        let head = self.fill_until(b"\r\n\r\n").await?;
        let status = http_status(self.pending())?;
        let body = body_of(&self.pending()[..head]);
        self.consume(head);
        let length = match body {
            Body::Length(length) => {
                self.fill_to(length).await?;
                length
            }
            Body::Chunked => self.fill_until(b"0\r\n\r\n").await?,
        };
        Ok((status, length))
    }

    /// As [`Wire::http`], where only success matters.
    pub(crate) async fn http_ok(&mut self) -> Result<()> {
        let (status, length) = self.http().await?;
        if status != 200 {
            bail!(
                "{status}: {}",
                String::from_utf8_lossy(&self.pending()[..length])
            );
        }
        self.consume(length);
        Ok(())
    }

    /// Reads the next frame of a WebSocket's server; its payload is then
    /// pending. Gives opcode and length.
    pub(crate) async fn frame(&mut self) -> Result<(u8, usize)> {
        self.fill_to(2).await?;
        let (first, second) = (self.pending()[0], self.pending()[1]);
        ensure!(first & 0x80 != 0, "a frame in pieces");
        let (head, length) = match second {
            126 => {
                self.fill_to(4).await?;
                let bytes = self.pending()[2..4].try_into().expect("two bytes");
                (4, usize::from(u16::from_be_bytes(bytes)))
            }
            127 => {
                self.fill_to(10).await?;
                let bytes = self.pending()[2..10].try_into().expect("eight bytes");
                (10, u64::from_be_bytes(bytes) as usize)
            }
            short => (2, usize::from(short)),
        };
        self.fill_to(head + length).await?;
        self.consume(head);
        Ok((first & 0x0F, length))
    }
}

enum Body {
    Length(usize),
    Chunked,
}

fn http_status(answer: &[u8]) -> Result<u16> {
    let digits = answer
        .get(9..12)
        .and_then(|digits| std::str::from_utf8(digits).ok());
    digits
        .and_then(|digits| digits.parse().ok())
        .context("no HTTP answer")
}

fn body_of(head: &[u8]) -> Body {
    for line in head.split(|&byte| byte == b'\n') {
        if let Some(value) = header(line, b"content-length:") {
            return Body::Length(value.trim().parse().unwrap_or(0));
        }
        if header(line, b"transfer-encoding:").is_some_and(|value| value.trim() == "chunked") {
            return Body::Chunked;
        }
    }
    Body::Length(0)
}

fn header<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a str> {
    let (begin, value) = line.split_at_checked(name.len())?;
    if begin.eq_ignore_ascii_case(name) {
        std::str::from_utf8(value).ok()
    } else {
        None
    }
}

/// Where `mark` begins in `bytes`.
pub(crate) fn find(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    let (first, rest) = mark.split_first()?;
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| byte == first) {
        let after = from + at + 1;
        if bytes[after..].starts_with(rest) {
            return Some(from + at);
        }
        from = after;
    }
    None
}
