//! JSON Schemas that come from agents: checked so that neither they nor an
//! answer keep the server busy.
//!
//! A schema of a few lines may take for ever: by references that multiply, or
//! that lead in a circle. So references lead inside of the schema only, not in
//! a circle, and what the schema is with all of them written out is bounded;
//! with that, so is the product of schema and answer. Patterns are matched by
//! an engine that takes linear time.

use std::collections::HashMap;

use coro_api::limits::MESSAGE_BYTES_MAX;
use coro_api::names::inert;
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::Value;

use crate::error::{Error, Result, internal, invalid};
use crate::said::cut;

/// The one version of JSON Schema that is taken.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// How deep values may be nested, with references written out.
const DEPTH_MAX: usize = 128;

/// How many values a schema may have, with references written out: more than
/// fit into its bytes without any.
const NODES_MAX: u64 = 50_000;

/// The most patterns in a schema.
const PATTERNS_MAX: usize = 32;

/// The most bytes that a compiled pattern takes.
const PATTERN_BYTES_MAX: usize = 256 * 1024;

/// The most values of a schema times values of an answer: about a second.
const WORK_MAX: u64 = 20_000_000;

/// How much of a value that is wrong in a schema is shown, in characters.
const VALUE_CHARS_MAX: usize = 100;

/// The longest reason in characters.
const REASON_CHARS_MAX: usize = 300;

/// Checks a schema, and gives its text.
pub(super) fn check(schema: &Value) -> Result<String> {
    let text = serde_json::to_string(schema).map_err(internal)?;
    if text.len() > MESSAGE_BYTES_MAX {
        return Err(invalid(format!(
            "the schema has {} bytes, more than {MESSAGE_BYTES_MAX}",
            text.len()
        )));
    }
    if !schema.is_object() {
        return Err(
            invalid("the schema is no JSON object").hint(r#"take for example {"type": "string"}"#)
        );
    }
    measure(schema)?;
    compile(schema)?;
    Ok(text)
}

/// Why an answer does not fit a schema that was checked; `None` where it does.
pub(super) fn judge(schema: &str, answer: &Value) -> Result<Option<String>> {
    let schema: Value = serde_json::from_str(schema).map_err(internal)?;
    let work = measure(&schema)?.nodes.saturating_mul(count(answer));
    if work > WORK_MAX {
        return Ok(Some(
            "it has too many values to be compared with this schema".to_owned(),
        ));
    }
    let validator = compile(&schema)?;
    let Err(error) = validator.validate(answer) else {
        return Ok(None);
    };
    Ok(Some(one_line(&place_and_reason(&error))))
}

fn compile(schema: &Value) -> Result<Validator> {
    let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES_MAX);
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .offline()
        .with_pattern_options(patterns)
        .build(schema)
        .map_err(|error| refused(schema, &error))
}

/// What of a schema is wrong. The rule that it breaks is one of the schema of
/// schemas, which mostly says that none of several forms fits.
fn refused(schema: &Value, error: &ValidationError<'_>) -> Error {
    let path = error.instance_path().to_string();
    let why = match schema.pointer(&path) {
        Some(value) if !path.is_empty() => {
            let value = cut(&value.to_string(), VALUE_CHARS_MAX);
            format!("{path} is {value}: {}", error.masked())
        }
        _ => place_and_reason(error),
    };
    let why = one_line(&why);
    let error = invalid(format!("the schema is no JSON Schema of 2020-12: {why}"));
    match path.ends_with("/type") {
        true => error.hint("a type is array, boolean, integer, null, number, object or string"),
        false => error,
    }
}

/// Where a value does not fit, and why, without the value.
fn place_and_reason(error: &ValidationError<'_>) -> String {
    let at = match error.instance_path().to_string().as_str() {
        "" => "at the top".to_owned(),
        path => format!("at {path}"),
    };
    format!("{at}: {}", error.masked())
}

fn one_line(text: &str) -> String {
    cut(&inert(text).replace(['\n', '\t'], " "), REASON_CHARS_MAX)
}

