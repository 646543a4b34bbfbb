//! The body of an answer: where it ends, and that it is whole.

use std::io::{self, BufRead, Read};

use super::headers::{Headers, malformed};
use super::request::Method;

/// The longest line that gives the size of a chunk. Extensions are allowed
/// there and used by nobody.
const CHUNK_LINE_BYTES_MAX: u64 = 4 * 1024;

/// The most bytes of trailer fields, which are read over.
const TRAILER_BYTES_MAX: u64 = 64 * 1024;

/// How a body ends (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

impl Framing {
    pub(super) fn of(method: Method, status: u16, headers: &Headers) -> io::Result<Framing> {
        if method == Method::Head || status == 204 || status == 304 {
            return Ok(Framing::Length(0));
        }
        if let Some(coding) = headers.get("transfer-encoding") {
            return match coding.eq_ignore_ascii_case("chunked") {
                true => Ok(Framing::Chunked),
                false => Err(malformed("a transfer coding that was not asked for")),
            };
        }
        let mut lengths = headers.all("content-length");
        let Some(length) = lengths.next() else {
            return Ok(Framing::UntilClose);
        };
        if lengths.any(|other| other != length) || !length.bytes().all(|b| b.is_ascii_digit()) {
            return Err(malformed("a content length that is no number"));
        }
        let length = length
            .parse()
            .map_err(|_| malformed("a content length that is no number"))?;
        Ok(Framing::Length(length))
    }
}

/// Reads a body and fails where the connection ends before the body does: a
/// value that is cut short must never pass for a value.
pub(super) struct Body<R> {
    reader: R,
    state: State,
}

enum State {
    /// So many bytes are left of a body of known length.
    Rest(u64),
    /// So many bytes are left of the chunk; after it comes another.
    Chunk(u64),
    /// A line with the size of a chunk comes next.
    ChunkSize,
    UntilClose,
    End,
}

impl<R: BufRead> Body<R> {
    pub(super) fn new(reader: R, framing: Framing) -> Body<R> {
        let state = match framing {
            Framing::Length(0) => State::End,
            Framing::Length(length) => State::Rest(length),
            Framing::Chunked => State::ChunkSize,
            Framing::UntilClose => State::UntilClose,
        };
        Body { reader, state }
    }

    fn read_chunk_size(&mut self) -> io::Result<State> {
        let line = self.read_line(CHUNK_LINE_BYTES_MAX)?;
        let digits = line
            .split(|b| *b == b';')
            .next()
            .unwrap_or_default()
            .trim_ascii();
        let text = std::str::from_utf8(digits).unwrap_or_default();
        let valid = !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
        let size = u64::from_str_radix(text, 16).ok().filter(|_| valid);
        match size.ok_or_else(|| malformed("a chunk without a size"))? {
            0 => self.read_trailers(),
            size => Ok(State::Chunk(size)),
        }
    }

    fn read_trailers(&mut self) -> io::Result<State> {
        let mut left = TRAILER_BYTES_MAX;
        loop {
            let line = self.read_line(left)?;
            if line.is_empty() {
                return Ok(State::End);
            }
            left = left.saturating_sub(line.len() as u64);
        }
    }

    fn read_line(&mut self, bytes_max: u64) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        (&mut self.reader)
            .take(bytes_max)
            .read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            return Err(cut_short());
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(line)
    }

    /// Reads at most `left` bytes, of which at least one must come.
    fn read_some(&mut self, buffer: &mut [u8], left: u64) -> io::Result<usize> {
        let room = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        match self.reader.read(&mut buffer[..room])? {
            0 => Err(cut_short()),
            count => Ok(count),
        }
    }
}

