-- One-time codes with which the page signs in: `hash` is SHA-256 of the code, in
-- hexadecimal. A used code stays until it has expired, to say so.
CREATE TABLE dashboard_code (
  tenant_id TEXT NOT NULL,
  hash TEXT NOT NULL,
  token_id TEXT NOT NULL,
  token_hash BLOB NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at INTEGER,
  PRIMARY KEY (tenant_id, hash)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX dashboard_code_hash ON dashboard_code (hash);

-- Sessions of the page: `hash` is SHA-256 of the cookie in hexadecimal, `key_hash`
-- that of the key in the page's storage. `used_at` is written now and then.
CREATE TABLE dashboard_session (
  tenant_id TEXT NOT NULL,
  hash TEXT NOT NULL,
  key_hash BLOB NOT NULL,
  token_id TEXT NOT NULL,
  token_hash BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, hash)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX dashboard_session_hash ON dashboard_session (hash);