/// How many values a JSON value has, itself included.
fn count(value: &Value) -> u64 {
    match value {
        Value::Array(values) => 1 + values.iter().map(count).sum::<u64>(),
        Value::Object(values) => 1 + values.values().map(count).sum::<u64>(),
        _ => 1,
    }
}

/// A schema, or a part of it, with references written out.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    nodes: u64,
    depth: usize,
}

fn measure(schema: &Value) -> Result<Size> {
    let mut measure = Measure {
        root: schema,
        targets: HashMap::new(),
        patterns: 0,
    };
    measure.size(schema, 0)
}

struct Measure<'s> {
    root: &'s Value,
    /// What each reference leads to; `None` while that is measured.
    targets: HashMap<&'s str, Option<Size>>,
    patterns: usize,
}

impl<'s> Measure<'s> {
    fn size(&mut self, value: &'s Value, level: usize) -> Result<Size> {
        if level > DEPTH_MAX {
            return Err(too_large());
        }
        let mut size = Size { nodes: 1, depth: 1 };
        let mut add = |part: Size| {
            size.nodes = size.nodes.saturating_add(part.nodes);
            size.depth = size.depth.max(part.depth + 1);
        };
        match value {
            Value::Array(values) => {
                for value in values {
                    add(self.size(value, level + 1)?);
                }
            }
            Value::Object(values) => {
                for (key, value) in values {
                    add(self.keyword(key, value, level)?);
                    add(self.size(value, level + 1)?);
                }
            }
            _ => {}
        }
        match size.nodes > NODES_MAX || size.depth > DEPTH_MAX {
            true => Err(too_large()),
            false => Ok(size),
        }
    }

    /// What a keyword adds to the size: a reference that to which it leads.
    fn keyword(&mut self, key: &str, value: &'s Value, level: usize) -> Result<Size> {
        match (key, value) {
            ("$ref", Value::String(target)) => return self.target(target, level),
            ("$dynamicRef" | "$recursiveRef", Value::String(target)) => {
                return Err(invalid(format!(
                    "the schema has the reference {key} {target:?}; it takes $ref to a part of itself"
                )));
            }
            ("$id", Value::String(id)) if level > 0 => {
                return Err(invalid(format!("the schema has an $id {id:?} inside"))
                    .hint("leave out every $id but the first"));
            }
            ("$schema", Value::String(draft)) if draft.trim_end_matches('#') != DRAFT => {
                return Err(invalid(format!("the schema is of {draft:?}"))
                    .hint(format!("leave out $schema, or take {DRAFT}")));
            }
            ("pattern", Value::String(_)) => self.patterns += 1,
            ("patternProperties", Value::Object(patterns)) => self.patterns += patterns.len(),
            _ => {}
        }
        match self.patterns > PATTERNS_MAX {
            true => Err(invalid(format!(
                "the schema has more than {PATTERNS_MAX} patterns"
            ))),
            false => Ok(Size::default()),
        }
    }

