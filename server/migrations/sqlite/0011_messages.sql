-- Messages, and a receipt for each agent that one is for. `sender_agent` is null where
-- no registered agent sent it. `due_at` is when what is open expires, also where nobody
-- named a time; `settled` says that this was looked at. The last columns are of asks.
CREATE TABLE message (
  tenant_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  project TEXT NOT NULL,
  sender TEXT NOT NULL,
  sender_agent TEXT,
  sender_name TEXT NOT NULL,
  kind TEXT NOT NULL,
  to_kind TEXT NOT NULL,
  to_name TEXT NOT NULL,
  text TEXT NOT NULL,
  thread INTEGER NOT NULL,
  reply_to INTEGER,
  needs_ack INTEGER NOT NULL,
  blocking INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  due_at INTEGER NOT NULL,
  settled INTEGER NOT NULL,
  schema TEXT,
  tries INTEGER NOT NULL,
  answer TEXT,
  answer_state TEXT,
  failure TEXT,
  PRIMARY KEY (tenant_id, number)
) STRICT;
CREATE INDEX message_thread ON message (tenant_id, thread, number);
CREATE INDEX message_created ON message (tenant_id, created_at);
CREATE INDEX message_due ON message (tenant_id, due_at) WHERE settled = 0;

-- `open` while something is expected of the agent: to read it, or to acknowledge or
-- answer what it has read.
CREATE TABLE receipt (
  tenant_id TEXT NOT NULL,
  message INTEGER NOT NULL,
  agent TEXT NOT NULL,
  agent_name TEXT NOT NULL,
  state TEXT NOT NULL,
  open INTEGER NOT NULL,
  how TEXT,
  handed_at INTEGER,
  delivered_at INTEGER,
  read_at INTEGER,
  acknowledged_at INTEGER,
  PRIMARY KEY (tenant_id, message, agent)
) STRICT, WITHOUT ROWID;
CREATE INDEX receipt_open ON receipt (tenant_id, agent, state, message) WHERE open = 1;
