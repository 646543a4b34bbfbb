//! A blocking client that takes errors as answers.

use std::fmt;
use std::fmt::Write as _;
use std::io::Read as _;

use coro_api::events::{Event, EventPage};
use coro_api::state::StateItem;
use coro_api::system::Whoami;
use coro_api::{Problem, Reason};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{PATIENCE, tls};

/// Someone who calls: a server and perhaps a token.
#[derive(Clone, Debug)]
pub struct Client {
    url: String,
    token: Option<String>,
    agent: ureq::Agent,
}

impl Client {
    /// Over TLS it trusts the tests' certificate, and no other.
    pub fn new(url: &str, token: Option<&str>) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(PATIENCE))
            .allow_non_standard_methods(true)
            .proxy(None)
            .tls_config(tls::for_requests())
            .build();
        Client {
            url: url.to_owned(),
            token: token.map(str::to_owned),
            agent: config.into(),
        }
    }

    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn request(&self, method: &str, path: &str) -> Request {
        Request {
            client: self.clone(),
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
        }
    }

    pub fn get(&self, path: &str) -> Request {
        self.request("GET", path)
    }

    pub fn head(&self, path: &str) -> Request {
        self.request("HEAD", path)
    }

    pub fn put(&self, path: &str, body: impl AsRef<[u8]>) -> Request {
        self.request("PUT", path).body(body)
    }

    pub fn post(&self, path: &str, body: Value) -> Request {
        self.request("POST", path).json(&body)
    }

    /// A `POST` without a body.
    pub fn post_nothing(&self, path: &str) -> Request {
        self.request("POST", path).body("")
    }

    pub fn patch(&self, path: &str, content_type: &str, body: impl AsRef<[u8]>) -> Request {
        self.request("PATCH", path)
            .header("Content-Type", content_type)
            .body(body)
    }

    pub fn delete(&self, path: &str) -> Request {
        self.request("DELETE", path)
    }

    pub fn set(&self, key: &str, value: impl AsRef<[u8]>) -> StateItem {
        self.put(&key_path(key), value).ok()
    }

    pub fn publish(&self, topic: &str, data: Value) -> Event {
        self.post("/api/events/publish", json!({"topic": topic, "data": data}))
            .ok()
    }

    /// Events, the newest first. `query` is what follows the `?`.
    pub fn history(&self, query: &str) -> Vec<Event> {
        self.get(&format!("/api/events/history?{query}")).ok()
    }

    /// One long poll. `query` is what follows the `?`.
    pub fn poll(&self, query: &str) -> EventPage {
        self.get(&format!("/api/events?{query}")).ok()
    }

    /// The newest revision.
    pub fn revision(&self) -> i64 {
        self.get("/api/whoami").ok::<Whoami>().revision
    }
}

/// A request that is about to be sent.
#[derive(Clone, Debug)]
pub struct Request {
    client: Client,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Request {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// As another caller.
    pub fn token(mut self, token: &str) -> Self {
        self.client.token = Some(token.to_owned());
        self
    }

    /// As nobody.
    pub fn anonymous(mut self) -> Self {
        self.client.token = None;
        self
    }

    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = Some(body.as_ref().to_vec());
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json")
            .body(body.to_string())
    }

    /// As it goes over a connection, for a client that does not wait.
    pub fn written(&self) -> String {
        let body = self.body.as_deref().unwrap_or_default();
        let mut text = format!(
            "{} {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n",
            self.method,
            self.path,
            body.len()
        );
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(token) = &self.client.token {
            text.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        text.push_str("\r\n");
        text.push_str(std::str::from_utf8(body).expect("a body of text"));
        text
    }

    /// Sends it and reads the whole answer.
    pub fn send(self) -> Response {
        let what = format!("{} {}", self.method, self.path);
        self.try_send()
            .unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    /// Sends it to a server that may not be there.
    pub fn try_send(self) -> Result<Response, ureq::Error> {
        let request = format!("{} {}", self.method, self.path);
        let mut answer = self.open()?;
        let body = answer
            .body_mut()
            .with_config()
            .limit(u64::MAX)
            .read_to_vec()?;
        let headers = answer.headers().iter().map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        });
        let headers = headers.collect();
        Ok(Response {
            request,
            status: answer.status().as_u16(),
            headers,
            body,
        })
    }

    /// Sends it, expects 200 and reads what the answer says.
    pub fn ok<T: DeserializeOwned>(self) -> T {
        self.send().expect(200).json()
    }

    /// Sends it and expects a refusal.
    pub fn refused(self, reason: Reason) -> Problem {
        self.send().refused(reason)
    }

