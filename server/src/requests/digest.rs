//! What a decision is bound to.

use serde_json::{Value, json};

use super::RequestRow;
use crate::ids::Hash;

/// SHA-256, in hexadecimal, over JSON without white space and with the members
/// of each object in the order of their names' bytes.
pub(super) fn digest_of(request: &RequestRow) -> String {
    let decided = json!({
        "kind": request.kind,
        "project": request.project,
        "title": request.title,
        "body": request.body,
        "detail": request.detail,
        "options": request.options,
        "effect": request.effect,
    });
    Hash::of(canonical(decided).to_string().as_bytes()).hex()
}

fn canonical(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(String, Value)> = members.into_iter().collect();
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            let members = members.into_iter();
            Value::Object(members.map(|(name, v)| (name, canonical(v))).collect())
        }
        Value::Array(items) => items.into_iter().map(canonical).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_members_makes_no_difference() {
        let a = json!({"b": [{"y": 1, "x": null}], "a": "t"});
        let b = json!({"a": "t", "b": [{"x": null, "y": 1}]});
        assert_eq!(canonical(a).to_string(), canonical(b).to_string());
        let order = canonical(json!([2, 1])).to_string();
        assert_eq!(order, "[2,1]");
    }
}
