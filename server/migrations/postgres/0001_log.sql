-- As in the migration of the same name for SQLite, which has the comments.
CREATE TABLE tenant (
  tenant_id TEXT COLLATE "C" PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL UNIQUE,
  created_at BIGINT NOT NULL,
  compacted BIGINT NOT NULL DEFAULT 0,
  anchor BIGINT NOT NULL DEFAULT 0,
  anchor_chain BYTEA,
  data_dropped BIGINT NOT NULL DEFAULT 0,
  values_dropped BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE log (
  tenant_id TEXT COLLATE "C" NOT NULL,
  revision BIGINT NOT NULL,
  at BIGINT NOT NULL,
  actor TEXT COLLATE "C" NOT NULL,
  topic TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  project TEXT COLLATE "C" NOT NULL,
  scope BIGINT NOT NULL,
  refused BIGINT NOT NULL,
  version BIGINT,
  hash BYTEA,
  size BIGINT NOT NULL,
  content_type TEXT COLLATE "C" NOT NULL,
  note TEXT COLLATE "C",
  traceparent TEXT COLLATE "C",
  total_bytes BIGINT NOT NULL,
  chain BYTEA NOT NULL,
  payload BYTEA,
  PRIMARY KEY (tenant_id, revision)
);
