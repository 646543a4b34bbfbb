-- As in the migration of the same name for SQLite, which has the comments.
CREATE TABLE passkey (
  tenant_id TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  human TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  relying_party TEXT COLLATE "C" NOT NULL,
  credential_id BYTEA NOT NULL,
  user_handle BYTEA NOT NULL,
  transports BIGINT NOT NULL,
  key_state BYTEA NOT NULL,
  use_state BYTEA NOT NULL,
  made_at BIGINT NOT NULL,
  last_used_at BIGINT,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX passkey_human ON passkey (tenant_id, human);

CREATE TABLE passkey_challenge (
  tenant_id TEXT COLLATE "C" NOT NULL,
  session TEXT COLLATE "C" NOT NULL,
  token_id TEXT COLLATE "C" NOT NULL,
  purpose TEXT COLLATE "C" NOT NULL,
  human TEXT COLLATE "C" NOT NULL,
  relying_party TEXT COLLATE "C" NOT NULL,
  state BYTEA NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, session)
);
