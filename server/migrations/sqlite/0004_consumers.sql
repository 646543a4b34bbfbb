-- Cursors that the server keeps. `owner` is the token that made it; project
-- and prefixes are what that token could see then.
CREATE TABLE consumer (
  tenant_id TEXT NOT NULL,
  name TEXT NOT NULL,
  pattern TEXT NOT NULL,
  acknowledged INTEGER NOT NULL,
  owner TEXT NOT NULL,
  actor TEXT NOT NULL,
  project TEXT,
  key_prefixes TEXT NOT NULL,
  audit INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, name)
) STRICT, WITHOUT ROWID;
