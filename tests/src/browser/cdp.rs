//! The `DevTools` protocol, as far as the tests need it: a command and its answer.

use std::net::TcpStream;

use crate::PATIENCE;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

/// A connection to one page of a browser.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: WebSocket<TcpStream>,
    session: String,
    last: u64,
    /// What the browser told meanwhile, the oldest first.
    pub(crate) told: Vec<Value>,
}

impl Connection {
    /// Opens an empty page in a profile that shares nothing with other pages.
    pub(crate) fn open(url: &str) -> Self {
        let mut connection = Connection::to_browser(url);
        let context = connection.send("Target.createBrowserContext", json!({}));
        connection.open_page(&context["browserContextId"]);
        connection
    }

    /// A second page of the same browser that shares cookies and storage with
    /// the first, as another tab.
    pub(crate) fn open_tab(url: &str, beside: &mut Connection) -> Self {
        let info = beside.send("Target.getTargetInfo", json!({}));
        let mut tab = Connection::to_browser(url);
        tab.open_page(&info["targetInfo"]["browserContextId"]);
        tab
    }

    /// Connected to the browser, to none of its pages yet.
    fn to_browser(url: &str) -> Self {
        let address = url.trim_start_matches("ws://");
        let address = address.split('/').next().unwrap_or(address);
        let stream = TcpStream::connect(address).expect("Chromium listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time");
        let (socket, _) = client(url, stream).expect("Chromium takes commands");
        Connection {
            socket,
            session: String::new(),
            last: 0,
            told: Vec::new(),
        }
    }

    /// Opens an empty page in a profile; commands go to it from now on.
    fn open_page(&mut self, context: &Value) {
        let target = self.send(
            "Target.createTarget",
            json!({"url": "about:blank", "browserContextId": context}),
        );
        let session = self.send(
            "Target.attachToTarget",
            json!({"targetId": target["targetId"], "flatten": true}),
        );
        let session = session["sessionId"].as_str().expect("a session");
        session.clone_into(&mut self.session);
    }

    /// Sends a command and waits for its answer.
    #[track_caller]
    pub(crate) fn send(&mut self, method: &str, params: Value) -> Value {
        match self.try_send(method, params) {
            Ok(result) => result,
            Err(error) => panic!("{method}: {error}"),
        }
    }

    /// What was recorded, once the recording has ended.
    pub(crate) fn traced(&mut self) -> Vec<Value> {
        let ended = |told: &[Value]| {
            let complete = "Tracing.tracingComplete";
            told.iter().any(|event| event["method"] == complete)
        };
        while !ended(&self.told) {
            let message = self.socket.read().expect("the recording ends");
            if let Message::Text(text) = message {
                self.told.extend(serde_json::from_str::<Value>(&text).ok());
            }
        }
        let (traced, rest) = std::mem::take(&mut self.told)
            .into_iter()
            .partition::<Vec<_>, _>(|event| {
                let method = event["method"].as_str().unwrap_or_default();
                method.starts_with("Tracing.")
            });
        self.told = rest;
        let events = traced
            .iter()
            .filter_map(|event| event["params"]["value"].as_array());
        events.flatten().cloned().collect()
    }

    /// As [`Connection::send`], where the browser may refuse.
    pub(crate) fn try_send(&mut self, method: &str, params: Value) -> Result<Value, String> {
        self.last += 1;
        let mut command = json!({"id": self.last, "method": method, "params": params});
        if !self.session.is_empty() {
            command["sessionId"] = json!(self.session);
        }
        let sent = self.socket.send(Message::text(command.to_string()));
        sent.map_err(|error| error.to_string())?;
        loop {
            let message = self.socket.read().map_err(|error| error.to_string())?;
            let Message::Text(text) = message else {
                continue;
            };
            let answer: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            if answer["id"] != self.last {
                self.told.push(answer);
                continue;
            }
            return match answer.get("error") {
                Some(error) => Err(error.to_string()),
                None => Ok(answer["result"].clone()),
            };
        }
    }
}
