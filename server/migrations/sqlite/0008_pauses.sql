-- Who is told to stand still: an agent, a project (agent is empty) or all (both are).
CREATE TABLE pause (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  project TEXT NOT NULL,
  agent TEXT NOT NULL,
  reason TEXT NOT NULL,
  paused_by TEXT NOT NULL,
  paused_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT, WITHOUT ROWID;
