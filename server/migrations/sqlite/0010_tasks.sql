-- Units of work. `capabilities` is a sorted JSON array, so that equal needs are
-- equal texts; `blockers` counts the dependencies that are not done. The claim
-- stays on a task that is done or failed, and is gone from one that is open;
-- `claim_renewed_at` is from when silence counts, where nothing was heard
-- later. Long texts stand last, so that reading the others does not touch them.
CREATE TABLE task (
  tenant_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  project TEXT NOT NULL,
  title TEXT NOT NULL,
  priority INTEGER NOT NULL,
  assignee TEXT NOT NULL,
  capabilities TEXT NOT NULL,
  paths TEXT NOT NULL,
  labels TEXT NOT NULL,
  status TEXT NOT NULL,
  blockers INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  attempts_max INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  closed_at INTEGER,
  claim_agent TEXT,
  claim_name TEXT,
  claim_generation INTEGER,
  claim_fence INTEGER,
  claimed_at INTEGER,
  claim_renewed_at INTEGER,
  body TEXT NOT NULL,
  result TEXT,
  PRIMARY KEY (tenant_id, number)
) STRICT;
-- The queue: a lane for each assignee and each set of capabilities, the best
-- task first. An agent looks at the first of the lanes that it may take from,
-- however many tasks there are for others.
CREATE INDEX task_ready ON task (tenant_id, project, assignee, capabilities, priority, number)
  WHERE status = 'open' AND blockers = 0;
CREATE INDEX task_claim ON task (tenant_id, claim_agent, claimed_at) WHERE status = 'claimed';
CREATE INDEX task_status ON task (tenant_id, project, status, blockers);
CREATE INDEX task_closed ON task (tenant_id, closed_at) WHERE closed_at IS NOT NULL;

-- `task` waits for `dependency`.
CREATE TABLE task_dependency (
  tenant_id TEXT NOT NULL,
  task INTEGER NOT NULL,
  dependency INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, task, dependency)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_dependents ON task_dependency (tenant_id, dependency, task);

-- What was noted on a task, under the revision of the log row that tells it.
CREATE TABLE task_note (
  tenant_id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  task INTEGER NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (tenant_id, revision)
) STRICT;
CREATE INDEX task_notes ON task_note (tenant_id, task, revision);
