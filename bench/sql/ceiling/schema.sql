-- The tables that pgbench writes: the same rows and indexes as in Provost, without any logic.
CREATE SCHEMA ceiling;

-- Ids grow, as UUIDv7 do.
CREATE SEQUENCE ceiling.ids CACHE 1000;
CREATE FUNCTION ceiling.next_id() RETURNS uuid LANGUAGE sql VOLATILE AS
$$ SELECT lpad(to_hex(nextval('ceiling.ids')), 32, '0')::uuid $$;

CREATE TABLE ceiling.jobs_live (
    id           uuid        PRIMARY KEY,
    state        text        NOT NULL,
    kind         text        NOT NULL,
    queue        text        NOT NULL,
    tenant       text        NOT NULL DEFAULT 'default',
    priority     smallint    NOT NULL DEFAULT 5,
    attempt      integer     NOT NULL DEFAULT 0,
    failures     integer     NOT NULL DEFAULT 0,
    max_attempts integer     NOT NULL DEFAULT 3,
    run_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    payload      json        NOT NULL,
    tags         text[]      NOT NULL DEFAULT '{}',
    project_id   uuid,
    execution_id uuid,
    worker_id    text,
    claimed_at   timestamptz,
    lease_until  timestamptz,
    finished_at  timestamptz,
    result       json,
    error        text
) WITH (fillfactor = 70);
CREATE INDEX ON ceiling.jobs_live (queue, priority, kind, tenant, run_at, id) WHERE state IN ('queued', 'scheduled', 'retrying');
CREATE INDEX ON ceiling.jobs_live (id) WHERE worker_id IS NOT NULL;

CREATE TABLE ceiling.jobs_finished (LIKE ceiling.jobs_live INCLUDING DEFAULTS);
ALTER TABLE ceiling.jobs_finished ADD PRIMARY KEY (id);
CREATE INDEX ON ceiling.jobs_finished (state, finished_at, id) WHERE state <> 'completed';
CREATE INDEX ON ceiling.jobs_finished USING brin (finished_at) WHERE state = 'completed';

CREATE TABLE ceiling.executions (
    id         uuid        NOT NULL,
    job_id     uuid        NOT NULL,
    attempt    integer     NOT NULL,
    worker_id  text        NOT NULL,
    kind       text        NOT NULL,
    queue      text        NOT NULL,
    due_at     timestamptz NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at   timestamptz,
    outcome    text,
    error      text,
    PRIMARY KEY (job_id, attempt)
);
CREATE INDEX ON ceiling.executions USING brin (ended_at);

CREATE TABLE ceiling.events (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entity         text        NOT NULL,
    entity_id      uuid        NOT NULL,
    previous_state text        NOT NULL,
    new_state      text        NOT NULL,
    reason         text,
    actor          text        NOT NULL,
    job_id         uuid,
    execution_id   uuid,
    request_id     text,
    occurred_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON ceiling.events (entity_id, id);

CREATE TABLE ceiling.projects (
    id           uuid        PRIMARY KEY,
    status       text        NOT NULL,
    name         text        NOT NULL,
    error_reason text,
    template     text        NOT NULL,
    parameters   json        NOT NULL,
    labels       jsonb       NOT NULL,
    version      bigint      NOT NULL DEFAULT 1,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    deadline_at  timestamptz,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON ceiling.projects (status, id DESC);
CREATE INDEX ON ceiling.projects (id DESC) WHERE status <> 'deleted';
CREATE INDEX ON ceiling.projects (deadline_at) WHERE deadline_at IS NOT NULL;
CREATE INDEX ON ceiling.projects USING gin (labels jsonb_path_ops);
