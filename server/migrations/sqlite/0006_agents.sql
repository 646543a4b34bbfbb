-- Agents, one row for each name of a project, whatever happens to it. `last_seen`
-- is written in batches; `registered_with` tells a repetition of the last
-- registration. A token of an agent belongs to a generation, and is the only
-- valid one from its first use on.
CREATE TABLE agent (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  project TEXT NOT NULL,
  name TEXT NOT NULL,
  workspace TEXT NOT NULL,
  intent TEXT NOT NULL,
  stack TEXT NOT NULL,
  capabilities TEXT NOT NULL,
  client TEXT NOT NULL,
  client_version TEXT NOT NULL,
  status TEXT NOT NULL,
  activated INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  registered_at INTEGER NOT NULL,
  registered_with BLOB,
  last_seen INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX agent_name ON agent (tenant_id, project, name);

ALTER TABLE token ADD COLUMN agent_id TEXT;
ALTER TABLE token ADD COLUMN generation INTEGER;
ALTER TABLE token ADD COLUMN used_at INTEGER;
CREATE INDEX token_agent ON token (tenant_id, agent_id) WHERE agent_id IS NOT NULL;
