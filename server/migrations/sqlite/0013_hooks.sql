-- How often each agent went on by itself since a human last said something, and
-- what it was told to go on with: each thing once.
CREATE TABLE continuation (
  tenant_id TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  count INTEGER NOT NULL,
  told TEXT NOT NULL,
  PRIMARY KEY (tenant_id, agent_id)
) STRICT, WITHOUT ROWID;
