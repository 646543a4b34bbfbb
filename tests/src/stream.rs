//! Readers of the two streams: server-sent events and WebSocket.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use coro_api::events::Event;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::{Client, PATIENCE, Request, Response, tls};

/// One block of a stream of server-sent events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    pub id: Option<String>,
    pub event: Option<String>,
    pub data: String,
    pub retry: Option<String>,
    pub comment: Option<String>,
}

/// A reader of server-sent events.
pub struct Sse {
    lines: BufReader<ureq::BodyReader<'static>>,
}

impl Sse {
    /// Opens a stream; fails the test where it is refused.
    pub fn open(request: Request) -> Self {
        let answer = request.header("Accept", "text/event-stream").open();
        let answer = answer.expect("the server answers");
        assert_eq!(answer.status(), 200);
        let content_type = answer.headers().get("content-type").expect("a type");
        assert_eq!(content_type, "text/event-stream");
        Sse {
            lines: BufReader::new(answer.into_body().into_reader()),
        }
    }

    /// The next frame, comments included; `None` at the end of the stream.
    pub fn next_frame(&mut self) -> Option<Frame> {
        let mut frame = Frame::default();
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                if frame == Frame::default() {
                    continue;
                }
                return Some(frame);
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
            match field {
                "" => frame.comment = Some(value),
                "id" => frame.id = Some(value),
                "event" => frame.event = Some(value),
                "data" => frame.data.push_str(&value),
                "retry" => frame.retry = Some(value),
                _ => panic!("unknown field in {line:?}"),
            }
        }
    }

    /// The next event; comments are passed over.
    #[track_caller]
    pub fn next_event(&mut self) -> Event {
        loop {
            let frame = self.next_frame().expect("the stream goes on");
            if frame.data.is_empty() {
                continue;
            }
            let event: Event = serde_json::from_str(&frame.data).expect("data is an event");
            assert_eq!(frame.id, Some(event.revision.to_string()));
            return event;
        }
    }

    pub fn take(&mut self, count: usize) -> Vec<Event> {
        (0..count).map(|_| self.next_event()).collect()
    }
}

/// What a WebSocket goes over: TCP, or TLS over it.
trait Connection: Read + Write + Send {}
impl<T: Read + Write + Send> Connection for T {}

/// A WebSocket over loopback.
pub struct WebSocket(tungstenite::WebSocket<Box<dyn Connection>>);

impl WebSocket {
    /// Subscribes; `query` is what follows the `?`.
    pub fn subscribe(client: &Client, query: &str) -> Self {
        Self::try_open(client, &format!("/api/events/subscribe?{query}"), &[])
            .unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    /// Opens a WebSocket, or gives the answer that refuses it.
    pub fn try_open(
        client: &Client,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Box<Response>> {
        let (scheme, address) = client.url().split_once("://").expect("a URL");
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
        let host = address.split(':').next().unwrap_or(address);
        let stream: Box<dyn Connection> = match scheme {
            "https" => Box::new(tls::over(stream, host)),
            _ => Box::new(stream),
        };
        let mut request = format!("ws://{address}{path}")
            .into_client_request()
            .expect("a URL");
        let bearer = format!("Bearer {}", client.token());
        if !client.token().is_empty() {
            let bearer = HeaderValue::from_str(&bearer).expect("a token is ASCII");
            request.headers_mut().insert("authorization", bearer);
        }
        for (name, value) in headers {
            request
                .headers_mut()
                .insert(*name, HeaderValue::from_str(value).expect("ASCII"));
        }
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(WebSocket(socket)),
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(answer))) => {
                let headers = answer.headers().iter().map(|(name, value)| {
                    (
                        name.to_string(),
                        String::from_utf8_lossy(value.as_bytes()).into_owned(),
                    )
                });
                let headers = headers.collect();
                let status = answer.status().as_u16();
                let body = answer.into_body().unwrap_or_default();
                Err(Box::new(Response::new(path, status, headers, body)))
            }
            Err(error) => panic!("{path}: {error}"),
        }
    }

    /// The next message of any kind.
    #[track_caller]
    pub fn next_message(&mut self) -> Message {
        self.0.read().expect("the stream goes on")
    }

    /// The next event; pings are answered and passed over.
    #[track_caller]
    pub fn next_event(&mut self) -> Event {
        loop {
            if let Message::Text(text) = self.next_message() {
                return serde_json::from_str(&text).expect("a text frame is an event");
            }
        }
    }

    pub fn take(&mut self, count: usize) -> Vec<Event> {
        (0..count).map(|_| self.next_event()).collect()
    }

    /// The code with which the server closes, after whatever comes before.
    pub fn closed(&mut self) -> Option<u16> {
        loop {
            match self.0.read() {
                Ok(Message::Close(frame)) => return frame.map(|frame| frame.code.into()),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// Whether the server ends it before it says anything more.
    pub fn ends(&mut self) -> bool {
        matches!(self.0.read(), Ok(Message::Close(_)) | Err(_))
    }

    pub fn send(&mut self, message: Message) {
        self.0.send(message).expect("the connection is open");
    }
}
