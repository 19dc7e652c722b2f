-- Jobs: the queue. One logical table in two partitions. `jobs_live` holds jobs that can still change state, `jobs_finished`
-- holds the rest, and a job moves when it is settled. Claims, settlements and vacuum therefore work on a table as small as
-- the current backlog, however large the history is.
CREATE TABLE jobs (
    id                  uuid             NOT NULL,             -- UUIDv7: jobs enqueued together are stored together
    state               text             NOT NULL,
    kind                text             NOT NULL,
    queue               text             NOT NULL DEFAULT 'default',
    tenant              text             NOT NULL DEFAULT 'default',
    priority            smallint         NOT NULL DEFAULT 5,   -- 0 to 9; 9 runs first
    attempt             integer          NOT NULL DEFAULT 0,   -- number of claims; never decreases
    failures            integer          NOT NULL DEFAULT 0,   -- counts against max_attempts
    max_attempts        integer          NOT NULL,
    replays             integer          NOT NULL DEFAULT 0,
    run_at              timestamptz      NOT NULL,
    created_at          timestamptz      NOT NULL,
    updated_at          timestamptz      NOT NULL,
    payload             json             NOT NULL,
    tags                text[]           NOT NULL DEFAULT '{}',
    execution_id        uuid,                                  -- fencing token: only the latest attempt may settle the job
    worker_id           text,
    claimed_at          timestamptz,                           -- start of the latest attempt
    lease_until         timestamptz,
    timeout             double precision,                      -- longest attempt in seconds; null: no limit while heartbeats arrive
    timeout_at          timestamptz,                           -- when the current attempt times out
    deadline_at         timestamptz,                           -- when the job fails, whatever its state
    cancel_requested_at timestamptz,
    cancel_reason       text,
    backoff             text,                                  -- delay after a failure; null: the default policy
    project_id          uuid,
    origin_id           uuid,                                  -- the job that this one copies or follows
    schema_version      integer,
    idempotency_key     text,
    replayed_at         timestamptz,
    finished_at         timestamptz,
    result              json,                                  -- result of the latest attempt, byte for byte
    error               text,
    workflow_id         uuid,                                  -- the workflow of which this job is a step
    step                text,                                  -- the name of the step
    pending_dependencies integer         NOT NULL DEFAULT 0,   -- number of dependencies that still block the job
    has_dependencies    boolean          NOT NULL DEFAULT false, -- saves a lookup in job_dependencies
    canceled_by         uuid,                                  -- the dependency whose outcome canceled the job
    progress_fraction   double precision,                      -- the latest progress that a heartbeat reported;
    progress_text       text,                                  -- the next claim clears both
    CONSTRAINT jobs_step_check CHECK ((step IS NULL) = (workflow_id IS NULL)),
    CONSTRAINT jobs_blocked_check CHECK (state <> 'blocked' OR pending_dependencies > 0),
    -- No statement can let a job run before its dependencies are satisfied.
    CONSTRAINT jobs_pending_dependencies_check CHECK (pending_dependencies = 0 OR pending_dependencies > 0 AND state IN ('blocked', 'failed', 'canceled')),
    CONSTRAINT jobs_canceled_by_check CHECK (canceled_by IS NULL OR state = 'canceled')
) PARTITION BY LIST (state);
-- A key of the whole table would have to contain `state`, in a further index of the hot partition. Each partition has a key of its
-- own, which a publication uses, so this identity costs nothing. It lets tools that ask every table for an identity accept this one.
ALTER TABLE jobs REPLICA IDENTITY FULL;

