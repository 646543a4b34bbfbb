//! The head of an answer.

use std::io::{self, BufRead, Read};

/// The longest head. A server of ours needs less than one kibibyte.
const HEAD_BYTES_MAX: u64 = 64 * 1024;

/// Header fields in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// The first field of that name, in any case.
    pub fn get(&self, name: &str) -> Option<&str> {
        let field = self
            .0
            .iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name));
        field.map(|(_, value)| value.as_str())
    }

    /// Every field of that name, in any case.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self
            .0
            .iter()
            .filter(move |(field, _)| field.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }

    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }
}

/// Reads the status and the fields of the final answer; interim answers
/// (100, 103) are skipped.
pub(super) fn read_head(reader: &mut impl BufRead) -> io::Result<(u16, Headers)> {
    let mut reader = reader.take(HEAD_BYTES_MAX);
    loop {
        let status = parse_status(&read_line(&mut reader)?)?;
        let headers = read_fields(&mut reader)?;
        // 101 would be the last word of HTTP on the connection; we ask for no
        // such thing, so it is refused below like any unknown status.
        if !(100..200).contains(&status) || status == 101 {
            return Ok((status, headers));
        }
    }
}

fn read_fields(reader: &mut impl BufRead) -> io::Result<Headers> {
    let mut headers = Headers::default();
    loop {
        let line = read_line(reader)?;
        if line.is_empty() {
            return Ok(headers);
        }
        let Some((name, value)) = line.split_once(':') else {
            return Err(malformed("a header field without ':'"));
        };
        // A blank in front is the folding that RFC 9112 section 5.2 forbids.
        if name.is_empty() || name.contains([' ', '\t']) {
            return Err(malformed("a header field without a name"));
        }
        headers.push(name, value.trim());
    }
}

/// One line without its end, which RFC 9112 section 2.2 lets be LF alone.
fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(malformed("the head of the answer is cut short or too long"));
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map_err(|_| malformed("a header that is not UTF-8"))
}

fn parse_status(line: &str) -> io::Result<u16> {
    let rest = line
        .strip_prefix("HTTP/1.1 ")
        .or_else(|| line.strip_prefix("HTTP/1.0 "));
    let digits = rest
        .and_then(|rest| rest.get(..3))
        .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    match digits.and_then(|digits| digits.parse().ok()) {
        Some(status @ 100..) => Ok(status),
        _ => Err(malformed("this is no HTTP/1.1 server")),
    }
}

pub(super) fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_a_status_and_fields() {
        let head = b"HTTP/1.1 200 OK\r\nETag: \"v1-0\"\r\nX-Empty:\r\n\r\nbody";
        let mut reader = &head[..];
        let (status, headers) = read_head(&mut reader).unwrap();
        assert_eq!(status, 200);
        assert_eq!(headers.get("etag"), Some("\"v1-0\""));
        assert_eq!(headers.get("x-empty"), Some(""));
        assert_eq!(headers.get("absent"), None);
        assert_eq!(reader, b"body");
    }

    #[test]
    fn interim_answers_are_skipped() {
        let (status, _) =
            read("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 \r\n\r\n").unwrap();
        assert_eq!(status, 204);
    }

    #[test]
    fn what_is_no_head_is_an_error() {
        let long = format!(
            "HTTP/1.1 200 OK\r\nX: {}\r\n\r\n",
            "x".repeat(HEAD_BYTES_MAX as usize)
        );
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(20_000));
        let endless = "HTTP/1.1 100 Continue\r\n\r\n".repeat(5_000);
        let cases = [
            "",
            "\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: b\r\n",
            "HTTP/1.1 200 OK",
            "SSH-2.0-OpenSSH\r\n\r\n",
            "HTTP/1.1 2x0 OK\r\n\r\n",
            "HTTP/1.1 +20 OK\r\n\r\n",
            "HTTP/1.1 020 OK\r\n\r\n",
            "HTTP/2 200 OK\r\n\r\n",
            "HTTP/1.1 \u{e9}\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            "HTTP/1.1 200 OK\r\n: empty\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: b\r\n folded: c\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
            &long,
            &many,
            &endless,
        ];
        for case in cases {
            assert!(read(case).is_err(), "{:?}", case.get(..60).unwrap_or(case));
        }
    }

    fn read(head: &str) -> io::Result<(u16, Headers)> {
        read_head(&mut head.as_bytes())
    }
}
