//! A backup is worth something only if it is whole. So it is read as it
//! comes, compared with the hash in its last line, and gets its name last.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::commands::Run;
use crate::config::create_private;
use crate::error::{CliError, Result, conflict, failed, file_failed};
use crate::http::{Patience, Request, TransportError};
use crate::session::Session;

/// The longest pause in the stream; how long all of it takes depends on how
/// much there is.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// The longest line: a value of 10 MiB with room for its encoding.
const LINE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Write a backup of everything to a file, check it, and print its rows
///
/// The file appears only once the backup is whole. Restore it with coro-server
/// restore. It holds every value of the tenant; keep it as safe as those.
#[derive(Args)]
pub(crate) struct Backup {
    /// The file to write, gzip of JSON lines
    file: PathBuf,
    /// Replace the file where it exists
    #[arg(long)]
    force: bool,
}

/// The last line of a backup.
#[derive(Deserialize)]
struct LastLine {
    end: End,
}

#[derive(Deserialize)]
struct End {
    rows: u64,
    /// Hash of all bytes before the line, in hexadecimal.
    sha256: String,
}

impl Run for Backup {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        session.machine()?;
        self.check_absent()?;
        let patience = Patience {
            whole: session.options.timeout,
            silence: Some(SILENCE_MAX),
        };
        let part = part_of(&self.file);
        // Before the server is asked, which reads everything for it.
        let file = create_private(&part).map_err(|error| self.write_failed(&error))?;
        let reply = session.open(&Request::get("/api/backup").patience(patience));
        let written = reply.and_then(|reply| self.write(reply.body, file, &part));
        let rows = written.inspect_err(|_| {
            // What is left is no backup; that it can't be removed changes
            // nothing about the error.
            let _ = fs::remove_file(&part);
        })?;
        session.line(&rows.to_string())
    }
}

impl Backup {
    fn write(&self, body: impl Read, mut file: File, part: &Path) -> Result<u64> {
        let rows = copy_and_check(body, &mut file, &self.file)?;
        file.sync_all().map_err(|error| self.write_failed(&error))?;
        self.check_absent()?;
        fs::rename(part, &self.file).map_err(|error| self.write_failed(&error))?;
        sync_folder_of(&self.file).map_err(|error| self.write_failed(&error))?;
        Ok(rows)
    }

    /// Names the file that the user knows, not the one on the way to it.
    fn write_failed(&self, error: &io::Error) -> CliError {
        file_failed(format!("write {}", self.file.display()), error)
    }

    fn check_absent(&self) -> Result<()> {
        if !self.force && self.file.symlink_metadata().is_ok() {
            return Err(conflict(format!("{} exists", self.file.display()))
                .hint("choose another name, or add --force"));
        }
        Ok(())
    }
}

/// Copies the stream to `file` and returns its count of rows, once the hash in
/// the last line is that of the lines before it.
fn copy_and_check(body: impl Read, file: &mut File, path: &Path) -> Result<u64> {
    let mut write_error = None;
    let copying = Copying {
        from: body,
        to: file,
        write_error: &mut write_error,
    };
    let checked = check(copying);
    match (checked, write_error) {
        (_, Some(error)) => Err(file_failed(format!("write {}", path.display()), &error)),
        (checked, None) => checked,
    }
}

fn check(stream: impl Read) -> Result<u64> {
    let mut lines = BufReader::with_capacity(64 * 1024, MultiGzDecoder::new(stream));
    let mut hash = Sha256::new();
    let (mut line, mut last) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        let count = (&mut lines)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)
            .map_err(broken)?;
        if count == 0 {
            break;
        }
        hash.update(&last);
        std::mem::swap(&mut line, &mut last);
    }
    let incomplete = || failed("the backup is incomplete").hint("nothing was written; try again");
    let LastLine { end } = serde_json::from_slice(&last).map_err(|_| incomplete())?;
    let hash: String = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    if hash == end.sha256 {
        Ok(end.rows)
    } else {
        Err(incomplete())
    }
}

fn broken(error: io::Error) -> CliError {
    match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            failed(format!("the backup is incomplete: {error}"))
                .hint("nothing was written; try again")
        }
        _ => TransportError::while_reading(error).into(),
    }
}

/// Hands on what it reads, and keeps a copy.
struct Copying<'a, R> {
    from: R,
    to: &'a mut File,
    /// Kept apart, to tell a full disk from a lost connection.
    write_error: &'a mut Option<io::Error>,
}

impl<R: Read> Read for Copying<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        if let Err(error) = self.to.write_all(&buffer[..count]) {
            *self.write_error = Some(error);
            return Err(io::ErrorKind::Other.into());
        }
        Ok(count)
    }
}

fn part_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// Makes the new name durable. Windows has no handle for it, and needs none.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn a_whole_backup_is_recognised() {
        let lines = "{\"a\":1}\n{\"b\":2}\n";
        let hash: String = Sha256::digest(lines)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let whole = format!("{lines}{{\"end\":{{\"rows\":2,\"sha256\":\"{hash}\"}}}}\n");
        assert_eq!(check(&zip(&whole)[..]).unwrap(), 2);

        let zipped = zip(&whole);
        for length in 0..zipped.len() {
            assert!(
                check(&zipped[..length]).is_err(),
                "cut after {length} bytes"
            );
        }
        for text in [
            "",
            lines,
            &whole.replace("\"b\":2", "\"b\":3"),
            &format!("{whole}{{}}\n"),
        ] {
            assert!(check(&zip(text)[..]).is_err(), "{text}");
        }
    }

    fn zip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }
}
