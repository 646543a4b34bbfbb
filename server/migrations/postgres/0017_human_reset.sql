-- As in the migration of the same name for SQLite, which has the comments.
ALTER TABLE human ADD COLUMN reset_at BIGINT;
