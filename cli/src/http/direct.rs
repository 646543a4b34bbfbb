//! The fast path: plain HTTP over a Unix socket or loopback.

use std::fmt::Write as _;
use std::io::{self, BufReader, Write};

use super::body::{Body, Framing};
use super::connection::Connection;
use super::headers::read_head;
use super::{Address, Hangup, Patience, Reply, Request, Transport, TransportError, USER_AGENT};
use crate::config::Token;

/// Enough for the head and the value of most answers in one read.
const BUFFER_BYTES: usize = 16 * 1024;

/// Bodies up to this size travel in the same write as the head.
const SINGLE_WRITE_BYTES_MAX: usize = 64 * 1024;

/// Connects anew for each request: a program makes one, and then ends.
pub(crate) struct Direct {
    /// Where the server may be, the likeliest first.
    places: Vec<Address>,
    token: Option<Token>,
    hangup: Option<Hangup>,
}

impl Direct {
    pub(crate) fn new(places: Vec<Address>, token: Option<Token>) -> Direct {
        Direct {
            places,
            token,
            hangup: None,
        }
    }

    /// Lets another thread end the calls.
    pub(crate) fn end_by(mut self, hangup: Hangup) -> Direct {
        self.hangup = Some(hangup);
        self
    }

    /// Connects to the first place where somebody listens. A stale socket file
    /// or a stopped server is a reason to try the next; a refusal by the
    /// operating system is not, as it would hide the cause.
    fn connect(&self, patience: Patience) -> Result<(Connection, &Address), TransportError> {
        for place in &self.places {
            match Connection::open(place, patience) {
                Ok(connection) => return Ok((connection, place)),
                Err(error) => match TransportError::while_connecting(place, &error) {
                    TransportError::NotRunning(_) => {}
                    error => return Err(error),
                },
            }
        }
        let places: Vec<String> = self.places.iter().map(Address::to_string).collect();
        Err(TransportError::NotRunning(places.join(" or ")))
    }

    fn head_of(&self, request: &Request, place: &Address) -> Vec<u8> {
        let mut head = String::with_capacity(512);
        let (method, path) = (request.method.word(), &request.path_and_query);
        // Writing to a string can't fail.
        let _ = write!(
            head,
            "{method} {}{path} HTTP/1.1\r\nHost: {}\r\n",
            place.base(),
            place.authority()
        );
        head.push_str("Connection: close\r\n");
        let is_named = |(name, _): &(&str, String)| name.eq_ignore_ascii_case("user-agent");
        if !request.headers.iter().any(is_named) {
            let _ = write!(head, "User-Agent: {USER_AGENT}\r\n");
        }
        if let Some(token) = &self.token {
            let _ = write!(head, "Authorization: Bearer {}\r\n", token.reveal());
        }
        for (name, value) in &request.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if request.method.takes_body() || !request.body.is_empty() {
            let _ = write!(head, "Content-Length: {}\r\n", request.body.len());
        }
        head.push_str("\r\n");
        head.into_bytes()
    }
}

impl Transport for Direct {
    fn open(&mut self, request: &Request) -> Result<Reply, TransportError> {
        let (mut connection, place) = self.connect(request.patience)?;
        if let Some(hangup) = &self.hangup {
            let watched = connection.end_by(hangup);
            watched.map_err(TransportError::while_reading)?;
        }
        let written = write_request(&mut connection, self.head_of(request, place), &request.body);
        let mut reader = BufReader::with_capacity(BUFFER_BYTES, connection);
        // A server that refuses a body answers and closes without reading all
        // of it; then the answer says more than the failed write.
        let (status, headers) = match (written, read_head(&mut reader)) {
            (_, Ok(head)) => head,
            (Err(error), Err(_)) | (Ok(()), Err(error)) => {
                return Err(TransportError::while_reading(error));
            }
        };
        let framing =
            Framing::of(request.method, status, &headers).map_err(TransportError::while_reading)?;
        Ok(Reply {
            status,
            headers,
            body: Box::new(Body::new(reader, framing)),
        })
    }
}

fn write_request(connection: &mut Connection, mut head: Vec<u8>, body: &[u8]) -> io::Result<()> {
    if body.len() <= SINGLE_WRITE_BYTES_MAX {
        head.extend_from_slice(body);
        return connection.write_all(&head);
    }
    connection.write_all(&head)?;
    connection.write_all(body)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_request_is_what_the_standard_asks_for_and_the_answer_is_read() {
        let (mut direct, server) = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
        let request = Request::get("/api/state").key("a b").query("prefix", "x");
        let response = direct.send(&request).unwrap();
        assert_eq!(
            (response.status, response.body.as_slice()),
            (200, &b"hi"[..])
        );
        let sent = server.join().unwrap();
        assert!(
            sent.starts_with("GET /api/state/a%20b?prefix=x HTTP/1.1\r\nHost: 127.0.0.1:"),
            "{sent}"
        );
        assert!(
            sent.contains("\r\nAuthorization: Bearer cor_secret\r\n"),
            "{sent}"
        );
        assert!(
            sent.contains("\r\nConnection: close\r\n") && sent.ends_with("\r\n\r\n"),
            "{sent}"
        );
    }

    #[test]
    fn an_answer_that_is_cut_short_is_no_answer() {
        let (mut direct, server) = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi");
        let error = direct.send(&Request::get("/x")).unwrap_err();
        assert!(matches!(error, TransportError::Broken(_)), "{error:?}");
        server.join().unwrap();
    }

    #[test]
    fn a_server_that_does_not_answer_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut direct = Direct::new(vec![address_of(&listener)], None);
        let request = Request::get("/x").patience(Patience::whole(Duration::from_millis(20)));
        assert_eq!(direct.send(&request).unwrap_err(), TransportError::TimedOut);
        let request = Request::get("/x").patience(Patience::silence(Duration::from_millis(20)));
        assert_eq!(direct.send(&request).unwrap_err(), TransportError::TimedOut);
    }

    #[test]
    fn the_next_place_is_tried_where_nobody_listens() {
        let gone = Address::Unix("/nowhere/coro.sock".into());
        let (direct, server) = serve(b"HTTP/1.1 204 No Content\r\n\r\n");
        let mut direct = Direct::new(vec![gone.clone(), direct.places[0].clone()], None);
        assert_eq!(direct.send(&Request::get("/x")).unwrap().status, 204);
        server.join().unwrap();

        let mut direct = Direct::new(vec![gone.clone(), gone], None);
        let places = "unix:/nowhere/coro.sock or unix:/nowhere/coro.sock".to_owned();
        assert_eq!(
            direct.send(&Request::get("/x")).unwrap_err(),
            TransportError::NotRunning(places)
        );
    }

    /// Answers one request with `answer`; joining gives what was sent.
    fn serve(answer: &'static [u8]) -> (Direct, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let direct = Direct::new(vec![address_of(&listener)], Some(Token::new("cor_secret")));
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut sent = vec![0; 4096];
            let count = stream.read(&mut sent).unwrap();
            stream.write_all(answer).unwrap();
            String::from_utf8(sent[..count].to_vec()).unwrap()
        });
        (direct, server)
    }

    fn address_of(listener: &TcpListener) -> Address {
        format!("http://{}", listener.local_addr().unwrap())
            .parse()
            .unwrap()
    }
}
