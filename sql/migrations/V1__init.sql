-- The whole first schema. Everything lives in the schema `provost`, which the migrator creates and puts on the
-- search path, so that Provost can share a database with an application without sharing its names.
--
-- States are text with a named CHECK: adding one is an ordinary migration, and a row reads well in psql.
-- Times are the database's own (clock_timestamp()); no process ever tells the time of a lease or a deadline.

-- What people ask for. ---------------------------------------------------------------------------------------

CREATE TABLE projects (
    id           uuid        PRIMARY KEY,                  -- UUIDv7: sorts by creation
    status       text        NOT NULL
        CONSTRAINT project_status_is_known
        CHECK (status IN ('creating', 'provisioning', 'ready', 'failed', 'deleting', 'deleted')),
    name         text        NOT NULL
        CONSTRAINT project_name_has_1_to_255_characters CHECK (char_length(name) BETWEEN 1 AND 255),
    error_reason text,
    template     text        NOT NULL,
    parameters   json        NOT NULL,                     -- json, not jsonb: given back byte for byte
    labels       jsonb       NOT NULL,
    version      bigint      NOT NULL DEFAULT 1,           -- the ETag
    requested_at timestamptz NOT NULL,                     -- when the present operation was asked for
    deadline_at  timestamptz,                              -- when the present transient status is given up
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT only_a_failed_project_has_a_reason CHECK ((status = 'failed') = (error_reason IS NOT NULL)),
    CONSTRAINT only_a_transient_project_has_a_deadline
        CHECK ((status IN ('creating', 'provisioning', 'deleting')) = (deadline_at IS NOT NULL))
);
CREATE INDEX projects_by_status ON projects (status, id DESC);
CREATE INDEX projects_not_deleted ON projects (id DESC) WHERE status <> 'deleted';
CREATE INDEX projects_by_deadline ON projects (deadline_at) WHERE deadline_at IS NOT NULL;
CREATE INDEX projects_by_label ON projects USING gin (labels jsonb_path_ops);

-- The last wall: whatever statement is written later, no project makes a move that the diagram does not have.
CREATE FUNCTION refuse_illegal_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.status, NEW.status) NOT IN (
        ('creating', 'provisioning'), ('creating', 'failed'),
        ('provisioning', 'ready'), ('provisioning', 'failed'),
        ('failed', 'creating'),
        ('ready', 'deleting'), ('failed', 'deleting'),
        ('deleting', 'deleted'), ('deleting', 'failed')
    ) THEN
        RAISE EXCEPTION 'project %: no move from % to %', OLD.id, OLD.status, NEW.status USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER legal_moves BEFORE UPDATE OF status ON projects
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION refuse_illegal_move();

-- Units of durable work: the queue. -----------------------------------------------------------------------------

CREATE TABLE jobs (
    id           uuid        PRIMARY KEY,
    state        text        NOT NULL
        CONSTRAINT job_state_is_known
        CHECK (state IN ('scheduled', 'queued', 'blocked', 'active', 'completed', 'retrying', 'failed', 'canceled')),
    kind         text        NOT NULL,
    queue        text        NOT NULL DEFAULT 'default',
    priority     smallint    NOT NULL DEFAULT 0,           -- lower is served first
    run_at       timestamptz NOT NULL,
    payload      json        NOT NULL,
    project_id   uuid        REFERENCES projects,
    attempt      integer     NOT NULL DEFAULT 0,           -- counts claims, never goes down
    failures     integer     NOT NULL DEFAULT 0,           -- what spends the budget of max_attempts
    max_attempts integer     NOT NULL CONSTRAINT max_attempts_is_positive CHECK (max_attempts > 0),
    execution_id uuid,                                     -- the fence: the latest execution, and no other, may settle
    worker_id    text,
    lease_until  timestamptz,
    error        text,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    finished_at  timestamptz,
    CONSTRAINT only_an_active_job_is_leased
        CHECK ((state = 'active') = (lease_until IS NOT NULL) AND (state = 'active') = (worker_id IS NOT NULL)),
    CONSTRAINT a_leased_job_has_an_execution CHECK (lease_until IS NULL OR execution_id IS NOT NULL),
    CONSTRAINT only_a_finished_job_has_finished_at
        CHECK ((state IN ('completed', 'failed', 'canceled')) = (finished_at IS NOT NULL))
) WITH (fillfactor = 80);
-- The claim walks this index in its own order; what is finished is not in it.
CREATE INDEX jobs_claimable ON jobs (queue, priority, run_at, id) WHERE state IN ('queued', 'scheduled', 'retrying');
-- Few rows are active, so the reaper filters them. An index on lease_until would make every heartbeat non-HOT.
CREATE INDEX jobs_active ON jobs (id) WHERE state = 'active';
CREATE INDEX jobs_of_project ON jobs (project_id, id DESC) WHERE project_id IS NOT NULL;
CREATE UNIQUE INDEX a_project_has_one_unfinished_job ON jobs (project_id)
    WHERE state NOT IN ('completed', 'failed', 'canceled');

