-- What decides about a receipt stands on it, so that an index finds what an agent owes
-- without a look at each message, whose text may fill pages. `sender` is the agent that
-- sent it, else the actor; `wanted` says that more is wanted than that it arrives.
--
-- With rows of its own: a table without them is searched by its key, all receipts of the
-- tenant, where SQLite has a better index.
DROP INDEX receipt_open;
ALTER TABLE receipt RENAME TO receipt_before;
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
  sender TEXT NOT NULL,
  wanted INTEGER NOT NULL,
  blocking INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, message, agent)
) STRICT;
INSERT INTO receipt SELECT receipt_before.*, coalesce(message.sender_agent, message.sender),
  message.needs_ack = 1 OR message.kind = 'ask' OR message.expires_at IS NOT NULL,
  message.blocking, message.due_at
  FROM receipt_before JOIN message ON message.tenant_id = receipt_before.tenant_id
  AND message.number = receipt_before.message;
DROP TABLE receipt_before;

CREATE INDEX receipt_agent ON receipt (tenant_id, agent, message);
CREATE INDEX receipt_open ON receipt (tenant_id, agent, state, message, due_at) WHERE open = 1;
CREATE INDEX receipt_blocking ON receipt (tenant_id, agent, message, due_at)
  WHERE open = 1 AND blocking = 1;
CREATE INDEX receipt_owed ON receipt (tenant_id, agent, sender, state, wanted, open)
  WHERE open = 1 AND (state = 'queued' OR wanted = 1);

-- Lists: of a project, of what one sent or got as somebody who is no agent; and what was
-- told about a message.
CREATE INDEX message_project ON message (tenant_id, project, number);
CREATE INDEX message_sender_agent ON message (tenant_id, sender_agent, number)
  WHERE sender_agent IS NOT NULL;
CREATE INDEX message_sender ON message (tenant_id, sender, number) WHERE sender_agent IS NULL;
CREATE INDEX message_caller ON message (tenant_id, to_name, number) WHERE to_kind = 'caller';
CREATE INDEX message_about ON message (tenant_id, reply_to) WHERE kind IN ('answer', 'bounce');
