//! Messages of JSON-RPC 2.0, and what HTTP needs to know of them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::http::USER_AGENT;

/// Codes of JSON-RPC 2.0, section 5.1.
const PARSE_ERROR: i64 = -32700;
pub(super) const INVALID_REQUEST: i64 = -32600;
pub(super) const INTERNAL_ERROR: i64 = -32603;

/// Since this version of the protocol HTTP repeats a message's method and name
/// in headers (SEP-2243).
const HEADERS_SINCE: &str = "2026-07-28";

/// Where a message of that version says which version it is of.
const VERSION_IN_META: &str = "/params/_meta/io.modelcontextprotocol~1protocolVersion";

/// What a client says.
#[derive(Debug, PartialEq)]
pub(super) enum Message {
    Request {
        id: Value,
        method: String,
        value: Value,
    },
    Notification {
        method: String,
        value: Value,
    },
    /// The client does not want the answer to this request any more.
    Cancelled(Value),
    Response,
}

/// Why a line is no message.
#[derive(Debug, PartialEq)]
pub(super) struct Fault {
    /// `null` where it is not known.
    pub(super) id: Value,
    pub(super) code: i64,
    pub(super) message: String,
}

impl Message {
    pub(super) fn read(line: &[u8]) -> Result<Message, Fault> {
        let value: Value = serde_json::from_slice(line).map_err(|error| Fault {
            id: Value::Null,
            code: PARSE_ERROR,
            message: format!("the line is no JSON: {error}"),
        })?;
        let invalid = |id: Option<&Value>, message: &str| Fault {
            id: id.filter(|id| is_id(id)).cloned().unwrap_or_default(),
            code: INVALID_REQUEST,
            message: message.to_owned(),
        };
        if value.is_array() {
            let message = "send each message on a line of its own, not as a batch";
            return Err(invalid(None, message));
        }
        let id = value.get("id");
        let Some(method) = value.get("method") else {
            let is_response = value.get("result").is_some() || value.get("error").is_some();
            return match is_response {
                true => Ok(Message::Response),
                false => Err(invalid(id, "the message has no method")),
            };
        };
        let Some(method) = method.as_str().map(str::to_owned) else {
            return Err(invalid(id, "the method is no text"));
        };
        match id {
            Some(id) if is_id(id) => Ok(Message::Request {
                id: id.clone(),
                method,
                value,
            }),
            Some(_) => Err(invalid(None, "the id is neither a text nor a number")),
            None if method == "notifications/cancelled" => {
                let request = value.pointer("/params/requestId").cloned();
                Ok(Message::Cancelled(request.unwrap_or_default()))
            }
            None => Ok(Message::Notification { method, value }),
        }
    }
}

/// Whether a message is of a version in which each stands alone: there a client
/// does not say when it is ready.
pub(super) fn stands_alone(message: &Value) -> bool {
    let version = message.pointer(VERSION_IN_META).and_then(plain);
    version.is_some_and(|version| version >= HEADERS_SINCE)
}

/// Whether a value can be the id of a request.
pub(super) fn is_id(value: &Value) -> bool {
    value.is_string() || value.is_number()
}

/// What client and server have agreed upon.
#[derive(Debug, Default)]
pub(super) struct Dialect {
    /// The version that `initialize` settled; later ones say it in each message.
    version: Option<String>,
    /// The program and its version, which before 2026-07-28 `initialize` alone
    /// tells: the server, which keeps no session, reads it in `User-Agent`.
    client: Option<String>,
}

impl Dialect {
    /// Notes what a request tells of the client.
    pub(super) fn hear_request(&mut self, method: &str, request: &Value) {
        if method == "initialize" {
            self.version = None;
            let client = request.pointer("/params/clientInfo");
            self.client = client.and_then(product);
        }
    }

    /// Notes the version in the answer to `initialize`.
    pub(super) fn hear_initialized(&mut self, answer: &str) {
        let answer: Value = serde_json::from_str(answer).unwrap_or_default();
        let version = answer.pointer("/result/protocolVersion");
        self.version = version.and_then(plain).map(str::to_owned);
    }

    /// The headers that a message needs. A value that no header takes is left
    /// out: the server then says what is wrong.
    pub(super) fn headers(&self, method: &str, message: &Value) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        let agent = match &self.client {
            Some(client) => format!("{client} {USER_AGENT}"),
            None => USER_AGENT.to_owned(),
        };
        headers.push(("User-Agent", agent));
        let own = message.pointer(VERSION_IN_META).and_then(plain);
        // `initialize` is about the version, so that it can't be of one.
        let settled = self.version.as_deref().filter(|_| method != "initialize");
        let Some(version) = own.or(settled) else {
            return headers;
        };
        headers.push(("MCP-Protocol-Version", version.to_owned()));
        if version < HEADERS_SINCE {
            return headers;
        }
        if is_plain(method) {
            headers.push(("Mcp-Method", method.to_owned()));
        }
        if let Some(name) = name_of(method, message) {
            headers.push(("Mcp-Name", in_header(name)));
        }
        headers
    }
}

