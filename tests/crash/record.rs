//! The recorder's log, and the disk as a power failure could leave it.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use coro_tests::Random;

/// What a disk writes as a whole.
const SECTOR_BYTES: usize = 512;

/// The length of a record's header: four kinds of numbers, see `recorder.c`.
const HEADER_BYTES: usize = 32;

/// Compiles the recorder into `folder`; none where there is no C compiler.
pub(crate) fn compile(folder: &Path) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("crash/recorder.c");
    let library = folder.join("recorder.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-o"]);
    let output = compiler
        .arg(&library)
        .arg(source)
        .arg("-ldl")
        .output()
        .ok()?;
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && talk.is_empty(),
        "the recorder's compiler said: {talk}"
    );
    Some(library)
}

/// All that a server did to the files of its folder.
pub(crate) struct Recording {
    folder: PathBuf,
    /// The log as it is; changes point into it.
    bytes: Vec<u8>,
    changes: Vec<Change>,
}

/// One record. `end` is the log's length after it.
struct Change {
    end: u64,
    what: What,
}

/// Files have numbers of their own here: an inode may come back as another
/// file.
enum What {
    Created {
        path: PathBuf,
        file: usize,
    },
    Renamed {
        from: PathBuf,
        to: PathBuf,
    },
    Unlinked {
        path: PathBuf,
    },
    Written {
        file: usize,
        offset: usize,
        data: Range<usize>,
    },
    Truncated {
        file: usize,
        length: usize,
    },
    SyncBegun {
        number: u64,
    },
    SyncEnded {
        file: usize,
        number: u64,
    },
}

/// The folder itself, as a file that is synced.
const FOLDER: usize = 0;

/// What of the changes that were never synced has reached the disk anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsynced {
    /// None.
    Lost,
    /// Any of them, in any order, and sectors of a write without the others.
    Chance,
    /// All: what a process sees that comes after a `kill`.
    Kept,
}

/// What a folder holds: names and contents.
pub(crate) type Disk = BTreeMap<PathBuf, Vec<u8>>;

impl Recording {
    /// Calls `kill` while the recorded program changes nothing, so that every
    /// change has its record and every record its change.
    pub(crate) fn hold(log: &Path, kill: impl FnOnce()) {
        let log = std::fs::File::open(log).expect("the recorder has made its log");
        log.lock().expect("a lock of the recorder's log");
        kill();
    }

    pub(crate) fn read(log: &Path, folder: &Path) -> Recording {
        let bytes = std::fs::read(log).expect("the recorder has made its log");
        let mut files = Files {
            next: FOLDER + 1,
            ..Files::default()
        };
        let (mut changes, mut at) = (Vec::new(), 0);
        while let Some(record) = Record::parse(&bytes, at) {
            at = record.data.end;
            if let Some(what) = files.change(&bytes, folder, record) {
                changes.push(Change {
                    end: at as u64,
                    what,
                });
            }
        }
        assert_eq!(at, bytes.len(), "the recorder's last record is not whole");
        Recording {
            folder: folder.to_owned(),
            bytes,
            changes,
        }
    }

    /// The log's length after a change that is chosen by chance.
    pub(crate) fn some_moment(&self, random: &mut Random) -> u64 {
        let count = u32::try_from(self.changes.len()).expect("not so many changes");
        self.changes[random.below(count) as usize].end
    }

    /// The moment before the last sync ended that had ended at this moment.
    pub(crate) fn before_last_sync(&self, moment: u64) -> u64 {
        let count = self.changes.partition_point(|change| change.end <= moment);
        let is_sync = |change: &Change| matches!(change.what, What::SyncEnded { .. });
        let last = self.changes[..count]
            .iter()
            .rposition(is_sync)
            .expect("something is synced");
        self.changes[..last].last().map_or(0, |change| change.end)
    }

    pub(crate) fn end(&self) -> u64 {
        self.changes.last().map_or(0, |change| change.end)
    }

    /// The disk after a power failure at the moment when the log had this
    /// length.
    pub(crate) fn disk_at(&self, length: u64, unsynced: Unsynced, random: &mut Random) -> Disk {
        let count = self.changes.partition_point(|change| change.end <= length);
        let changes = &self.changes[..count];
        let synced = synced_until(changes);
        let is_durable = |file: usize, index| synced.get(&file).is_some_and(|end| index < *end);

        let mut contents: HashMap<usize, Vec<u8>> = HashMap::new();
        let mut names: BTreeMap<&Path, usize> = BTreeMap::new();
        // A journal keeps changes of names in order: chance only says where
        // it ends.
        let mut journal_goes_on = unsynced != Unsynced::Lost;
        for (index, change) in changes.iter().enumerate() {
            let name_is_durable = match &change.what {
                // Syncing a new file makes its name durable too.
                What::Created { file, .. } => is_durable(FOLDER, index) || is_durable(*file, index),
                What::Renamed { .. } | What::Unlinked { .. } => is_durable(FOLDER, index),
                What::Written { file, offset, data } => {
                    let content = contents.entry(*file).or_default();
                    let data = &self.bytes[data.clone()];
                    if is_durable(*file, index) || unsynced == Unsynced::Kept {
                        write(content, *offset, data);
                    } else if unsynced == Unsynced::Chance {
                        write_torn(content, *offset, data, random);
                    }
                    continue;
                }
                What::Truncated { file, length } => {
                    let mut chance = || unsynced == Unsynced::Chance && random.below(2) == 0;
                    if is_durable(*file, index) || unsynced == Unsynced::Kept || chance() {
                        contents.entry(*file).or_default().resize(*length, 0);
                    }
                    continue;
                }
                What::SyncBegun { .. } | What::SyncEnded { .. } => continue,
            };
            if !name_is_durable {
                if unsynced == Unsynced::Chance && random.below(4) == 0 {
                    journal_goes_on = false;
                }
                if !journal_goes_on {
                    continue;
                }
            }
            match &change.what {
                What::Created { path, file } => {
                    names.insert(path, *file);
                }
                What::Renamed { from, to } => {
                    if let Some(file) = names.remove(from.as_path()) {
                        names.insert(to, file);
                    }
                }
                What::Unlinked { path } => {
                    names.remove(path.as_path());
                }
                _ => {}
            }
        }
        let found = names.into_iter().map(|(path, file)| {
            let name = path
                .strip_prefix(&self.folder)
                .expect("only its files are recorded");
            (
                name.to_owned(),
                contents.get(&file).cloned().unwrap_or_default(),
            )
        });
        found.collect()
    }
}

