-- How many numbers of each kind were taken: T-12 is the twelfth task.
CREATE TABLE number (
  tenant_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  taken INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, kind)
) STRICT, WITHOUT ROWID;