/// What a request is about, for those that have such a thing.
fn name_of<'a>(method: &str, message: &'a Value) -> Option<&'a str> {
    let place = match method {
        "tools/call" | "prompts/get" => "/params/name",
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => "/params/uri",
        "tasks/get" | "tasks/update" | "tasks/cancel" => "/params/taskId",
        _ => return None,
    };
    message.pointer(place)?.as_str()
}

/// Wraps what a header can't carry as it is (SEP-2243).
fn in_header(text: &str) -> String {
    let looks_wrapped = text.starts_with("=?base64?") && text.ends_with("?=");
    if (is_plain(text) || text.is_empty()) && !looks_wrapped {
        return text.to_owned();
    }
    format!("=?base64?{}?=", BASE64_STANDARD.encode(text))
}

/// Whether a header carries it: visible ASCII, with blanks inside only.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.trim_matches(' ') == text
        && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

fn plain(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| is_plain(text))
}

/// Name and version as a product of `User-Agent` (RFC 9110, section 10.1.5).
fn product(client: &Value) -> Option<String> {
    let token = |name: &str| {
        let text = client.get(name)?.as_str()?;
        let is_tchar = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let token: String = text
            .chars()
            .take(64)
            .map(|c| if is_tchar(c) { c } else { '-' })
            .collect();
        Some(token).filter(|token| !token.is_empty())
    };
    let name = token("name")?;
    Some(match token("version") {
        Some(version) => format!("{name}/{version}"),
        None => name,
    })
}

/// What the server says, as far as the bridge looks at it.
#[derive(Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    id: Value,
    method: Option<IgnoredAny>,
    result: Option<IgnoredAny>,
    error: Option<IgnoredAny>,
}

impl Answer {
    /// `None` where it is no message.
    pub(super) fn read(text: &str) -> Option<Answer> {
        let answer: Answer = serde_json::from_str(text).ok()?;
        let is_message =
            answer.method.is_some() || answer.result.is_some() || answer.error.is_some();
        is_message.then_some(answer)
    }

    /// Whether it is what the request waits for.
    pub(super) fn is_last(&self) -> bool {
        self.method.is_none()
    }

    /// The line that answers the request `id`: a server that refuses a call
    /// before it reads it does not know its id.
    pub(super) fn line_for(&self, id: &Value, text: &str) -> String {
        if !self.id.is_null() {
            return on_one_line(text);
        }
        let mut value: Value = serde_json::from_str(text).unwrap_or_default();
        value["id"] = id.clone();
        value.to_string()
    }
}

/// JSON without ends of lines, which it has between values only.
pub(super) fn on_one_line(json: &str) -> String {
    json.trim().replace(['\n', '\r'], " ")
}

