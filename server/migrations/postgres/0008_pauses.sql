-- As in the migration of the same name for SQLite, which has the comments.
CREATE TABLE pause (
  tenant_id TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  project TEXT COLLATE "C" NOT NULL,
  agent TEXT COLLATE "C" NOT NULL,
  reason TEXT COLLATE "C" NOT NULL,
  paused_by TEXT COLLATE "C" NOT NULL,
  paused_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
