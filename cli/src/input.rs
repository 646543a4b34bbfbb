//! What a write sends: text of the command line, a file, or standard input.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::de::IgnoredAny;

use crate::error::{Result, failed, file_failed, invalid};
use crate::session::Session;

/// The largest input that is read. A server takes less; it bounds what an
/// endless file would do here.
const INPUT_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Options of a command that needs something to send.
#[derive(Args, Debug)]
#[group(id = "input", required = true, multiple = false, args = ["data", "file", "value"])]
pub(crate) struct Input {
    #[command(flatten)]
    source: OptionalInput,
}

/// Options of a command that can send something.
#[derive(Args, Debug)]
pub(crate) struct OptionalInput {
    /// The data itself, whatever it begins with
    #[arg(long, value_name = "DATA", allow_hyphen_values = true, conflicts_with_all = ["file", "value"])]
    data: Option<String>,
    /// A file with the data
    #[arg(long, value_name = "FILE", conflicts_with = "value")]
    file: Option<PathBuf>,
    /// The data itself; - reads it from standard input
    #[arg(value_name = "VALUE", allow_negative_numbers = true)]
    value: Option<String>,
}

/// What was read, and where its kind can be guessed from.
pub(crate) struct Data {
    pub(crate) bytes: Vec<u8>,
    file: Option<PathBuf>,
}

impl Input {
    pub(crate) fn read(self, session: &mut Session<'_>) -> Result<Data> {
        match self.source.read(session)? {
            Some(data) => Ok(data),
            None => Err(invalid("there is nothing to send")),
        }
    }
}

impl OptionalInput {
    pub(crate) fn read(self, session: &mut Session<'_>) -> Result<Option<Data>> {
        let reads_stdin = self.value.as_deref() == Some("-");
        if let Some(text) = self.data.or(self.value.filter(|_| !reads_stdin)) {
            return Ok(Some(Data {
                bytes: text.into_bytes(),
                file: None,
            }));
        }
        if let Some(path) = self.file {
            session.machine()?;
            let bytes = read_file(&path)?;
            return Ok(Some(Data {
                bytes,
                file: Some(path),
            }));
        }
        if reads_stdin {
            return Ok(Some(Data {
                bytes: read_named(session, Path::new("-"))?,
                file: None,
            }));
        }
        Ok(None)
    }
}

impl Data {
    /// The content type that the data seems to have: by the name of its file,
    /// else JSON where it is JSON.
    pub(crate) fn content_type(&self) -> &'static str {
        if let Some(path) = &self.file {
            return content_type_of(path);
        }
        match serde_json::from_slice::<IgnoredAny>(&self.bytes) {
            Ok(_) => "application/json",
            Err(_) if std::str::from_utf8(&self.bytes).is_ok() => "text/plain",
            Err(_) => "application/octet-stream",
        }
    }
}

fn content_type_of(path: &Path) -> &'static str {
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "json" => "application/json",
        "jsonl" | "ndjson" => "application/x-ndjson",
        "md" | "markdown" => "text/markdown",
        "txt" | "log" => "text/plain",
        "yaml" | "yml" => "application/yaml",
        "toml" => "application/toml",
        "html" => "text/html",
        "csv" => "text/csv",
        "xml" => "application/xml",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        _ => "application/octet-stream",
    }
}

/// Reads a file of the caller; `-` is standard input.
pub(crate) fn read_named(session: &mut Session<'_>, path: &Path) -> Result<Vec<u8>> {
    let machine = session.machine()?;
    if path.as_os_str() != "-" {
        return read_file(path);
    }
    let bytes = read_bounded(&mut machine.stdin)
        .map_err(|error| failed(format!("can't read standard input: {error}")))?;
    bounded("standard input", bytes)
}

/// As [`read_named`], for text. Lines may end as on Windows.
pub(crate) fn read_text(session: &mut Session<'_>, path: &Path) -> Result<String> {
    String::from_utf8(read_named(session, path)?)
        .map(|text| text.replace("\r\n", "\n"))
        .map_err(|_| invalid(format!("{} is no text in UTF-8", path.display())))
}

/// A text of the command line; `-` reads it from standard input, without the
/// line's end that whoever wrote it there put last.
pub(crate) fn text_or_input(session: &mut Session<'_>, text: String) -> Result<String> {
    if text != "-" {
        return Ok(text);
    }
    let read = read_text(session, Path::new("-"))?;
    Ok(read.strip_suffix('\n').unwrap_or(&read).to_owned())
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    let bytes = File::open(path).and_then(|mut file| read_bounded(&mut file));
    let bytes = bytes.map_err(|error| file_failed(format!("read {}", path.display()), &error))?;
    bounded(&path.display().to_string(), bytes)
}

fn read_bounded(reader: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(INPUT_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn bounded(what: &str, bytes: Vec<u8>) -> Result<Vec<u8>> {
    if bytes.len() as u64 > INPUT_BYTES_MAX {
        return Err(invalid(format!(
            "{what} has more than {INPUT_BYTES_MAX} bytes"
        )));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_type_is_guessed_from_the_file_or_the_data() {
        let table: [(Option<&str>, &[u8], &str); 9] = [
            (None, b"{\"a\": 1}", "application/json"),
            (None, b"17", "application/json"),
            (None, b"# Plan", "text/plain"),
            (None, b"", "text/plain"),
            (None, b"\xff\x00", "application/octet-stream"),
            (Some("plan.MD"), b"{}", "text/markdown"),
            (Some("a/b.yml"), b"", "application/yaml"),
            (Some("plan.json"), b"no json", "application/json"),
            (Some(".json"), b"{}", "application/octet-stream"),
        ];
        for (file, bytes, expected) in table {
            let data = Data {
                bytes: bytes.to_vec(),
                file: file.map(PathBuf::from),
            };
            assert_eq!(data.content_type(), expected, "{file:?} {bytes:?}");
        }
    }
}
