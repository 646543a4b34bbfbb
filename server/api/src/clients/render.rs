//! From a row of the table and a URL to the text of a file.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{
    Client, Entry, Format, Members, Part, SERVER_NAME, TOKEN_PLACEHOLDER, TOKEN_VARIABLE, Token,
    Transport,
};

/// The bridge between a client that starts programs and the server.
const BRIDGE_PROGRAM: &str = "coro-cli";
const BRIDGE_ARGUMENTS: &[&str] = &["mcp"];

/// A file with nothing in it but our server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// From the root of the repository, or below `~/`.
    pub file: &'static str,
    /// The file is in the repository; it has no secret.
    pub committed: bool,
    /// A program replaces [`TOKEN_PLACEHOLDER`] by the token, and gives the
    /// file mode 0600. Never true together with `committed`.
    pub needs_token: bool,
    pub format: Format,
    /// Ends with a line's end.
    pub text: String,
}

/// The text that connects a client to the server at `url`, such as
/// `http://127.0.0.1:9800`, for a file that is empty so far.
///
/// With [`Transport::Stdio`] the URL is not used: the bridge finds server and
/// token as every command of `coro-cli` does. None where the client has no
/// file or entry for that transport.
pub fn render(client: &Client, url: &str, transport: Transport) -> Option<Snippet> {
    let entry = match transport {
        Transport::Http => client.shape.http.as_ref()?,
        Transport::Stdio => &client.shape.stdio,
    };
    let needs_token = transport == Transport::Http && client.token == Token::Literal;
    let project_file = client.project_file.filter(|_| !needs_token);
    let filler = Filler {
        token: client.token,
        url: format!("{}/mcp", url.trim_end_matches('/')),
    };
    let mut beside = filler.object(client.shape.beside);
    if let (Token::Prompt(id), Transport::Http) = (client.token, transport) {
        beside.insert("inputs".to_owned(), inputs(id));
    }
    let members = filler.object(entry.members);
    let text = match client.format {
        Format::Json | Format::Jsonc => json_text(&nest(beside, entry, members)),
        Format::Toml => toml_text(&beside, entry, &members),
        Format::Yaml => yaml_text(&nest(beside, entry, members)),
    };
    Some(Snippet {
        file: project_file.or(client.user_file)?,
        committed: project_file.is_some(),
        needs_token,
        format: client.format,
        text,
    })
}

/// What the parts of a template stand for.
struct Filler {
    token: Token,
    url: String,
}

impl Filler {
    fn object(&self, members: Members) -> Map<String, Value> {
        let filled = members
            .iter()
            .map(|(key, part)| ((*key).to_owned(), self.value(part)));
        filled.collect()
    }

    fn value(&self, part: &Part) -> Value {
        match part {
            Part::Url => Value::from(self.url.as_str()),
            Part::Authorization => Value::from(format!("Bearer {}", self.token())),
            Part::Token => Value::from(self.token()),
            Part::TokenVariable => Value::from(TOKEN_VARIABLE),
            Part::Name => Value::from(SERVER_NAME),
            Part::Program => Value::from(BRIDGE_PROGRAM),
            Part::Arguments => Value::from(BRIDGE_ARGUMENTS),
            Part::CommandLine => Value::from([&[BRIDGE_PROGRAM], BRIDGE_ARGUMENTS].concat()),
            Part::Bool(value) => Value::from(*value),
            Part::Number(value) => Value::from(*value),
            Part::Text(text) => Value::from(*text),
            Part::Texts(texts) => Value::from(*texts),
            Part::Members(members) => Value::Object(self.object(members)),
        }
    }

    fn token(&self) -> String {
        match self.token {
            Token::Variable(text) | Token::VariableToTry(text) => text.to_owned(),
            Token::Prompt(id) => format!("${{input:{id}}}"),
            Token::VariableName => TOKEN_VARIABLE.to_owned(),
            Token::Literal | Token::Bridge => TOKEN_PLACEHOLDER.to_owned(),
        }
    }
}

/// The list of questions that a client asks before it connects.
fn inputs(id: &str) -> Value {
    json!([{
        "type": "promptString",
        "id": id,
        "description": "Coro token",
        "password": true,
    }])
}

fn nest(beside: Map<String, Value>, entry: &Entry, members: Map<String, Value>) -> Value {
    let mut value = Value::Object(members);
    value = if entry.listed {
        Value::Array(vec![value])
    } else {
        object(SERVER_NAME, value)
    };
    for key in entry.path.iter().rev() {
        value = object(key, value);
    }
    let mut top = beside;
    if let Value::Object(servers) = value {
        top.extend(servers);
    }
    Value::Object(top)
}