-- The fillfactor leaves room in every page for the new row version that a claim writes.
CREATE TABLE jobs_live PARTITION OF jobs (
    CONSTRAINT jobs_live_pkey PRIMARY KEY (id),
    -- These limits also bind callers that write through SQL: every client must be able to read every row.
    CONSTRAINT jobs_live_max_attempts_check CHECK (max_attempts > 0),
    CONSTRAINT jobs_live_priority_check CHECK (priority BETWEEN 0 AND 9),
    CONSTRAINT jobs_live_kind_check CHECK (char_length(kind) BETWEEN 1 AND 128),
    CONSTRAINT jobs_live_queue_check CHECK (char_length(queue) BETWEEN 1 AND 128),
    CONSTRAINT jobs_live_tenant_check CHECK (char_length(tenant) BETWEEN 1 AND 128),
    CONSTRAINT jobs_live_run_at_check CHECK (run_at < '10000-01-01 00:00:00+00'),
    CONSTRAINT jobs_live_deadline_at_check CHECK (deadline_at < '10000-01-01 00:00:00+00'),
    CONSTRAINT jobs_live_timeout_check CHECK (timeout > 0 AND timeout < 'Infinity'),
    CONSTRAINT jobs_live_lease_check
        CHECK ((state = 'active') = (lease_until IS NOT NULL) AND (state = 'active') = (worker_id IS NOT NULL)),
    CONSTRAINT jobs_live_execution_check CHECK (lease_until IS NULL OR execution_id IS NOT NULL AND claimed_at IS NOT NULL),
    CONSTRAINT jobs_live_timeout_at_check CHECK (timeout_at IS NULL OR state = 'active'),
    CONSTRAINT jobs_live_cancel_check CHECK (cancel_requested_at IS NULL OR state = 'active'),
    CONSTRAINT jobs_live_finished_at_check CHECK (finished_at IS NULL)
) FOR VALUES IN ('scheduled', 'queued', 'blocked', 'active', 'retrying')
    WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0,
          autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000,
          autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);

CREATE TABLE jobs_finished PARTITION OF jobs (
    CONSTRAINT jobs_finished_pkey PRIMARY KEY (id),
    CONSTRAINT jobs_finished_lease_check
        CHECK (finished_at IS NOT NULL AND coalesce(lease_until, timeout_at, cancel_requested_at) IS NULL AND worker_id IS NULL)
) FOR VALUES IN ('completed', 'failed', 'canceled', 'superseded');

-- Claims read the heads of lanes from this index: a lane is one combination of queue, priority, kind and tenant.
CREATE INDEX jobs_by_lane ON jobs_live (queue, priority, kind, tenant, run_at, id) WHERE state IN ('queued', 'scheduled', 'retrying');
-- The reaper scans active jobs. An index on lease_until would make every heartbeat a non-HOT update. The predicate is not
-- `state = 'active'`, because the planner would then use this index to find a single job: statistics always show few active jobs.
CREATE INDEX jobs_active ON jobs_live (id) WHERE worker_id IS NOT NULL;
CREATE INDEX jobs_by_deadline ON jobs_live (deadline_at) WHERE deadline_at IS NOT NULL;
CREATE UNIQUE INDEX jobs_live_by_project ON jobs_live (project_id) WHERE project_id IS NOT NULL;
CREATE INDEX jobs_live_of_origin ON jobs_live (origin_id, id) WHERE origin_id IS NOT NULL;
CREATE INDEX jobs_live_of_workflow ON jobs_live (workflow_id, id) WHERE workflow_id IS NOT NULL;
CREATE INDEX jobs_live_by_tag ON jobs_live USING gin (tags) WHERE tags <> '{}';
-- Retention and the list of dead letters read finished jobs in this order. Completed jobs are many and only retention reads
-- them by time, so a block range index is enough for those.
CREATE INDEX jobs_by_finish ON jobs_finished (state, finished_at, id) WHERE state <> 'completed';
CREATE INDEX jobs_by_completion ON jobs_finished USING brin (finished_at) WHERE state = 'completed';
CREATE INDEX jobs_finished_of_project ON jobs_finished (project_id, id DESC) WHERE project_id IS NOT NULL;
CREATE INDEX jobs_finished_of_origin ON jobs_finished (origin_id, id) WHERE origin_id IS NOT NULL;
CREATE INDEX jobs_finished_of_workflow ON jobs_finished (workflow_id, id) WHERE workflow_id IS NOT NULL;
CREATE INDEX jobs_finished_by_tag ON jobs_finished USING gin (tags) WHERE tags <> '{}';

-- Idempotency keys of jobs. A key is valid until it expires or its job is deleted.
CREATE TABLE job_keys (
    tenant       text        NOT NULL,
    kind         text        NOT NULL,
    key          text        NOT NULL,
    job_id       uuid        NOT NULL,
    request_hash text        NOT NULL,
    expires_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant, kind, key)
);
CREATE INDEX job_keys_by_expiry ON job_keys (expires_at);

-- One job as input of enqueue_jobs(). The payload is text, so that it is stored byte for byte.
CREATE TYPE new_job AS (
    id uuid, kind text, queue text, tenant text, tags text[], priority smallint, payload text, run_at timestamptz, delay_s double precision,
    max_attempts integer, timeout_s double precision, deadline_at timestamptz, backoff text, origin_id uuid, schema_version integer,
    idempotency_key text, request_hash text, window_s double precision, actor text, request_id text, workflow_id uuid, step text,
    depends_on uuid[], policies text[]
);
