//! etcd, over gRPC and over its HTTP/JSON gateway. It syncs each commit.
//!
//! Of Protocol Buffers only what two requests need is here, written by hand:
//! a bytes field is its tag, its length and itself.

use std::net::SocketAddr;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::{Bytes, BytesMut};
use h2::client::SendRequest;
use http::{Request, Uri};
use tokio::net::TcpStream;

use super::{Kind, Started, Target};
use crate::process::{Process, folder, free_address};
use crate::wire::Wire;

pub(super) fn start() -> Result<Started> {
    let (folder, address, peer) = (folder()?, free_address()?, free_address()?);
    let mut command = Command::new("etcd");
    command
        .arg("--data-dir")
        .arg(folder.path().join("data"))
        .args([
            "--log-level",
            "error",
            "--quota-backend-bytes",
            "8589934592",
        ])
        .args(["--initial-cluster", &format!("default=http://{peer}")])
        .args(["--initial-advertise-peer-urls", &format!("http://{peer}")])
        .args(["--listen-peer-urls", &format!("http://{peer}")])
        .args(["--advertise-client-urls", &format!("http://{address}")])
        .args(["--listen-client-urls", &format!("http://{address}")]);
    let mut process = Process::spawn(folder, &mut command)?;
    // It listens when it has elected itself.
    process.wait_for(address)?;
    let targets = vec![
        Target::peer("etcd gRPC", Kind::EtcdGrpc, address, process.pid()),
        Target::peer("etcd JSON", Kind::EtcdJson, address, process.pid()),
    ];
    Ok((process, targets))
}

pub(crate) struct Grpc {
    requests: SendRequest<Bytes>,
    put: Uri,
    range: Uri,
}

impl Grpc {
    pub(super) async fn connect(address: SocketAddr) -> Result<Grpc> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (requests, connection) = h2::client::handshake(stream).await?;
        tokio::spawn(connection);
        let uri = |method| format!("http://{address}/etcdserverpb.KV/{method}").parse();
        Ok(Grpc {
            requests,
            put: uri("Put")?,
            range: uri("Range")?,
        })
    }

    /// `PutRequest { key = 1, value = 2 }`.
    pub(super) async fn put(&mut self, key: &str, value: &[u8]) -> Result<()> {
        let message = message(&[(1, key.as_bytes()), (2, value)]);
        self.call(self.put.clone(), message).await?;
        Ok(())
    }

    /// `RangeRequest { key = 1 }`.
    pub(super) async fn get(&mut self, key: &str) -> Result<()> {
        let answer = self
            .call(self.range.clone(), message(&[(1, key.as_bytes())]))
            .await?;
        ensure!(answer > crate::load::VALUE_BYTES, "etcd has no key {key}");
        Ok(())
    }

    /// Gives the length of the answer.
    async fn call(&mut self, uri: Uri, message: Bytes) -> Result<usize> {
        let request = Request::post(uri)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())?;
        let mut requests = self.requests.clone().ready().await?;
        let (response, mut body) = requests.send_request(request, false)?;
        body.send_data(message, true)?;
        let mut body = response.await?.into_body();
        let mut length = 0;
        while let Some(chunk) = body.data().await {
            let chunk = chunk?;
            length += chunk.len();
            body.flow_control().release_capacity(chunk.len())?;
        }
        let trailers = body.trailers().await?.context("no trailers")?;
        let status = trailers
            .get("grpc-status")
            .map_or(&b""[..], |status| status.as_bytes());
        ensure!(status == b"0", "etcd answered {trailers:?}");
        Ok(length)
    }
}

/// A message of bytes fields with gRPC's five bytes before it: not compressed,
/// and its length.
fn message(fields: &[(u8, &[u8])]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(512);
    bytes.extend_from_slice(&[0; 5]);
    for (number, field) in fields {
        bytes.extend_from_slice(&[number << 3 | 2]);
        let mut rest = field.len();
        while rest >= 0x80 {
            bytes.extend_from_slice(&[rest as u8 | 0x80]);
            rest >>= 7;
        }
        bytes.extend_from_slice(&[rest as u8]);
        bytes.extend_from_slice(field);
    }
    let length = bytes.len() as u32 - 5;
    bytes[1..5].copy_from_slice(&length.to_be_bytes());
    bytes.freeze()
}

pub(crate) struct Json {
    wire: Wire,
    host: String,
}

impl Json {
    pub(super) async fn connect(address: SocketAddr) -> Result<Json> {
        let host = format!("Host: {address}\r\n");
        Ok(Json {
            wire: Wire::connect(address).await?,
            host,
        })
    }

    pub(super) async fn put(&mut self, key: &str, value: &[u8]) -> Result<()> {
        let (key, value) = (BASE64_STANDARD.encode(key), BASE64_STANDARD.encode(value));
        let body = format!(r#"{{"key":"{key}","value":"{value}"}}"#);
        super::request(
            &mut self.wire,
            "POST /v3/kv/put",
            &self.host,
            body.as_bytes(),
        );
        self.wire.http_ok().await
    }

    pub(super) async fn get(&mut self, key: &str) -> Result<()> {
        let body = format!(r#"{{"key":"{}"}}"#, BASE64_STANDARD.encode(key));
        super::request(
            &mut self.wire,
            "POST /v3/kv/range",
            &self.host,
            body.as_bytes(),
        );
        self.wire.http_ok().await
    }
}