    fn target(&mut self, target: &'s str, level: usize) -> Result<Size> {
        match self.targets.get(target) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => {
                return Err(invalid(format!(
                    "the schema refers to itself in a circle at {target:?}"
                ))
                .hint("write it out as deep as the answer may be"));
            }
            None => {}
        }
        let found = target.strip_prefix('#').and_then(|pointer| {
            // A pointer stands in a URI: characters may be percent-encoded.
            let pointer = percent_encoding::percent_decode_str(pointer);
            self.root.pointer(&pointer.decode_utf8().ok()?)
        });
        let Some(found) = found else {
            return Err(invalid(format!(
                "the schema's reference {target:?} leads nowhere in it"
            ))
            .hint(r##"references look like "#/$defs/name""##));
        };
        self.targets.insert(target, None);
        let size = self.size(found, level + 1)?;
        self.targets.insert(target, Some(size));
        Ok(size)
    }
}

fn too_large() -> crate::error::Error {
    invalid("the schema is too large or too deep, with its references written out")
        .hint("ask for less at once")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn why(schema: Value) -> String {
        check(&schema).expect_err("it is refused").message
    }

    #[test]
    fn schemas_that_could_keep_the_server_busy_are_refused() {
        let doubling: serde_json::Map<String, Value> = (0..40)
            .map(|n| {
                let next = json!({ "$ref": format!("#/$defs/d{}", n + 1) });
                (format!("d{n}"), json!({ "anyOf": [next, next] }))
            })
            .chain([("d40".to_owned(), json!({"type": "string"}))])
            .collect();
        let chain: serde_json::Map<String, Value> = (0..200)
            .map(|n| {
                (
                    format!("d{n}"),
                    json!({ "$ref": format!("#/$defs/d{}", n + 1) }),
                )
            })
            .chain([("d200".to_owned(), json!({"type": "string"}))])
            .collect();
        for (schema, part) in [
            (json!({"$ref": "#"}), "circle"),
            (
                json!({"properties": {"a": {"$ref": "#/properties"}}}),
                "circle",
            ),
            (
                json!({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}),
                "circle",
            ),
            (
                json!({"$defs": doubling, "$ref": "#/$defs/d0"}),
                "too large",
            ),
            (json!({"$defs": chain, "$ref": "#/$defs/d0"}), "too deep"),
            (
                json!({"$ref": "https://example.com/s.json"}),
                "leads nowhere",
            ),
            (json!({"$ref": "file:///etc/passwd"}), "leads nowhere"),
            (json!({"$ref": "#name"}), "leads nowhere"),
            (json!({"$dynamicRef": "#a"}), "$dynamicRef"),
            (
                json!({"$schema": "http://json-schema.org/draft-07/schema#"}),
                "is of",
            ),
            (json!({"$schema": "https://example.com/mine"}), "is of"),
            (
                json!({"properties": {"a": {"$id": "https://x.example/"}}}),
                "$id",
            ),
            (json!({"type": "strin"}), "no JSON Schema"),
            (json!({"pattern": "(a"}), "no JSON Schema"),
            (json!({"pattern": "(?=a)b"}), "no JSON Schema"),
            (
                json!({"pattern": "((((a{99}){99}){99}){99})"}),
                "no JSON Schema",
            ),
            (json!(true), "no JSON object"),
        ] {
            let message = why(schema.clone());
            assert!(message.contains(part), "{schema}: {message}");
            assert!(message.chars().count() < 500 && message.lines().count() == 1);
        }
    }

    #[test]
    fn an_answer_that_does_not_fit_is_told_where() {
        let schema = json!({
            "$schema": DRAFT, "type": "object", "required": ["port"],
            "properties": {"port": {"$ref": "#/$defs/port"}, "name": {"pattern": "^[^@]+@[^@]+$"}},
            "$defs": {"port": {"type": "integer", "minimum": 1}},
        });
        let schema = check(&schema).expect("it is a schema");
        for (answer, part) in [
            (json!({"port": 80, "name": "ä@b"}), None),
            (json!({"port": "80"}), Some("at /port: ")),
            (json!({"port": 0}), Some("at /port: ")),
            (json!({}), Some("at the top: ")),
            (json!({"port": 1, "name": "aaaa"}), Some("at /name: ")),
        ] {
            let why = judge(&schema, &answer).expect("it is judged");
            match (part, &why) {
                (None, None) => {}
                (Some(part), Some(why)) => assert!(why.starts_with(part), "{why}"),
                _ => panic!("{answer}: {why:?}"),
            }
        }
    }

    #[test]
    fn work_is_bounded_before_it_is_done() {
        let all: Vec<Value> = (0..2000).map(|n| json!({"not": {"const": n}})).collect();
        let schema = check(&json!({"items": {"allOf": all}})).expect("a schema");
        let answer: Vec<Value> = (0..20_000).map(|_| json!("x")).collect();
        let why = judge(&schema, &json!(answer)).expect("it is judged");
        assert!(why.expect("refused").contains("too many values"));
    }
}
