-- Leases that are held or waited for; those that ended are in the log only.
-- agent_id is null for a protected path. expires_at is null where a lease lasts
-- as long as its task's claim, or for good. `overrides` names the lease under
-- which this row lets its agent edit.
CREATE TABLE lease (
  tenant_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  project TEXT NOT NULL,
  kind TEXT NOT NULL,
  pattern TEXT NOT NULL,
  mode TEXT NOT NULL,
  status TEXT NOT NULL,
  reason TEXT NOT NULL,
  agent_id TEXT,
  holder TEXT NOT NULL,
  generation INTEGER,
  actor TEXT NOT NULL,
  task INTEGER,
  overrides INTEGER,
  fence INTEGER,
  ttl_seconds INTEGER,
  requested_at INTEGER NOT NULL,
  granted_at INTEGER,
  expires_at INTEGER,
  PRIMARY KEY (tenant_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX lease_project ON lease (tenant_id, project);
CREATE INDEX lease_agent ON lease (tenant_id, agent_id) WHERE agent_id IS NOT NULL;
CREATE INDEX lease_task ON lease (tenant_id, task) WHERE task IS NOT NULL;
CREATE INDEX lease_expires ON lease (tenant_id, expires_at) WHERE expires_at IS NOT NULL;
