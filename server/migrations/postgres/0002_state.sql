-- As in the migration of the same name for SQLite, which has the comments.
CREATE TABLE state (
  tenant_id TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  revision BIGINT NOT NULL,
  hash BYTEA NOT NULL,
  size BIGINT NOT NULL,
  content_type TEXT COLLATE "C" NOT NULL,
  updated_at BIGINT NOT NULL,
  updated_by TEXT COLLATE "C" NOT NULL,
  expires_at BIGINT,
  conditional BIGINT NOT NULL,
  deleted BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, key)
);
CREATE INDEX state_expiry ON state (tenant_id, expires_at) WHERE expires_at IS NOT NULL;

CREATE INDEX log_versions ON log (tenant_id, subject, version) WHERE version IS NOT NULL AND payload IS NOT NULL;
