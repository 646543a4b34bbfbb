//! Lines of the client.

use std::io::{self, BufRead, BufReader, Read};

use serde::Deserialize;
use serde_json::Value;

/// What comes from the client.
#[derive(Debug, PartialEq)]
pub(super) enum Input {
    Line(Vec<u8>),
    /// A line that is too long, with the id of its request where that was found.
    TooLong(Option<Value>),
    End,
}

/// Reads a line of at most `bytes_max` bytes. A longer one is read over, and
/// its id kept, so that its sender learns what became of it.
pub(super) fn read_input(input: &mut impl BufRead, bytes_max: usize) -> io::Result<Input> {
    let mut line = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    input.take(limit).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(Input::End);
    }
    if line.len() < bytes_max || line.ends_with(b"\n") {
        return Ok(Input::Line(line));
    }
    let mut rest = RestOfLine {
        input,
        is_over: false,
    };
    let mut whole = BufReader::new(line.as_slice().chain(&mut rest));
    let id = id_of(&mut whole);
    io::copy(&mut whole, &mut io::sink())?;
    Ok(Input::TooLong(id))
}

/// The id of a message, of which nothing else is kept.
fn id_of(message: impl Read) -> Option<Value> {
    #[derive(Deserialize)]
    struct Identified {
        id: Value,
    }
    let found: Identified = serde_json::from_reader(message).ok()?;
    Some(found.id).filter(super::message::is_id)
}

/// What is left of a line, without its end.
struct RestOfLine<'a, R> {
    input: &'a mut R,
    is_over: bool,
}

impl<R: BufRead> Read for RestOfLine<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_over {
            return Ok(0);
        }
        let here = self.input.fill_buf()?;
        let end = here.iter().position(|byte| *byte == b'\n');
        let count = end.unwrap_or(here.len()).min(buffer.len());
        buffer[..count].copy_from_slice(&here[..count]);
        self.is_over = here.is_empty() || end == Some(count);
        let with_end = count + usize::from(end == Some(count));
        self.input.consume(with_end);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_apart_by_their_ends_only() {
        let mut input = &b"{\"id\":1}\r\n\n{\"id\":2}"[..];
        let mut next = || read_input(&mut input, 64).unwrap();
        assert_eq!(next(), Input::Line(b"{\"id\":1}\r\n".to_vec()));
        assert_eq!(next(), Input::Line(b"\n".to_vec()));
        assert_eq!(next(), Input::Line(b"{\"id\":2}".to_vec()));
        assert_eq!(next(), Input::End);
        assert_eq!(next(), Input::End);
    }

    #[test]
    fn of_a_line_that_is_too_long_the_id_is_kept_and_the_next_line_is_whole() {
        let long = "x".repeat(100);
        let table = [
            (
                format!("{{\"id\":7,\"params\":\"{long}\"}}"),
                Some(Value::from(7)),
            ),
            (
                format!("{{\"params\":\"{long}\",\"id\":\"a\"}}"),
                Some(Value::from("a")),
            ),
            (format!("{{\"params\":\"{long}\"}}"), None),
            (format!("{{\"id\":null,\"params\":\"{long}\"}}"), None),
            (long.clone(), None),
            ("y".repeat(20_000), None),
        ];
        for (line, id) in table {
            let text = format!("{line}\nnext\n");
            // A small buffer, so that the line comes in pieces.
            let mut input = BufReader::with_capacity(16, text.as_bytes());
            let mut next = || read_input(&mut input, 32).unwrap();
            assert_eq!(next(), Input::TooLong(id), "{line}");
            assert_eq!(next(), Input::Line(b"next\n".to_vec()));
        }
    }

    #[test]
    fn the_end_may_come_inside_of_a_line_that_is_too_long() {
        let mut input = &b"0123456789"[..];
        assert_eq!(read_input(&mut input, 4).unwrap(), Input::TooLong(None));
        assert_eq!(read_input(&mut input, 4).unwrap(), Input::End);
    }
}
