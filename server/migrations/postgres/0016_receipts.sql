-- As in the migration of the same name for SQLite, which has the comments.
ALTER TABLE receipt ADD COLUMN sender TEXT COLLATE "C";
ALTER TABLE receipt ADD COLUMN wanted BIGINT;
ALTER TABLE receipt ADD COLUMN blocking BIGINT;
ALTER TABLE receipt ADD COLUMN due_at BIGINT;
UPDATE receipt SET sender = coalesce(message.sender_agent, message.sender),
  wanted = CASE WHEN message.needs_ack = 1 OR message.kind = 'ask'
    OR message.expires_at IS NOT NULL THEN 1 ELSE 0 END,
  blocking = message.blocking, due_at = message.due_at
  FROM message WHERE message.tenant_id = receipt.tenant_id AND message.number = receipt.message;
DELETE FROM receipt WHERE sender IS NULL;
ALTER TABLE receipt ALTER COLUMN sender SET NOT NULL;
ALTER TABLE receipt ALTER COLUMN wanted SET NOT NULL;
ALTER TABLE receipt ALTER COLUMN blocking SET NOT NULL;
ALTER TABLE receipt ALTER COLUMN due_at SET NOT NULL;

DROP INDEX receipt_open;
CREATE INDEX receipt_agent ON receipt (tenant_id, agent, message);
CREATE INDEX receipt_open ON receipt (tenant_id, agent, state, message, due_at) WHERE open = 1;
CREATE INDEX receipt_blocking ON receipt (tenant_id, agent, message, due_at)
  WHERE open = 1 AND blocking = 1;
CREATE INDEX receipt_owed ON receipt (tenant_id, agent, sender, state, wanted, open)
  WHERE open = 1 AND (state = 'queued' OR wanted = 1);

CREATE INDEX message_project ON message (tenant_id, project, number);
CREATE INDEX message_sender_agent ON message (tenant_id, sender_agent, number)
  WHERE sender_agent IS NOT NULL;
CREATE INDEX message_sender ON message (tenant_id, sender, number) WHERE sender_agent IS NULL;
CREATE INDEX message_caller ON message (tenant_id, to_name, number) WHERE to_kind = 'caller';
CREATE INDEX message_about ON message (tenant_id, reply_to) WHERE kind IN ('answer', 'bounce');