/// For each file, before which change everything is durable: the begin of its
/// last sync that has ended.
fn synced_until(changes: &[Change]) -> HashMap<usize, usize> {
    let (mut begun, mut synced) = (HashMap::new(), HashMap::new());
    for (index, change) in changes.iter().enumerate() {
        match change.what {
            What::SyncBegun { number } => {
                begun.insert(number, index);
            }
            What::SyncEnded { file, number } => {
                let until = synced.entry(file).or_insert(0);
                *until = begun[&number].max(*until);
            }
            _ => {}
        }
    }
    synced
}

fn write(content: &mut Vec<u8>, offset: usize, data: &[u8]) {
    let end = offset + data.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(data);
}

/// A third of the writes is lost, a third is whole, of a third some sectors
/// are written.
fn write_torn(content: &mut Vec<u8>, offset: usize, data: &[u8], random: &mut Random) {
    let fate = random.below(3);
    if fate == 1 {
        write(content, offset, data);
    }
    if fate != 2 {
        return;
    }
    let mut at = 0;
    while at < data.len() {
        let in_sector = SECTOR_BYTES - (offset + at) % SECTOR_BYTES;
        let end = data.len().min(at + in_sector);
        if random.below(2) == 0 {
            write(content, offset + at, &data[at..end]);
        }
        at = end;
    }
}

/// A record as it stands in the log.
struct Record {
    kind: u32,
    inode: u64,
    number: u64,
    path: Range<usize>,
    data: Range<usize>,
}

impl Record {
    fn parse(bytes: &[u8], at: usize) -> Option<Record> {
        let header = bytes.get(at..at + HEADER_BYTES)?;
        let small = |at: usize| u32::from_ne_bytes(header[at..at + 4].try_into().expect("four"));
        let large = |at: usize| u64::from_ne_bytes(header[at..at + 8].try_into().expect("eight"));
        let path = at + HEADER_BYTES..at + HEADER_BYTES + small(4) as usize;
        let data = path.end..path.end + large(24) as usize;
        let whole = data.end <= bytes.len();
        whole.then(|| Record {
            kind: small(0),
            inode: large(8),
            number: large(16),
            path,
            data,
        })
    }
}

/// Which file stands behind an inode and a path, while the log is read.
#[derive(Default)]
struct Files {
    next: usize,
    by_inode: HashMap<u64, usize>,
    by_path: HashMap<PathBuf, usize>,
}

impl Files {
    fn change(&mut self, bytes: &[u8], folder: &Path, record: Record) -> Option<What> {
        let path = path_of(&bytes[record.path.clone()]);
        let number = record.number;
        let length = usize::try_from(number).expect("files are not that large");
        let file = self.by_inode.get(&record.inode).copied();
        Some(match record.kind {
            1 if path == folder => {
                self.by_inode.insert(record.inode, FOLDER);
                return None;
            }
            1 => {
                let known = self.by_path.get(&path).copied();
                match known {
                    Some(known) if file == Some(known) && number == 0 => return None,
                    Some(known) if file == Some(known) => What::Truncated {
                        file: known,
                        length: 0,
                    },
                    _ => {
                        let file = self.next;
                        self.next += 1;
                        self.by_inode.insert(record.inode, file);
                        self.by_path.insert(path.clone(), file);
                        What::Created { path, file }
                    }
                }
            }
            2 => What::Written {
                file: file?,
                offset: length,
                data: record.data,
            },
            3 => What::Truncated {
                file: file?,
                length,
            },
            4 => What::SyncBegun { number },
            5 => What::SyncEnded {
                file: file?,
                number,
            },
            6 => {
                let to = path_of(&bytes[record.data]);
                if let Some(file) = self.by_path.remove(&path) {
                    self.by_path.insert(to.clone(), file);
                }
                What::Renamed { from: path, to }
            }
            7 => {
                self.by_path.remove(&path);
                What::Unlinked { path }
            }
            other => panic!("the recorder writes no record of kind {other}"),
        })
    }
}

fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}
