//! HTTP by hand, for what a proper client does not send.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;

use crate::{PATIENCE, Response};

/// One connection.
#[derive(Debug)]
pub struct Wire<S>(S);

impl Wire<TcpStream> {
    pub fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
        Wire(stream)
    }

    /// Ends what we send; the server can still answer.
    pub fn finish(&self) {
        let _ = self.0.shutdown(Shutdown::Write);
    }
}

#[cfg(unix)]
impl Wire<std::os::unix::net::UnixStream> {
    pub fn connect_unix(path: &Path) -> Self {
        let stream = std::os::unix::net::UnixStream::connect(path).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
        Wire(stream)
    }
}

impl<S: Read + Write> Wire<S> {
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.0.write_all(bytes.as_ref()).expect("the server reads");
        self
    }

    /// Writes what the server may refuse to read.
    pub fn try_write(&mut self, bytes: &[u8]) -> &mut Self {
        let _ = self.0.write_all(bytes);
        self
    }

    /// Everything until the server closes the connection.
    pub fn read_to_end(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        match self.0.read_to_end(&mut all) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&all)),
        }
        all
    }

    /// So many bytes.
    pub fn read(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).expect("they come");
        bytes
    }

    /// What has come until the head of an answer is complete.
    pub fn read_head(&mut self) -> String {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && self.0.read(&mut byte).expect("an answer") == 1 {
            head.push(byte[0]);
        }
        String::from_utf8(head).expect("heads are ASCII")
    }

    /// One answer, of a request that said `Connection: close`.
    pub fn answer(&mut self) -> Response {
        let all = self.read_to_end();
        let text = String::from_utf8_lossy(&all);
        let end = text
            .find("\r\n\r\n")
            .unwrap_or_else(|| panic!("no answer but {text:?}"));
        let mut lines = text[..end].split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1))
            .unwrap_or_default();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        let body = all.get(end + 4..).unwrap_or_default().to_vec();
        Response::new("raw request", status.parse().unwrap_or(0), headers, body)
    }
}

/// Allows this process as many open connections as it may have.
pub fn allow_many_connections() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let before = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: before.maximum,
        ..before
    };
    let _ = setrlimit(Resource::Nofile, raised);
}

/// Sends a head of lines, and a body, as they are; reads one answer.
pub fn raw_request(address: &str, head: &[&str], body: &[u8]) -> Response {
    let mut wire = Wire::connect(address);
    wire.write(head.join("\r\n"))
        .write("\r\nConnection: close\r\n\r\n")
        .write(body);
    wire.answer()
}