    /// Sends it; the body is read later, as it comes.
    pub(crate) fn open(self) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        let mut request = ureq::http::Request::builder()
            .method(self.method.as_str())
            .uri(format!("{}{}", self.client.url, self.path));
        if let Some(token) = &self.client.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        match self.body {
            Some(body) => self.client.agent.run(request.body(body)?),
            None => self.client.agent.run(request.body(())?),
        }
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Response {
    request: String,
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub(crate) fn new(
        request: &str,
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> Self {
        Response {
            request: request.to_owned(),
            status,
            headers,
            body,
        }
    }

    /// Fails the test where the status is another one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// Expects a refusal in the form that all errors have.
    #[track_caller]
    pub fn refused(self, reason: Reason) -> Problem {
        assert_eq!(self.status, reason.status(), "{self}");
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self}"
        );
        let problem: Problem = self.json();
        assert_eq!(problem.reason, reason, "{self}");
        assert_eq!(problem.status, reason.status(), "{self}");
        assert_eq!(problem.code, problem.status, "{self}");
        assert_eq!(problem.error, problem.detail, "{self}");
        assert_eq!(problem.title, reason.title(), "{self}");
        assert!(problem.kind.ends_with(reason.word()), "{self}");
        problem
    }

    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    #[track_caller]
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The text, unpacked where it came compressed.
    #[track_caller]
    pub fn text_unpacked(&self) -> String {
        let Some("gzip") = self.header("content-encoding") else {
            return self.text();
        };
        let mut text = String::new();
        let mut unpacker = flate2::read::GzDecoder::new(&self.body[..]);
        unpacker
            .read_to_string(&mut text)
            .unwrap_or_else(|error| panic!("{error}: {self}"));
        text
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(header, _)| header == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// A header that must be there.
    #[track_caller]
    pub fn the(&self, name: &str) -> &str {
        self.header(name)
            .unwrap_or_else(|| panic!("no {name}: {self}"))
    }

    #[track_caller]
    pub fn etag(&self) -> String {
        self.the("etag").to_owned()
    }

    /// The revision that the answer says it was given at.
    #[track_caller]
    pub fn revision(&self) -> i64 {
        self.the("coro-revision").parse().expect("a number")
    }

    /// The page after this one, as a path.
    pub fn next_page(&self) -> Option<String> {
        let link = self.header("link")?;
        let (target, parameters) = link.strip_prefix('<')?.split_once('>')?;
        assert!(parameters.contains("rel=\"next\""), "{self}");
        let start = target.find("/api/").unwrap_or_else(|| panic!("{self}"));
        Some(target[start..].to_owned())
    }

    /// Status, the headers that a client reads, and the body; what differs
    /// from run to run is replaced.
    pub fn snapshot(&self) -> String {
        const SHOWN: [&str; 8] = [
            "allow",
            "content-type",
            "coro-revision",
            "etag",
            "idempotency-replayed",
            "link",
            "retry-after",
            "x-koor-version",
        ];
        let mut text = format!("{}\n", self.status);
        for name in SHOWN {
            if let Some(value) = self.header(name) {
                let _ = writeln!(text, "{name}: {value}");
            }
        }
        text.push('\n');
        match serde_json::from_slice::<Value>(&self.body) {
            Ok(value) => {
                text.push_str(&serde_json::to_string_pretty(&value).expect("it was JSON"));
            }
            Err(_) => text.push_str(&String::from_utf8_lossy(&self.body)),
        }
        redact(&text)
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} answered {}\n{:?}\n",
            self.request, self.status, self.headers
        )?;
        write!(f, "{:.2000}", String::from_utf8_lossy(&self.body))
    }
}

/// The path of a key, each byte that needs it percent-encoded.
pub fn key_path(key: &str) -> String {
    format!("/api/state/{}", escape(key, b"-._~/"))
}

/// A value of a query, percent-encoded.
pub fn encode(text: &str) -> String {
    escape(text, b"-._~")
}

fn escape(text: &str, kept: &[u8]) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// Replaces times, ids and tokens, which differ from run to run.
pub fn redact(text: &str) -> String {
    const SHAPES: [(&str, &str); 2] = [
        ("0000-00-00T00:00:00.000000Z", "[time]"),
        ("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "[id]"),
    ];
    let mut redacted = String::new();
    let mut rest = text;
    'next: while let Some(first) = rest.chars().next() {
        for (shape, name) in SHAPES {
            if has_shape(rest, shape) {
                redacted.push_str(name);
                rest = &rest[shape.len()..];
                continue 'next;
            }
        }
        if rest.starts_with("cor_") && rest.len() >= 47 && rest.is_char_boundary(47) {
            redacted.push_str("[token]");
            rest = &rest[47..];
            continue;
        }
        redacted.push(first);
        rest = &rest[first.len_utf8()..];
    }
    redacted
}

/// `0` in a shape is a digit, `x` a hexadecimal one.
fn has_shape(text: &str, shape: &str) -> bool {
    text.len() >= shape.len()
        && text
            .bytes()
            .zip(shape.bytes())
            .all(|(byte, shape)| match shape {
                b'0' => byte.is_ascii_digit(),
                b'x' => byte.is_ascii_hexdigit(),
                _ => byte == shape,
            })
}
