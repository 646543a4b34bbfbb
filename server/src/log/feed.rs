//! The live end of the log: the newest entries in memory, and a wake-up.
//!
//! Each tenant that somebody listens to has a [`Feed`]. It holds the newest
//! entries, each with its JSON written once however many read it. A reader is
//! a [`Cursor`]: while it keeps up it reads from memory, when it falls behind
//! it reads from the database and catches up. The feed never waits for a
//! reader and a reader never misses anything.
//!
//! Committed entries come from this process's writer. Those that another
//! replica wrote, and those that were missed while the feed began, are read
//! from the database by [`Feeds::tail`]: after a hint, and each second in case
//! a hint was lost.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock, RwLock};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::{Filter, PAGE_BYTES_MAX};
use crate::db::glob::Glob;
use crate::db::{CommitSink, Db, Entry};
use crate::error::{Result, internal};
use crate::ids::TenantId;

/// The newest entries that are kept in memory for each tenant.
const RING_ENTRIES_MAX: usize = 4096;

/// About the most bytes that they take.
const RING_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How often the database is asked for entries that no hint announced.
const TAIL_INTERVAL: Duration = Duration::from_secs(1);

/// The most entries that a cursor gives at once.
pub const BATCH_MAX: usize = 256;

/// About the most bytes of events that a cursor gives at once: a reader that
/// stalls holds no more.
const BATCH_BYTES_MAX: i64 = 1024 * 1024;

/// An entry that has been published, and its JSON as an event.
pub struct Published {
    pub entry: Entry,
    json: OnceLock<Bytes>,
}

impl Published {
    pub fn new(entry: Entry) -> Self {
        Published {
            entry,
            json: OnceLock::new(),
        }
    }

    /// The entry as Koor's event and more, written once.
    pub fn json(&self) -> &Bytes {
        self.json
            .get_or_init(|| Bytes::from(crate::events::json_of(&self.entry)))
    }
}

/// All feeds of this process.
#[derive(Default)]
pub struct Feeds {
    feeds: RwLock<HashMap<TenantId, Arc<Feed>>>,
    /// Asks for a look at the database.
    behind: Notify,
}

/// The newest entries of one tenant.
pub struct Feed {
    ring: RwLock<Ring>,
    head: watch::Sender<i64>,
}

#[derive(Default)]
struct Ring {
    entries: VecDeque<Arc<Published>>,
    bytes: usize,
    /// The newest revision that the feed has seen.
    last: i64,
}

impl Ring {
    /// The revision before the oldest entry in memory.
    fn floor(&self) -> i64 {
        self.last - self.entries.len() as i64
    }

    /// Adds an entry if it is the next one.
    fn push(&mut self, entry: Entry) -> bool {
        if entry.revision != self.last + 1 {
            return false;
        }
        self.last = entry.revision;
        self.bytes += weight(&entry);
        self.entries.push_back(Arc::new(Published::new(entry)));
        while self.entries.len() > RING_ENTRIES_MAX || self.bytes > RING_BYTES_MAX {
            match self.entries.pop_front() {
                Some(oldest) => self.bytes -= weight(&oldest.entry),
                None => break,
            }
        }
        true
    }
}

/// About the memory that an entry takes with its JSON.
fn weight(entry: &Entry) -> usize {
    let data = entry.data.as_ref().map_or(0, Bytes::len);
    2 * (data + entry.subject.len() + entry.note.as_ref().map_or(0, String::len)) + 600
}

impl Feeds {
    /// The tenant's feed; begins where its log stands now.
    pub async fn of(self: &Arc<Self>, db: &Db, tenant: &TenantId) -> Result<Arc<Feed>> {
        if let Some(feed) = self.existing(tenant) {
            return Ok(feed);
        }
        let of = tenant.clone();
        let head = db.read(move |tx| tx.head(&of)).await?.revision;
        let mut feeds = self.feeds.write().expect("no panic while held");
        let feed = feeds.entry(tenant.clone()).or_insert_with(|| {
            Arc::new(Feed {
                ring: RwLock::new(Ring {
                    last: head,
                    ..Ring::default()
                }),
                head: watch::Sender::new(head),
            })
        });
        let feed = feed.clone();
        drop(feeds);
        // Something may have been committed between the read and now.
        self.behind.notify_one();
        Ok(feed)
    }

    /// Says that the database may have entries that a feed has not seen.
    pub fn hint(&self) {
        self.behind.notify_one();
    }

    /// Keeps the feeds up with the database until told to stop.
    pub async fn tail(self: Arc<Self>, db: Db, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.behind.notified() => {}
                () = tokio::time::sleep(TAIL_INTERVAL) => {}
            }
            let feeds: Vec<_> = {
                let feeds = self.feeds.read().expect("no panic while held");
                feeds
                    .iter()
                    .map(|(tenant, feed)| (tenant.clone(), feed.clone()))
                    .collect()
            };
            for (tenant, feed) in feeds {
                if let Err(error) = catch_up(&db, &tenant, &feed).await {
                    tracing::warn!(%error, "the newest events could not be read; trying again");
                }
            }
        }
    }

    fn existing(&self, tenant: &TenantId) -> Option<Arc<Feed>> {
        self.feeds
            .read()
            .expect("no panic while held")
            .get(tenant)
            .cloned()
    }
}

impl CommitSink for Feeds {
    fn committed(&self, tenant: &TenantId, entries: Vec<Entry>) {
        let Some(feed) = self.existing(tenant) else {
            return;
        };
        if !feed.append(entries) {
            self.behind.notify_one();
        }
    }
}

