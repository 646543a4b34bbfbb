-- As in the migration of the same name for SQLite, which has the comments.
CREATE TABLE agent (
  tenant_id TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  project TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  workspace TEXT COLLATE "C" NOT NULL,
  intent TEXT COLLATE "C" NOT NULL,
  stack TEXT COLLATE "C" NOT NULL,
  capabilities TEXT COLLATE "C" NOT NULL,
  client TEXT COLLATE "C" NOT NULL,
  client_version TEXT COLLATE "C" NOT NULL,
  status TEXT COLLATE "C" NOT NULL,
  activated BIGINT NOT NULL,
  generation BIGINT NOT NULL,
  registered_at BIGINT NOT NULL,
  registered_with BYTEA,
  last_seen BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX agent_name ON agent (tenant_id, project, name);

ALTER TABLE token ADD COLUMN agent_id TEXT COLLATE "C";
ALTER TABLE token ADD COLUMN generation BIGINT;
ALTER TABLE token ADD COLUMN used_at BIGINT;
CREATE INDEX token_agent ON token (tenant_id, agent_id) WHERE agent_id IS NOT NULL;
