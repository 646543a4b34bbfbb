-- As in the migration of the same name for SQLite, which has the comments.
CREATE TABLE task (
  tenant_id TEXT COLLATE "C" NOT NULL,
  number BIGINT NOT NULL,
  project TEXT COLLATE "C" NOT NULL,
  title TEXT COLLATE "C" NOT NULL,
  priority BIGINT NOT NULL,
  assignee TEXT COLLATE "C" NOT NULL,
  capabilities TEXT COLLATE "C" NOT NULL,
  paths TEXT COLLATE "C" NOT NULL,
  labels TEXT COLLATE "C" NOT NULL,
  status TEXT COLLATE "C" NOT NULL,
  blockers BIGINT NOT NULL,
  attempt BIGINT NOT NULL,
  attempts_max BIGINT NOT NULL,
  created_by TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  closed_at BIGINT,
  claim_agent TEXT COLLATE "C",
  claim_name TEXT COLLATE "C",
  claim_generation BIGINT,
  claim_fence BIGINT,
  claimed_at BIGINT,
  claim_renewed_at BIGINT,
  body TEXT COLLATE "C" NOT NULL,
  result TEXT COLLATE "C",
  PRIMARY KEY (tenant_id, number)
);
CREATE INDEX task_ready ON task (tenant_id, project, assignee, capabilities, priority, number)
  WHERE status = 'open' AND blockers = 0;
CREATE INDEX task_claim ON task (tenant_id, claim_agent, claimed_at) WHERE status = 'claimed';
CREATE INDEX task_status ON task (tenant_id, project, status, blockers);
CREATE INDEX task_closed ON task (tenant_id, closed_at) WHERE closed_at IS NOT NULL;

CREATE TABLE task_dependency (
  tenant_id TEXT COLLATE "C" NOT NULL,
  task BIGINT NOT NULL,
  dependency BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, task, dependency)
);
CREATE INDEX task_dependents ON task_dependency (tenant_id, dependency, task);

CREATE TABLE task_note (
  tenant_id TEXT COLLATE "C" NOT NULL,
  revision BIGINT NOT NULL,
  task BIGINT NOT NULL,
  at BIGINT NOT NULL,
  actor TEXT COLLATE "C" NOT NULL,
  attempt BIGINT NOT NULL,
  text TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant_id, revision)
);
CREATE INDEX task_notes ON task_note (tenant_id, task, revision);
