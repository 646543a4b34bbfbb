-- As in the migration of the same name for SQLite, which has the comments.
CREATE TABLE continuation (
  tenant_id TEXT COLLATE "C" NOT NULL,
  agent_id TEXT COLLATE "C" NOT NULL,
  count BIGINT NOT NULL,
  told TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant_id, agent_id)
);
