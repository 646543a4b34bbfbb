-- As in the migration of the same name for SQLite, which has the comments.
CREATE TABLE consumer (
  tenant_id TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  pattern TEXT COLLATE "C" NOT NULL,
  acknowledged BIGINT NOT NULL,
  owner TEXT COLLATE "C" NOT NULL,
  actor TEXT COLLATE "C" NOT NULL,
  project TEXT COLLATE "C",
  key_prefixes TEXT COLLATE "C" NOT NULL,
  audit BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, name)
);
