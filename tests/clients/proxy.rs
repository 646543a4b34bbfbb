//! A proxy between a client and the server: it records what the client sends
//! and may add a token. Everything else passes as it is, `Host` and `Origin`
//! included, and answers pass as they come.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// A running proxy. It ends with the process; connections end with either
/// side.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A request that passed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// The request line and the headers.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Proxy {
    /// Passes everything on to `server`, a host and a port.
    pub(crate) fn start(server: &str) -> Self {
        Self::start_with(server, String::new())
    }

    /// As [`Proxy::start`], for a client that can't send a token: each request
    /// without one gets this one.
    pub(crate) fn start_with_token(server: &str, token: &str) -> Self {
        Self::start_with(server, format!("Authorization: Bearer {token}\r\n"))
    }

    fn start_with(server: &str, header: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        let address = listener.local_addr().expect("it is bound").to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (server, into) = (server.to_owned(), seen.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(upstream) = TcpStream::connect(&server) else {
                    continue;
                };
                let (header, into) = (header.clone(), into.clone());
                std::thread::spawn(move || pass(&client, &upstream, &header, &into));
            }
        });
        Proxy { address, seen }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What passed so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no panic while held").clone()
    }

    /// The requests of an MCP method.
    pub(crate) fn calls(&self, method: &str) -> Vec<Seen> {
        let mut seen = self.seen();
        seen.retain(|seen| seen.json()["method"] == method);
        seen
    }
}

impl Seen {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(':'));
        let found = headers.find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    }
}

/// One connection: the answers on a thread of their own, the requests here.
fn pass(client: &TcpStream, server: &TcpStream, header: &str, seen: &Mutex<Vec<Seen>>) {
    let (Ok(mut from), Ok(mut to)) = (server.try_clone(), client.try_clone()) else {
        return;
    };
    let answers = std::thread::spawn(move || {
        let _ = copy_as_it_comes(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    });
    let mut requests = BufReader::new(client);
    while let Ok(Some(request)) = pass_request(&mut requests, server, header) {
        seen.lock().expect("no panic while held").push(request);
    }
    let _ = server.shutdown(Shutdown::Write);
    let _ = answers.join();
}

/// Streams are not held back until a buffer is full.
fn copy_as_it_comes(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut chunk = [0; 16 * 1024];
    loop {
        match from.read(&mut chunk)? {
            0 => return Ok(()),
            length => to.write_all(&chunk[..length])?,
        }
    }
}

/// Passes one request on; none at the end of the connection.
fn pass_request(
    client: &mut impl BufRead,
    mut server: &TcpStream,
    header: &str,
) -> io::Result<Option<Seen>> {
    let mut request = Seen::default();
    loop {
        let mut line = String::new();
        if client.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        if line == "\r\n" {
            break;
        }
        request.head.push_str(&line);
    }
    let header = match request.header("authorization") {
        Some(_) => "",
        None => header,
    };
    write!(server, "{}{header}\r\n", request.head)?;
    if let Some(length) = request.header("content-length") {
        let length = length.parse().map_err(io::Error::other)?;
        client.take(length).read_to_end(&mut request.body)?;
        server.write_all(&request.body)?;
    } else if request.header("transfer-encoding").is_some() {
        while let Some(chunk) = pass_chunk(client, server)? {
            request.body.extend(chunk);
        }
    }
    Ok(Some(request))
}

/// Passes a chunk of a body on; none after the last one.
fn pass_chunk(client: &mut impl BufRead, mut server: &TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut size = String::new();
    client.read_line(&mut size)?;
    let digits = size.trim().split(';').next().unwrap_or_default();
    let length = u64::from_str_radix(digits, 16).map_err(io::Error::other)?;
    let mut chunk = Vec::new();
    client.take(length).read_to_end(&mut chunk)?;
    let mut end = String::new();
    client.read_line(&mut end)?;
    server.write_all(size.as_bytes())?;
    server.write_all(&chunk)?;
    server.write_all(end.as_bytes())?;
    Ok((length > 0).then_some(chunk))
}
