-- As in the migration of the same name for SQLite, which has the comments.
CREATE TABLE message (
  tenant_id TEXT COLLATE "C" NOT NULL,
  number BIGINT NOT NULL,
  project TEXT COLLATE "C" NOT NULL,
  sender TEXT COLLATE "C" NOT NULL,
  sender_agent TEXT COLLATE "C",
  sender_name TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  to_kind TEXT COLLATE "C" NOT NULL,
  to_name TEXT COLLATE "C" NOT NULL,
  text TEXT COLLATE "C" NOT NULL,
  thread BIGINT NOT NULL,
  reply_to BIGINT,
  needs_ack BIGINT NOT NULL,
  blocking BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  due_at BIGINT NOT NULL,
  settled BIGINT NOT NULL,
  schema TEXT COLLATE "C",
  tries BIGINT NOT NULL,
  answer TEXT COLLATE "C",
  answer_state TEXT COLLATE "C",
  failure TEXT COLLATE "C",
  PRIMARY KEY (tenant_id, number)
);
CREATE INDEX message_thread ON message (tenant_id, thread, number);
CREATE INDEX message_created ON message (tenant_id, created_at);
CREATE INDEX message_due ON message (tenant_id, due_at) WHERE settled = 0;

CREATE TABLE receipt (
  tenant_id TEXT COLLATE "C" NOT NULL,
  message BIGINT NOT NULL,
  agent TEXT COLLATE "C" NOT NULL,
  agent_name TEXT COLLATE "C" NOT NULL,
  state TEXT COLLATE "C" NOT NULL,
  open BIGINT NOT NULL,
  how TEXT COLLATE "C",
  handed_at BIGINT,
  delivered_at BIGINT,
  read_at BIGINT,
  acknowledged_at BIGINT,
  PRIMARY KEY (tenant_id, message, agent)
);
CREATE INDEX receipt_open ON receipt (tenant_id, agent, state, message) WHERE open = 1;
