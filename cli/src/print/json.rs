//! Laying out JSON without reading its values: a number keeps all its digits
//! and an object its order, however large they are.

use std::io;

use serde::de::IgnoredAny;

use super::escape;

/// One line without white space between values. `None` where it is no JSON.
pub(crate) fn compact(json: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(json).ok()?;
    let mut out = Vec::with_capacity(json.len());
    // Writing to memory can't fail.
    let _ = lay_out(json.as_bytes(), None, &mut out);
    // In a JSON string the escapes of `escape` mean what they replace.
    String::from_utf8(out).ok().map(|text| escape(&text))
}

/// Indented by two blanks, with a newline at the end. `None` where it is no
/// JSON.
pub(crate) fn pretty(json: &[u8]) -> Option<Vec<u8>> {
    serde_json::from_slice::<IgnoredAny>(json).ok()?;
    let mut out = Vec::with_capacity(json.len() * 2);
    let _ = lay_out(json, Some("  "), &mut out);
    out.push(b'\n');
    Some(out)
}

/// Copies valid JSON with other white space.
fn lay_out(json: &[u8], indent: Option<&str>, out: &mut impl io::Write) -> io::Result<()> {
    let mut depth = 0_usize;
    let mut rest = json.trim_ascii();
    while let [byte, after @ ..] = rest {
        let mut length = 1;
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {}
            b'"' => {
                length = string_length(rest);
                out.write_all(&rest[..length])?;
            }
            b'{' | b'[' => {
                out.write_all(&[*byte])?;
                let inside = after.trim_ascii_start();
                if let [closing @ (b'}' | b']'), ..] = inside {
                    out.write_all(&[*closing])?;
                    length += after.len() - inside.len() + 1;
                } else {
                    depth += 1;
                    new_line(depth, indent, out)?;
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                new_line(depth, indent, out)?;
                out.write_all(&[*byte])?;
            }
            b',' => {
                out.write_all(b",")?;
                new_line(depth, indent, out)?;
            }
            b':' => out.write_all(if indent.is_some() { b": " } else { b":" })?,
            other => out.write_all(&[*other])?,
        }
        rest = &rest[length..];
    }
    Ok(())
}

fn new_line(depth: usize, indent: Option<&str>, out: &mut impl io::Write) -> io::Result<()> {
    let Some(indent) = indent else {
        return Ok(());
    };
    out.write_all(b"\n")?;
    for _ in 0..depth {
        out.write_all(indent.as_bytes())?;
    }
    Ok(())
}

/// The length of the string that `json` begins with, both quotes included.
fn string_length(json: &[u8]) -> usize {
    let mut is_escaped = false;
    for (index, byte) in json.iter().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_white_space_changes() {
        let json =
            "{ \"b\" : [1, 2.50e+1,12345678901234567890123 ],\n\"a\\\"{\": {} , \"c\": [ ] }";
        let expected = "{\"b\":[1,2.50e+1,12345678901234567890123],\"a\\\"{\":{},\"c\":[]}";
        assert_eq!(compact(json).unwrap(), expected);
        let indented = "{\n  \"b\": [\n    1,\n    2.50e+1,\n    12345678901234567890123\n  ],\n  \"a\\\"{\": {},\n  \"c\": []\n}\n";
        assert_eq!(pretty(json.as_bytes()).unwrap(), indented.as_bytes());
        assert_eq!(pretty(b" 7 ").unwrap(), b"7\n");
    }

    #[test]
    fn a_deceptive_character_in_a_string_is_escaped_as_json_does_it() {
        assert_eq!(compact("\"\u{202e}\u{7f}\"").unwrap(), "\"\\u202e\\u007f\"");
    }

    #[test]
    fn what_is_no_json_is_not_laid_out() {
        for text in ["", "{", "[1,]", "1 2", "{\"a\" 1}", "\"", "nul"] {
            assert_eq!(
                (compact(text), pretty(text.as_bytes())),
                (None, None),
                "{text:?}"
            );
        }
    }
}
