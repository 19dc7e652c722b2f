-- Attempts that have ended, written once and never updated. The current attempt of a job is in the job's own row; the view
-- `executions` shows both. There is no foreign key to jobs, because it would cost a lookup per insert: a trigger on `jobs`
-- deletes the attempts of deleted jobs.
CREATE TABLE past_executions (
    id         uuid        NOT NULL,                           -- the fencing token
    job_id     uuid        NOT NULL,
    attempt    integer     NOT NULL,
    worker_id  text        NOT NULL,
    claimed_at timestamptz NOT NULL,
    ended_at   timestamptz NOT NULL,
    outcome    text        NOT NULL CONSTRAINT past_executions_outcome_check
        CHECK (outcome IN ('completed', 'failed', 'timed_out', 'snoozed', 'released', 'lease_expired', 'canceled')),
    error      text,
    kind       text        NOT NULL,                           -- kind, queue and due time are copied, so that statistics
    queue      text        NOT NULL,                           -- do not need the job
    due_at     timestamptz NOT NULL,
    PRIMARY KEY (job_id, attempt)
);
-- Statistics and retention read by time, and rows are appended in that order.
CREATE INDEX past_executions_by_end ON past_executions USING brin (ended_at);

-- Log lines that attempts wrote, in order of their ids. The appending statement bounds the volume per attempt.
CREATE TABLE execution_logs (
    id           bigint      GENERATED ALWAYS AS IDENTITY,
    execution_id uuid        NOT NULL,
    job_id       uuid        NOT NULL,
    at           timestamptz NOT NULL,
    stream       text        NOT NULL CHECK (stream ~ '^[a-z]{1,16}$'),
    line         text        NOT NULL CHECK (octet_length(line) <= 8192),
    PRIMARY KEY (execution_id, id)
);
CREATE INDEX execution_logs_of_job ON execution_logs (job_id, id);
CREATE INDEX execution_logs_by_age ON execution_logs USING brin (at);

-- Dequeue requests of remote workers. The ids of the attempts that a request may start are stored before anything is claimed,
-- so a repeated request returns the same attempts even if the first response was lost.
CREATE TABLE deliveries (
    worker_id  text        NOT NULL,
    request_id text        NOT NULL,
    executions uuid[]      NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (worker_id, request_id)
);
CREATE INDEX deliveries_by_age ON deliveries (created_at);
