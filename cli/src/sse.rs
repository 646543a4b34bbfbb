//! Server-sent events, as far as Coro's streams use them: `id`, `event`, `data`,
//! `retry` and comments (HTML standard, section 9.2). Lines end with LF or
//! CRLF; the bare CR that the standard also allows is sent by nobody.

use std::io::{self, BufRead, Read};
use std::time::Duration;

/// The longest line: a value of 10 MiB, with room for escapes.
const LINE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// One event, or a new position without one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: Option<String>,
    /// The kind of the message: none for events of the log, `error` for why
    /// the stream ends.
    pub(crate) event: Option<String>,
    /// Empty where the message only moves the position.
    pub(crate) data: String,
}

/// Reads messages one by one.
pub(crate) struct Messages<R> {
    reader: R,
    /// How long the server wants a client to wait before it comes back.
    pub(crate) retry: Option<Duration>,
}

impl<R: BufRead> Messages<R> {
    pub(crate) fn new(reader: R) -> Messages<R> {
        Messages {
            reader,
            retry: None,
        }
    }

    /// The next message; `None` at the end of the stream. A message without
    /// the empty line behind it was cut short, and does not count.
    pub(crate) fn next(&mut self) -> io::Result<Option<Message>> {
        let mut message = Message::default();
        let mut has_data = false;
        while let Some(line) = self.read_line()? {
            if line.is_empty() {
                if has_data || message.id.is_some() {
                    return Ok(Some(message));
                }
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "id" => message.id = Some(value.to_owned()),
                "event" => message.event = Some(value.to_owned()),
                "data" => {
                    if has_data {
                        message.data.push('\n');
                    }
                    message.data.push_str(value);
                    has_data = true;
                }
                "retry" => {
                    self.retry = value.parse().ok().map(Duration::from_millis).or(self.retry)
                }
                // A comment has an empty field; others there are none.
                _ => {}
            }
        }
        Ok(None)
    }

    fn read_line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        (&mut self.reader)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            if line.len() as u64 + 1 >= LINE_BYTES_MAX {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "an event that is too long",
                ));
            }
            return Ok(None);
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        let line = String::from_utf8(line);
        line.map(Some)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "an event that is not UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_with_their_position() {
        let stream = "retry: 1500\n\n: ping\n\nid: 7\ndata: {\"a\":1}\n\nid:8\r\ndata:x\r\ndata: y\r\n\r\nid: 9\n\ndata\n\n";
        let mut messages = Messages::new(stream.as_bytes());
        let expected = [
            (Some("7"), "{\"a\":1}"),
            (Some("8"), "x\ny"),
            (Some("9"), ""),
            (None, ""),
        ];
        for (id, data) in expected {
            let message = Message {
                id: id.map(str::to_owned),
                data: data.to_owned(),
                event: None,
            };
            assert_eq!(messages.next().unwrap(), Some(message));
        }
        assert_eq!(messages.next().unwrap(), None);
        assert_eq!(messages.retry, Some(Duration::from_millis(1500)));
    }

    #[test]
    fn a_message_can_be_of_a_kind() {
        let mut messages = Messages::new(&b"event: error\ndata: {}\n\n"[..]);
        let message = messages.next().unwrap().unwrap();
        assert_eq!(
            (message.event.as_deref(), message.data.as_str()),
            (Some("error"), "{}")
        );
    }

    #[test]
    fn a_message_that_is_cut_short_does_not_count() {
        for stream in [
            "",
            "id: 7",
            "id: 7\ndata: x",
            "id: 7\ndata: x\n",
            ": only a comment\n\n",
            "event: x\n\n",
        ] {
            assert_eq!(
                Messages::new(stream.as_bytes()).next().unwrap(),
                None,
                "{stream:?}"
            );
        }
        assert!(Messages::new(&b"data: \xff\n\n"[..]).next().is_err());
    }
}