pub(super) fn error_line(id: &Value, code: i64, message: &str) -> String {
    let error = json!({"code": code, "message": message});
    json!({"jsonrpc": "2.0", "id": id, "error": error}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_message_or_an_error_with_its_code() {
        let table = [
            (r#"{"id":1,"method":"ping"}"#, "request 1 ping"),
            (r#"{"id":"a","method":"x","params":[1]}"#, "request \"a\" x"),
            (r#"{"method":"notifications/initialized"}"#, "notification"),
            (
                r#"{"method":"notifications/cancelled","params":{"requestId":7}}"#,
                "cancelled 7",
            ),
            (r#"{"method":"notifications/cancelled"}"#, "cancelled null"),
            (r#"{"id":1,"result":{}}"#, "response"),
            (r#"{"id":1,"error":{}}"#, "response"),
            (r#"{"id":1}"#, "-32600 1"),
            (r#"{"id":1,"method":2}"#, "-32600 1"),
            (r#"{"id":null,"method":"x"}"#, "-32600 null"),
            (r#"{"id":[1],"method":"x"}"#, "-32600 null"),
            (r#"[{"id":1,"method":"x"}]"#, "-32600 null"),
            ("7", "-32600 null"),
            ("{", "-32700 null"),
            ("hello", "-32700 null"),
            (r#"{"id":1} {"#, "-32700 null"),
        ];
        for (line, expected) in table {
            let shown = match Message::read(line.as_bytes()) {
                Ok(Message::Request { id, method, .. }) => format!("request {id} {method}"),
                Ok(Message::Notification { .. }) => "notification".to_owned(),
                Ok(Message::Cancelled(id)) => format!("cancelled {id}"),
                Ok(Message::Response) => "response".to_owned(),
                Err(fault) => format!("{} {}", fault.code, fault.id),
            };
            assert_eq!(shown, expected, "{line}");
        }
        let fault = Message::read(b"{\"id\":\"\xff\"}").unwrap_err();
        assert_eq!(fault.code, PARSE_ERROR);
    }

    #[test]
    fn headers_say_what_the_message_says() {
        let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#;
        let of = |method: &str, params: &str| {
            format!(r#"{{"id":1,"method":"{method}","params":{{{params}}}}}"#)
        };
        let call = |params: &str| of("tools/call", params);
        let new = "MCP-Protocol-Version: 2026-07-28";
        let old = "MCP-Protocol-Version: 2025-06-18";
        let table = [
            (None, call(""), String::new()),
            (Some("2025-06-18"), call(r#""name":"coro""#), old.to_owned()),
            (
                Some("2025-06-18"),
                call(&format!(r#""name":"coro",{meta}"#)),
                format!("{new}, Mcp-Method: tools/call, Mcp-Name: coro"),
            ),
            (
                None,
                call(&format!(r#""name":"ä",{meta}"#)),
                format!("{new}, Mcp-Method: tools/call, Mcp-Name: =?base64?w6Q=?="),
            ),
            (
                None,
                call(&format!(r#""name":"a\r\nX-Evil: 1",{meta}"#)),
                format!("{new}, Mcp-Method: tools/call, Mcp-Name: =?base64?YQ0KWC1FdmlsOiAx?="),
            ),
            (
                None,
                of(
                    "resources/read",
                    &format!(r#""uri":"coro://agents",{meta}"#),
                ),
                format!("{new}, Mcp-Method: resources/read, Mcp-Name: coro://agents"),
            ),
            (
                None,
                of(r"a\r\nb", &format!(r#""name":"x",{meta}"#)),
                new.to_owned(),
            ),
            (
                None,
                of(
                    "x",
                    r#""_meta":{"io.modelcontextprotocol/protocolVersion":"a\r\nb"}"#,
                ),
                String::new(),
            ),
            (
                Some("2025-06-18"),
                of("initialize", r#""protocolVersion":"2025-11-25""#),
                String::new(),
            ),
        ];
        for (version, text, expected) in table {
            let dialect = Dialect {
                version: version.map(str::to_owned),
                client: None,
            };
            let message: Value = serde_json::from_str(&text).unwrap();
            let method = message["method"].as_str().unwrap();
            let headers = dialect.headers(method, &message);
            let shown: Vec<String> = headers[1..]
                .iter()
                .map(|(name, value)| format!("{name}: {value}"))
                .collect();
            assert_eq!(shown.join(", "), expected, "{text}");
        }
    }

    #[test]
    fn initialize_settles_the_version_and_names_the_client() {
        let mut dialect = Dialect::default();
        let request = json!({"params": {"clientInfo": {"name": "VS Code\r\n", "version": "1.2"}}});
        dialect.hear_request("initialize", &request);
        dialect.hear_initialized(r#"{"id":1,"result":{"protocolVersion":"2025-06-18"}}"#);
        let headers = dialect.headers("tools/list", &json!({}));
        assert_eq!(
            headers,
            [
                ("User-Agent", format!("VS-Code--/1.2 {USER_AGENT}")),
                ("MCP-Protocol-Version", "2025-06-18".to_owned()),
            ]
        );
        dialect.hear_initialized(r#"{"id":1,"error":{"code":-32603,"message":"no"}}"#);
        assert_eq!(dialect.version, None);
    }

    #[test]
    fn an_answer_is_one_line_with_the_id_of_its_request() {
        let table = [
            (r#"{"id":7,"result":{}}"#, r#"{"id":7,"result":{}}"#),
            (
                "{\"id\":7,\n\"result\":\r\n{}}\n",
                r#"{"id":7, "result":  {}}"#,
            ),
            (
                r#"{"jsonrpc":"2.0","id":null,"error":{"code":1}}"#,
                r#"{"jsonrpc":"2.0","id":"a","error":{"code":1}}"#,
            ),
            (
                r#"{"error":{"code":1}}"#,
                r#"{"error":{"code":1},"id":"a"}"#,
            ),
        ];
        for (text, line) in table {
            let answer = Answer::read(text).unwrap();
            assert!(answer.is_last());
            assert_eq!(answer.line_for(&Value::from("a"), text), line);
        }
        let progress = Answer::read(r#"{"method":"notifications/progress","params":{}}"#);
        assert!(!progress.unwrap().is_last());
        for text in ["", "null", "[]", "{}", "<html>", r#"{"detail":"no"}"#] {
            assert!(Answer::read(text).is_none(), "{text}");
        }
    }
}