fn object(key: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(key.to_owned(), value)]))
}

fn json_text(document: &Value) -> String {
    let mut text = String::new();
    json_block(&mut text, document, 0);
    text.push('\n');
    text
}

/// Members on a line each, lists of plain values on one line: as people write
/// these files. `depth` is the indentation of the end in spaces.
fn json_block(text: &mut String, value: &Value, depth: usize) {
    let (open, close, items): (_, _, Vec<(Option<&String>, &Value)>) = match value {
        Value::Object(members) => {
            let items = members.iter().map(|(key, value)| (Some(key), value));
            ('{', '}', items.collect())
        }
        Value::Array(values) if is_block(value) => {
            ('[', ']', values.iter().map(|value| (None, value)).collect())
        }
        plain => return text.push_str(&json_flow(plain)),
    };
    text.push(open);
    for (index, (key, value)) in items.into_iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(text, "{comma}\n{}", " ".repeat(depth + 2));
        if let Some(key) = key {
            let _ = write!(text, "{}: ", Value::from(key.as_str()));
        }
        json_block(text, value, depth + 2);
    }
    let _ = write!(text, "\n{}{close}", " ".repeat(depth));
}

fn json_flow(value: &Value) -> String {
    match value {
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(json_flow).collect();
            format!("[{}]", values.join(", "))
        }
        plain => plain.to_string(),
    }
}

/// A table with a header, and everything inside of it on one line each.
fn toml_text(beside: &Map<String, Value>, entry: &Entry, members: &Map<String, Value>) -> String {
    let mut text = String::new();
    for (key, value) in beside {
        toml_line(&mut text, key, value);
    }
    let path: Vec<String> = entry.path.iter().map(|key| toml_key(key)).collect();
    let path = path.join(".");
    text += &if entry.listed {
        format!("[[{path}]]\n")
    } else {
        format!("[{path}.{SERVER_NAME}]\n")
    };
    for (key, value) in members {
        toml_line(&mut text, key, value);
    }
    text
}

fn toml_line(text: &mut String, key: &str, value: &Value) {
    // Writing to a string can't fail.
    let _ = writeln!(text, "{} = {}", toml_key(key), toml_value(value));
}

fn toml_key(key: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !key.is_empty() && key.chars().all(is_bare) {
        key.to_owned()
    } else {
        quoted(key)
    }
}

fn toml_value(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(toml_value).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| {
                format!("{} = {}", toml_key(key), toml_value(value))
            };
            let members: Vec<String> = members.iter().map(member).collect();
            format!("{{ {} }}", members.join(", "))
        }
        // Templates have no null, which TOML does not know.
        plain => plain.to_string(),
    }
}

fn yaml_text(document: &Value) -> String {
    let mut text = String::new();
    yaml_block(&mut text, document, 0);
    text
}

/// A collection in block style; `depth` is its indentation in spaces.
fn yaml_block(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                text.push_str(&" ".repeat(depth));
                text.push_str(&yaml_scalar(key));
                text.push(':');
                if is_block(value) {
                    text.push('\n');
                    yaml_block(text, value, depth + 2);
                } else {
                    let _ = writeln!(text, " {}", yaml_flow(value));
                }
            }
        }
        Value::Array(values) => {
            for value in values {
                let mut item = String::new();
                yaml_block(&mut item, value, depth + 2);
                // The dash takes the place of the first line's indentation.
                let _ = write!(text, "{}- {}", " ".repeat(depth), &item[depth + 2..]);
            }
        }
        plain => {
            let _ = writeln!(text, "{}{}", " ".repeat(depth), yaml_flow(plain));
        }
    }
}

/// Objects, and lists of objects; lists of texts stay on their line.
fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(_) => true,
        Value::Array(values) => values.iter().any(Value::is_object),
        _ => false,
    }
}

fn yaml_flow(value: &Value) -> String {
    match value {
        Value::String(text) => yaml_scalar(text),
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(yaml_flow).collect();
            format!("[{}]", values.join(", "))
        }
        plain => plain.to_string(),
    }
}

/// A text as it is where no reader of YAML takes it for something else.
fn yaml_scalar(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(is_plain);
    let reserved = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let is_reserved = reserved.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is_word && !is_reserved {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// A string in double quotes that TOML 1.0 and YAML 1.2 both read as `text`.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            // Line ends of YAML 1.1, and the mark that it takes away.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{FEFF}') => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
