-- A tenant, made once. `compacted` is the last revision that streams no
-- longer give; `anchor` and `anchor_chain` are the last entry that was removed
-- from the audit, where checking the chain begins. `data_dropped` and
-- `values_dropped` are how far retention has come with events' data and with
-- values that were replaced.
CREATE TABLE tenant (
  tenant_id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  compacted INTEGER NOT NULL DEFAULT 0,
  anchor INTEGER NOT NULL DEFAULT 0,
  anchor_chain BLOB,
  data_dropped INTEGER NOT NULL DEFAULT 0,
  values_dropped INTEGER NOT NULL DEFAULT 0
) STRICT;

-- One row for each change: event and audit in one, and for state the value.
CREATE TABLE log (
  id INTEGER PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  topic TEXT NOT NULL,
  subject TEXT NOT NULL,
  project TEXT NOT NULL,
  scope INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  version INTEGER,
  hash BLOB,
  size INTEGER NOT NULL,
  content_type TEXT NOT NULL,
  note TEXT,
  traceparent TEXT,
  total_bytes INTEGER NOT NULL,
  chain BLOB NOT NULL,
  payload BLOB
) STRICT;
CREATE UNIQUE INDEX log_revision ON log (tenant_id, revision);
