//! Percent-encoding (RFC 3986 section 2.1).

/// Appends `text` with every byte escaped that is not unreserved.
pub(super) fn encode(text: &str, into: &mut String) {
    encode_except(text, "", into);
}

/// As `encode`, but keeps the slashes between the segments of a path.
pub(super) fn encode_path(path: &str, into: &mut String) {
    encode_except(path, "/", into);
}

fn encode_except(text: &str, kept: &str, into: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        let character = char::from(byte);
        let is_unreserved =
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        if is_unreserved || kept.contains(character) {
            into.push(character);
        } else {
            into.push('%');
            into.push(char::from(DIGITS[usize::from(byte >> 4)]));
            into.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

/// Undoes `encode`. `None` where the text is no valid encoding of UTF-8.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let high = char::from(rest.next()?).to_digit(16)?;
        let low = char::from(rest.next()?).to_digit(16)?;
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_and_the_slashes_of_a_path_stay() {
        let table = [
            ("shop/plan", "shop/plan", "shop%2Fplan"),
            ("a b+c", "a%20b%2Bc", "a%20b%2Bc"),
            ("%2F?#&=", "%252F%3F%23%26%3D", "%252F%3F%23%26%3D"),
            (
                "ä/日本",
                "%C3%A4/%E6%97%A5%E6%9C%AC",
                "%C3%A4%2F%E6%97%A5%E6%9C%AC",
            ),
            ("A-z_0.~", "A-z_0.~", "A-z_0.~"),
            ("\r\n\0\x7f", "%0D%0A%00%7F", "%0D%0A%00%7F"),
        ];
        for (text, path, query) in table {
            let (mut as_path, mut as_query) = (String::new(), String::new());
            encode_path(text, &mut as_path);
            encode(text, &mut as_query);
            assert_eq!(
                (as_path.as_str(), as_query.as_str()),
                (path, query),
                "{text:?}"
            );
            assert_eq!(decode(&as_query).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_no_encoding_is_not_decoded() {
        for text in ["%", "%2", "%zz", "%ff", "a%+1"] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }
}
