//! A client of the control plane that says what it is told to: the protocol in
//! both eras, one POST for each message.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::{Client, Request, Response};

/// Which form of the protocol a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// `initialize`, up to 2025-11-25.
    Legacy,
    /// Each request stands alone, since 2026-07-28.
    Modern,
}

impl Era {
    pub const BOTH: [Era; 2] = [Era::Legacy, Era::Modern];

    pub fn version(self) -> &'static str {
        match self {
            Era::Legacy => "2025-11-25",
            Era::Modern => "2026-07-28",
        }
    }

    /// A message, complete with the metadata of the era.
    pub fn message(self, id: impl Into<Value>, method: &str, mut params: Value) -> Value {
        if self == Era::Modern {
            params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!(self.version());
            params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
            params["_meta"]["io.modelcontextprotocol/clientInfo"] =
                json!({"name": "kit", "version": "1"});
        }
        json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params})
    }
}

/// A caller at `/mcp`.
pub struct Mcp {
    client: Client,
    era: Era,
}

/// What a tool told.
#[derive(Clone, Debug)]
pub struct Told {
    pub text: String,
    pub is_error: bool,
}

impl Mcp {
    pub fn new(client: Client, era: Era) -> Mcp {
        Mcp { client, era }
    }

    /// A message, complete with headers and metadata of the era.
    pub fn message(&self, method: &str, params: Value) -> Request {
        let mut request = self
            .client
            .request("POST", "/mcp")
            .header("Accept", "application/json, text/event-stream")
            .header("MCP-Protocol-Version", self.era.version());
        if self.era == Era::Modern {
            request = request.header("Mcp-Method", method);
            let named = params.get("name").or_else(|| params.get("uri"));
            if let Some(name) = named.and_then(Value::as_str) {
                request = request.header("Mcp-Name", &header_text(name));
            }
        }
        request.json(&self.era.message(1, method, params))
    }

    /// The result of a request.
    pub fn result(&self, method: &str, params: Value) -> Value {
        let answer: Value = self.message(method, params).ok();
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// The error of a request, whatever its HTTP status.
    pub fn error(&self, method: &str, params: Value) -> (u16, Value) {
        error_of(&self.message(method, params).send())
    }

    /// Calls a tool.
    pub fn call(&self, tool: &str, arguments: Value) -> Told {
        self.call_as(tool, arguments, None)
    }

    /// Calls a tool as a certain tool use of the model.
    pub fn call_as(&self, tool: &str, arguments: Value, tool_use: Option<&str>) -> Told {
        let mut params = json!({"name": tool, "arguments": arguments});
        if let Some(id) = tool_use {
            params["_meta"]["claudecode/toolUseId"] = json!(id);
        }
        let result = self.result("tools/call", params);
        assert!(result["structuredContent"].is_null(), "{result}");
        Told {
            text: result["content"][0]["text"]
                .as_str()
                .unwrap_or_else(|| panic!("no text: {result}"))
                .to_owned(),
            is_error: result["isError"] == true,
        }
    }

    /// What a tool tells when it works.
    pub fn tell(&self, tool: &str, arguments: Value) -> String {
        let told = self.call(tool, arguments);
        assert!(!told.is_error, "{tool}: {}", told.text);
        told.text
    }

    /// What a tool tells when it does not.
    pub fn refuse(&self, tool: &str, arguments: Value) -> String {
        let told = self.call(tool, arguments);
        assert!(told.is_error, "{tool} worked: {}", told.text);
        told.text
    }

    /// What a command line prints that works.
    pub fn coro(&self, command: &str) -> String {
        self.tell("coro", json!({ "command": command }))
    }
}

/// A header takes ASCII; the protocol has a form for the rest (SEP-2243).
fn header_text(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    format!("=?base64?{}?=", STANDARD.encode(text))
}

/// Status and error of an answer.
pub fn error_of(answer: &Response) -> (u16, Value) {
    let body: Value = answer.json();
    assert_eq!(body["jsonrpc"], "2.0", "{answer}");
    assert!(body["error"]["code"].is_i64(), "{answer}");
    (answer.status, body["error"].clone())
}
