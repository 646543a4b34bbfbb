-- As in the migration of the same name for SQLite, which has the comments.
CREATE TABLE lease (
  tenant_id TEXT COLLATE "C" NOT NULL,
  number BIGINT NOT NULL,
  project TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  pattern TEXT COLLATE "C" NOT NULL,
  mode TEXT COLLATE "C" NOT NULL,
  status TEXT COLLATE "C" NOT NULL,
  reason TEXT COLLATE "C" NOT NULL,
  agent_id TEXT COLLATE "C",
  holder TEXT COLLATE "C" NOT NULL,
  generation BIGINT,
  actor TEXT COLLATE "C" NOT NULL,
  task BIGINT,
  overrides BIGINT,
  fence BIGINT,
  ttl_seconds BIGINT,
  requested_at BIGINT NOT NULL,
  granted_at BIGINT,
  expires_at BIGINT,
  PRIMARY KEY (tenant_id, number)
);
CREATE INDEX lease_project ON lease (tenant_id, project);
CREATE INDEX lease_agent ON lease (tenant_id, agent_id) WHERE agent_id IS NOT NULL;
CREATE INDEX lease_task ON lease (tenant_id, task) WHERE task IS NOT NULL;
CREATE INDEX lease_expires ON lease (tenant_id, expires_at) WHERE expires_at IS NOT NULL;
