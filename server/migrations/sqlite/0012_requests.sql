-- People who decide what is protected. `passphrase` is a PHC string of Argon2id.
CREATE TABLE human (
  tenant_id TEXT NOT NULL,
  name TEXT NOT NULL,
  passphrase TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, name)
) STRICT, WITHOUT ROWID;

-- A human who has unlocked, by SHA-256 of the session's secret. It is valid with the token
-- that unlocked it only.
CREATE TABLE human_session (
  tenant_id TEXT NOT NULL,
  hash BLOB NOT NULL,
  human TEXT NOT NULL,
  token_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, hash)
) STRICT, WITHOUT ROWID;

-- Questions that need a decision. `digest` is over what is decided; `effect` is what the
-- decision does by itself; `closed_at` is set when nothing more can be decided.
CREATE TABLE request (
  tenant_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  project TEXT NOT NULL,
  kind TEXT NOT NULL,
  title TEXT NOT NULL,
  body TEXT NOT NULL,
  detail TEXT,
  options TEXT NOT NULL,
  effect TEXT,
  digest TEXT NOT NULL,
  asked_by TEXT NOT NULL,
  asked_agent TEXT,
  asked_token TEXT NOT NULL,
  asked_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  on_silence TEXT NOT NULL,
  status TEXT NOT NULL,
  decision TEXT,
  decided_by TEXT,
  decided_how TEXT,
  decided_at INTEGER,
  why TEXT,
  closed_at INTEGER,
  PRIMARY KEY (tenant_id, number)
) STRICT;
CREATE INDEX request_waiting ON request (tenant_id, expires_at) WHERE closed_at IS NULL;
CREATE INDEX request_closed ON request (tenant_id, closed_at) WHERE closed_at IS NOT NULL;

CREATE TABLE request_vote (
  tenant_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  decider TEXT NOT NULL,
  how TEXT NOT NULL,
  choice TEXT NOT NULL,
  why TEXT NOT NULL,
  voted_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, number, decider, how)
) STRICT, WITHOUT ROWID;

-- Who decides a kind of a project, and how many of them. Without a row one of those who may does.
CREATE TABLE request_policy (
  tenant_id TEXT NOT NULL,
  project TEXT NOT NULL,
  kind TEXT NOT NULL,
  quorum INTEGER NOT NULL,
  deciders TEXT NOT NULL,
  deputies TEXT NOT NULL,
  deputies_after_seconds INTEGER NOT NULL,
  set_by TEXT NOT NULL,
  set_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, project, kind)
) STRICT, WITHOUT ROWID;
