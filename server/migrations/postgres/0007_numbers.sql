-- As in the migration of the same name for SQLite, which has the comments.
CREATE TABLE number (
  tenant_id TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  taken BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, kind)
);