-- One leased attempt at a job. Its id is the fencing token.
CREATE TABLE executions (
    id         uuid        PRIMARY KEY,
    job_id     uuid        NOT NULL REFERENCES jobs,
    attempt    integer     NOT NULL,
    worker_id  text        NOT NULL,
    claimed_at timestamptz NOT NULL,
    ended_at   timestamptz,
    outcome    text
        CONSTRAINT execution_outcome_is_known
        CHECK (outcome IN ('completed', 'failed', 'snoozed', 'released', 'lease_expired', 'canceled')),
    error      text,
    CONSTRAINT an_ended_execution_has_an_outcome CHECK ((ended_at IS NULL) = (outcome IS NULL)),
    CONSTRAINT one_execution_per_attempt UNIQUE (job_id, attempt)
);

-- The append-only record: who moved what, from which state to which, why, when. -----------------------------------

CREATE TABLE events (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entity         text        NOT NULL CONSTRAINT event_entity_is_known CHECK (entity IN ('project', 'job')),
    entity_id      uuid        NOT NULL,
    previous_state text        NOT NULL,                   -- 'none' at birth
    new_state      text        NOT NULL,
    reason         text,
    actor          text        NOT NULL,
    job_id         uuid,
    execution_id   uuid,
    request_id     text,
    occurred_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX events_of_entity ON events (entity_id, id);

-- Workers say that they are there. Nothing that recovers work looks at this table. -------------------------------

CREATE TABLE workers (
    id         text        PRIMARY KEY,                    -- new for every start of a process
    host       text        NOT NULL,
    pid        integer     NOT NULL,
    version    text        NOT NULL,
    state      text        NOT NULL CONSTRAINT worker_state_is_known CHECK (state IN ('online', 'draining')),
    queues     text[]      NOT NULL,
    kinds      text[]      NOT NULL,
    slots      integer     NOT NULL,
    busy       integer     NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL
);

-- A creating request that may be sent twice. ---------------------------------------------------------------------

CREATE TABLE idempotency_keys (
    key          text        PRIMARY KEY,
    request_hash text        NOT NULL,
    project_id   uuid        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- Counters: append and fold. -------------------------------------------------------------------------------------
-- Whoever moves a project appends a +1 and a -1 in the same statement (by trigger, so that no statement can forget),
-- and a chore folds the rows now and then. No counter row is ever hot, none can deadlock, and in every snapshot the
-- sum is exactly what a scan would count.

CREATE TABLE project_tallies (
    status text   NOT NULL,
    n      bigint NOT NULL
);

-- How provisioning ended, by minute, outcome and reason, with its duration on a logarithmic scale (see bucket_of).
CREATE TABLE provision_tallies (
    minute   timestamptz NOT NULL,
    outcome  text        NOT NULL CONSTRAINT provision_outcome_is_known CHECK (outcome IN ('ready', 'failed')),
    reason   text        NOT NULL,                         -- empty when ready
    bucket   smallint    NOT NULL,
    n        bigint      NOT NULL,
    total_ms bigint      NOT NULL,
    last_at  timestamptz NOT NULL
);
CREATE INDEX provision_tallies_by_minute ON provision_tallies (minute);

-- Bucket b holds durations of 1.1^(b-1) to 1.1^b milliseconds: a percentile read from it is at most 5 % off.
CREATE FUNCTION bucket_of(milliseconds double precision) RETURNS smallint IMMUTABLE LANGUAGE sql AS
$$ SELECT least(ceil(ln(greatest(milliseconds, 1)) / ln(1.1)), 32000)::smallint $$;

CREATE FUNCTION tally_new_projects() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO provost.project_tallies SELECT status, count(*) FROM fresh GROUP BY status;
    RETURN NULL;
END $$;

CREATE FUNCTION tally_gone_projects() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO provost.project_tallies SELECT status, -count(*) FROM stale GROUP BY status;
    RETURN NULL;
END $$;

CREATE FUNCTION tally_moved_projects() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO provost.project_tallies
    SELECT status, sum(d)
    FROM (SELECT status, -1 AS d FROM stale UNION ALL SELECT status, 1 FROM fresh) AS moves
    GROUP BY status HAVING sum(d) <> 0;

    INSERT INTO provost.provision_tallies
    SELECT date_trunc('minute', fresh.updated_at), fresh.status, coalesce(left(fresh.error_reason, 200), ''),
           provost.bucket_of(ms), 1, ms, fresh.updated_at
    FROM fresh
    JOIN stale USING (id)
    CROSS JOIN LATERAL (SELECT greatest(extract(epoch FROM fresh.updated_at - fresh.requested_at) * 1000, 0)::bigint) AS took (ms)
    WHERE stale.status IN ('creating', 'provisioning') AND fresh.status IN ('ready', 'failed');
    RETURN NULL;
END $$;

CREATE TRIGGER tally_insert AFTER INSERT ON projects REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION tally_new_projects();
CREATE TRIGGER tally_update AFTER UPDATE ON projects REFERENCING OLD TABLE AS stale NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION tally_moved_projects();
CREATE TRIGGER tally_delete AFTER DELETE ON projects REFERENCING OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION tally_gone_projects();
