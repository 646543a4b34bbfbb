-- As in the migration of the same name for SQLite, which has the comments.
CREATE TABLE dashboard_code (
  tenant_id TEXT COLLATE "C" NOT NULL,
  hash TEXT COLLATE "C" NOT NULL,
  token_id TEXT COLLATE "C" NOT NULL,
  token_hash BYTEA NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT,
  PRIMARY KEY (tenant_id, hash)
);
CREATE UNIQUE INDEX dashboard_code_hash ON dashboard_code (hash);

CREATE TABLE dashboard_session (
  tenant_id TEXT COLLATE "C" NOT NULL,
  hash TEXT COLLATE "C" NOT NULL,
  key_hash BYTEA NOT NULL,
  token_id TEXT COLLATE "C" NOT NULL,
  token_hash BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  used_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, hash)
);
CREATE UNIQUE INDEX dashboard_session_hash ON dashboard_session (hash);
