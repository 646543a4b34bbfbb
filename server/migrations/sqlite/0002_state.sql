-- The present of each key; its value is the payload of log row `revision`.
-- A deleted key keeps its row, so that its versions are never used again.
CREATE TABLE state (
  tenant_id TEXT NOT NULL,
  key TEXT NOT NULL,
  version INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  hash BLOB NOT NULL,
  size INTEGER NOT NULL,
  content_type TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  updated_by TEXT NOT NULL,
  expires_at INTEGER,
  conditional INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX state_expiry ON state (tenant_id, expires_at) WHERE expires_at IS NOT NULL;

-- The kept values of a key are the log rows that still have them.
CREATE INDEX log_versions ON log (tenant_id, subject, version) WHERE version IS NOT NULL AND payload IS NOT NULL;