impl Feed {
    /// The newest revision that the feed has seen.
    pub fn head(&self) -> i64 {
        *self.head.borrow()
    }

    /// Some of what is in memory after a revision; `None` where the first of it
    /// is not. Readers look at it without the lock: the writer waits for that.
    fn following(&self, at: i64) -> Option<Vec<Arc<Published>>> {
        let ring = self.ring.read().expect("no panic while held");
        if at >= ring.last {
            return Some(Vec::new());
        }
        let skip = usize::try_from(at - ring.floor()).ok()?;
        let some = ring.entries.range(skip..).take(BATCH_MAX);
        Some(some.cloned().collect())
    }

    /// Adds entries that follow; `false` says that some before them are
    /// missing.
    fn append(&self, entries: Vec<Entry>) -> bool {
        let mut ring = self.ring.write().expect("no panic while held");
        let mut whole = true;
        for entry in entries {
            if entry.revision > ring.last {
                whole = ring.push(entry) && whole;
            }
        }
        let last = ring.last;
        drop(ring);
        self.head
            .send_if_modified(|head| std::mem::replace(head, last) != last);
        whole
    }
}

/// Reads what the feed has not seen.
async fn catch_up(db: &Db, tenant: &TenantId, feed: &Feed) -> Result<()> {
    loop {
        let (from, tenant) = (
            feed.ring.read().expect("no panic while held").last,
            tenant.clone(),
        );
        let everything = Filter::new(super::Sight::everything(), Glob::own("*"));
        let entries = db
            .scan(move |tx| {
                super::read_after(tx, &tenant, &everything, from, BATCH_MAX, PAGE_BYTES_MAX)
            })
            .await?
            .entries;
        let Some(newest) = entries.last().map(|entry| entry.revision) else {
            return Ok(());
        };
        feed.append(entries);
        // Another thread may have appended the same entries meanwhile.
        if feed.ring.read().expect("no panic while held").last < newest {
            return Err(internal(anyhow::anyhow!(
                "the log has a gap before {newest}"
            )));
        }
    }
}

/// A reader's place in a feed.
pub struct Cursor {
    db: Db,
    tenant: TenantId,
    feed: Arc<Feed>,
    head: watch::Receiver<i64>,
    filter: Arc<Filter>,
    /// The last revision that was looked at.
    at: i64,
}

/// What a cursor found.
pub struct Batch {
    pub entries: Vec<Arc<Published>>,
    /// The last revision that was looked at.
    pub next: i64,
}

impl Cursor {
    /// Begins after `from`, or at the present. Checks that nothing is missing.
    pub async fn open(
        feeds: &Arc<Feeds>,
        db: &Db,
        tenant: &TenantId,
        filter: Filter,
        from: Option<i64>,
    ) -> Result<Self> {
        let feed = feeds.of(db, tenant).await?;
        let of = tenant.clone();
        let at = db
            .read(move |tx| {
                let head = tx.head(&of)?.revision;
                let from = from.unwrap_or(head);
                super::check_cursor(tx, &of, from, head)?;
                Ok(from)
            })
            .await?;
        let head = feed.head.subscribe();
        let (db, tenant) = (db.clone(), tenant.clone());
        Ok(Cursor {
            db,
            tenant,
            feed,
            head,
            filter: Arc::new(filter),
            at,
        })
    }

    /// The last revision that was looked at.
    pub fn at(&self) -> i64 {
        self.at
    }

    /// The newest revision that the feed has seen.
    pub fn head(&self) -> i64 {
        self.feed.head()
    }

    /// What follows now, at most `max` entries; none where nothing does.
    pub async fn read(&mut self, max: usize) -> Result<Batch> {
        let entries = match self.read_memory(max) {
            Some(entries) => entries,
            None => self.read_database(max).await?,
        };
        Ok(Batch {
            entries,
            next: self.at,
        })
    }

    /// Waits until there may be more.
    pub async fn wait(&mut self) {
        let at = self.at;
        // The feed outlives its readers: the sender is never dropped here.
        let _ = self.head.wait_for(|head| *head > at).await;
    }

    fn read_memory(&mut self, max: usize) -> Option<Vec<Arc<Published>>> {
        let (mut found, mut bytes, mut seen) = (Vec::new(), 0, 0);
        while seen < RING_ENTRIES_MAX && found.len() < max && bytes < BATCH_BYTES_MAX {
            let Some(some) = self.feed.following(self.at) else {
                // What has left the memory meanwhile is for the next read.
                return (!found.is_empty()).then_some(found);
            };
            if some.is_empty() {
                break;
            }
            for published in some {
                if found.len() == max || bytes >= BATCH_BYTES_MAX {
                    break;
                }
                seen += 1;
                bytes += published.entry.size;
                self.at = published.entry.revision;
                if self.filter.matches(&published.entry) {
                    found.push(published);
                }
            }
        }
        Some(found)
    }

    async fn read_database(&mut self, max: usize) -> Result<Vec<Arc<Published>>> {
        let (tenant, filter, from) = (self.tenant.clone(), self.filter.clone(), self.at);
        let page = self
            .db
            .scan(move |tx| super::read_after(tx, &tenant, &filter, from, max, BATCH_BYTES_MAX))
            .await?;
        self.at = page.next;
        Ok(page
            .entries
            .into_iter()
            .map(|entry| Arc::new(Published::new(entry)))
            .collect())
    }
}
