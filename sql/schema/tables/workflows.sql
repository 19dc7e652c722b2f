-- Workflows: named sets of jobs. Triggers on `jobs` keep the counts and the state. Steps that are not counted here are
-- scheduled, queued, active or retrying.
CREATE TABLE workflows (
    id              uuid        PRIMARY KEY,
    state           text        NOT NULL CHECK (state IN ('running', 'completed', 'failed', 'canceled')),
    name            text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    tenant          text        NOT NULL,
    steps           integer     NOT NULL CHECK (steps > 0),
    completed       integer     NOT NULL DEFAULT 0,
    failed          integer     NOT NULL DEFAULT 0,
    canceled        integer     NOT NULL DEFAULT 0,
    blocked         integer     NOT NULL DEFAULT 0,
    idempotency_key text,                                      -- valid as long as the workflow exists
    request_hash    text,
    actor           text        NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    finished_at     timestamptz,
    CONSTRAINT workflows_counts_check CHECK (
        completed >= 0 AND failed >= 0 AND canceled >= 0 AND blocked >= 0 AND completed + failed + canceled + blocked <= steps),
    CONSTRAINT workflows_finished_at_check CHECK ((state = 'running') = (finished_at IS NULL))
) WITH (fillfactor = 50);
CREATE INDEX workflows_by_state ON workflows (state, id);
CREATE INDEX workflows_by_finish ON workflows (state, finished_at) WHERE finished_at IS NOT NULL;
CREATE UNIQUE INDEX workflows_by_key ON workflows (tenant, idempotency_key) WHERE idempotency_key IS NOT NULL;
