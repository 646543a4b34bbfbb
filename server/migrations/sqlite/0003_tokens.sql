-- Who may call. The secret itself is nowhere: `hash` is SHA-256 of it.
CREATE TABLE token (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  hash BLOB NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  role TEXT NOT NULL,
  project TEXT,
  key_prefixes TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  PRIMARY KEY (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX token_hash ON token (hash);
