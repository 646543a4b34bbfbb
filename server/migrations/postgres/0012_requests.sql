-- As in the migration of the same name for SQLite, which has the comments.
CREATE TABLE human (
  tenant_id TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  passphrase TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT COLLATE "C" NOT NULL,
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, name)
);

CREATE TABLE human_session (
  tenant_id TEXT COLLATE "C" NOT NULL,
  hash BYTEA NOT NULL,
  human TEXT COLLATE "C" NOT NULL,
  token_id TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, hash)
);

CREATE TABLE request (
  tenant_id TEXT COLLATE "C" NOT NULL,
  number BIGINT NOT NULL,
  project TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  title TEXT COLLATE "C" NOT NULL,
  body TEXT COLLATE "C" NOT NULL,
  detail TEXT COLLATE "C",
  options TEXT COLLATE "C" NOT NULL,
  effect TEXT COLLATE "C",
  digest TEXT COLLATE "C" NOT NULL,
  asked_by TEXT COLLATE "C" NOT NULL,
  asked_agent TEXT COLLATE "C",
  asked_token TEXT COLLATE "C" NOT NULL,
  asked_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  on_silence TEXT COLLATE "C" NOT NULL,
  status TEXT COLLATE "C" NOT NULL,
  decision TEXT COLLATE "C",
  decided_by TEXT COLLATE "C",
  decided_how TEXT COLLATE "C",
  decided_at BIGINT,
  why TEXT COLLATE "C",
  closed_at BIGINT,
  PRIMARY KEY (tenant_id, number)
);
CREATE INDEX request_waiting ON request (tenant_id, expires_at) WHERE closed_at IS NULL;
CREATE INDEX request_closed ON request (tenant_id, closed_at) WHERE closed_at IS NOT NULL;

CREATE TABLE request_vote (
  tenant_id TEXT COLLATE "C" NOT NULL,
  number BIGINT NOT NULL,
  decider TEXT COLLATE "C" NOT NULL,
  how TEXT COLLATE "C" NOT NULL,
  choice TEXT COLLATE "C" NOT NULL,
  why TEXT COLLATE "C" NOT NULL,
  voted_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, number, decider, how)
);

CREATE TABLE request_policy (
  tenant_id TEXT COLLATE "C" NOT NULL,
  project TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  quorum BIGINT NOT NULL,
  deciders TEXT COLLATE "C" NOT NULL,
  deputies TEXT COLLATE "C" NOT NULL,
  deputies_after_seconds BIGINT NOT NULL,
  set_by TEXT COLLATE "C" NOT NULL,
  set_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, project, kind)
);