impl<R: BufRead> Read for Body<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match self.state {
                State::End => return Ok(0),
                State::UntilClose => return self.reader.read(buffer),
                State::ChunkSize => self.state = self.read_chunk_size()?,
                State::Rest(left) => {
                    let count = self.read_some(buffer, left)?;
                    self.state = match left - count as u64 {
                        0 => State::End,
                        left => State::Rest(left),
                    };
                    return Ok(count);
                }
                State::Chunk(0) => {
                    if !self.read_line(2)?.is_empty() {
                        return Err(malformed("a chunk longer than its size"));
                    }
                    self.state = State::ChunkSize;
                }
                State::Chunk(left) => {
                    let count = self.read_some(buffer, left)?;
                    self.state = State::Chunk(left - count as u64);
                    return Ok(count);
                }
            }
        }
    }
}

fn cut_short() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the answer is cut short")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_ends_where_its_length_says() {
        assert_eq!(
            read(b"value and more", Framing::Length(5)).unwrap(),
            b"value"
        );
        assert_eq!(read(b"", Framing::Length(0)).unwrap(), b"");
        assert_eq!(
            read(b"all of it", Framing::UntilClose).unwrap(),
            b"all of it"
        );
    }

    #[test]
    fn chunks_are_joined_and_trailers_read_over() {
        let body = b"3\r\nabc\r\n00A;name=x\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nnext";
        assert_eq!(read(body, Framing::Chunked).unwrap(), b"abc0123456789");
        assert_eq!(read(b"0\r\n\r\n", Framing::Chunked).unwrap(), b"");
    }

    #[test]
    fn a_body_that_is_cut_short_or_absurd_is_an_error() {
        let chunked: [&[u8]; 12] = [
            b"",
            b"3\r\nab",
            b"3\r\nabc",
            b"3\r\nabc\r\n",
            b"3\r\nabc\r\n0\r\n",
            b"\r\n",
            b"x\r\n",
            b"-1\r\n",
            b"+1\r\na\r\n0\r\n\r\n",
            b"fffffffffffffffff\r\n",
            b"3\r\nabcd\r\n0\r\n\r\n",
            b"1;x=\r\na0\r\n\r\n",
        ];
        for body in chunked {
            assert!(
                read(body, Framing::Chunked).is_err(),
                "{:?}",
                body.escape_ascii().to_string()
            );
        }
        assert!(read(b"valu", Framing::Length(5)).is_err());
        assert!(read(b"value", Framing::Length(u64::MAX)).is_err());
        let trailers = format!("0\r\n{}\r\n", "A: b\r\n".repeat(20_000));
        assert!(read(trailers.as_bytes(), Framing::Chunked).is_err());
    }

    type Fields<'a> = &'a [(&'a str, &'a str)];

    #[test]
    fn the_framing_follows_the_standard() {
        let table: [(Method, u16, Fields<'_>, Option<Framing>); 9] = [
            (
                Method::Get,
                200,
                &[("Content-Length", "5")],
                Some(Framing::Length(5)),
            ),
            (
                Method::Get,
                200,
                &[("Content-Length", "5"), ("content-length", "5")],
                Some(Framing::Length(5)),
            ),
            (
                Method::Get,
                200,
                &[("Content-Length", "5"), ("content-length", "6")],
                None,
            ),
            (Method::Get, 200, &[("Content-Length", "-5")], None),
            (
                Method::Get,
                200,
                &[("Content-Length", "99999999999999999999")],
                None,
            ),
            (
                Method::Get,
                200,
                &[("Transfer-Encoding", "Chunked"), ("Content-Length", "5")],
                Some(Framing::Chunked),
            ),
            (
                Method::Get,
                200,
                &[("Transfer-Encoding", "gzip, chunked")],
                None,
            ),
            (
                Method::Get,
                304,
                &[("Content-Length", "5")],
                Some(Framing::Length(0)),
            ),
            (Method::Get, 200, &[], Some(Framing::UntilClose)),
        ];
        for (method, status, fields, expected) in table {
            let mut headers = Headers::default();
            for (name, value) in fields {
                headers.push(*name, *value);
            }
            assert_eq!(
                Framing::of(method, status, &headers).ok(),
                expected,
                "{fields:?}"
            );
        }
    }

    fn read(body: &[u8], framing: Framing) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        Body::new(body, framing).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}
