-- When a passphrase was last made anew on the server's machine, where it was
-- forgotten. It stays when the human sets their own: it happened.
ALTER TABLE human ADD COLUMN reset_at INTEGER;
