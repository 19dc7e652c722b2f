-- The layout for speed: jobs in two halves, lines that say where work may stand, and no wall that every row pays for.

-- Jobs in two halves. ---------------------------------------------------------------------------------------------
-- `jobs` stays one table for whoever reads it. Underneath, what may still move (jobs_live) and what is finished
-- (jobs_finished) are kept apart, and a job moves from one to the other when it is settled. So the half that every claim,
-- settlement and vacuum works on stays as small as what is waiting and running, whatever the other has grown to.

ALTER TABLE executions DROP CONSTRAINT execution_of_a_job;
ALTER TABLE jobs RENAME TO jobs_before;
ALTER TABLE jobs_before DROP CONSTRAINT jobs_pkey;
DROP INDEX a_project_has_one_unfinished_job, jobs_active, jobs_by_deadline, jobs_by_tag, jobs_finished, jobs_in_line, jobs_of_origin,
           jobs_of_project;

CREATE TABLE jobs (
    id                  uuid             NOT NULL,             -- UUIDv7: what is enqueued together stands together
    state               text             NOT NULL,
    kind                text             NOT NULL,
    queue               text             NOT NULL DEFAULT 'default',
    tenant              text             NOT NULL DEFAULT 'default',
    priority            smallint         NOT NULL DEFAULT 5,   -- 0 to 9; 9 is served first
    attempt             integer          NOT NULL DEFAULT 0,   -- counts claims, never goes down
    failures            integer          NOT NULL DEFAULT 0,   -- what spends the budget of max_attempts
    max_attempts        integer          NOT NULL,
    replays             integer          NOT NULL DEFAULT 0,
    run_at              timestamptz      NOT NULL,
    created_at          timestamptz      NOT NULL,
    updated_at          timestamptz      NOT NULL,
    payload             json             NOT NULL,
    tags                text[]           NOT NULL DEFAULT '{}',
    execution_id        uuid,                                  -- the fence: the latest execution, and no other, may settle
    worker_id           text,
    claimed_at          timestamptz,                           -- when that execution began
    lease_until         timestamptz,
    timeout             double precision,                      -- how long one execution may take (s); null: as long as it beats
    timeout_at          timestamptz,                           -- when the present execution is given up
    deadline_at         timestamptz,                           -- when the whole job is given up, whatever it is at
    cancel_requested_at timestamptz,
    cancel_reason       text,
    backoff             text,                                  -- how long to wait after a failure; null: the default policy
    project_id          uuid,
    origin_id           uuid,                                  -- the job that this one copies or follows
    schema_version      integer,
    idempotency_key     text,
    replayed_at         timestamptz,
    finished_at         timestamptz,
    result              json,                                  -- what its last execution answered, byte for byte
    error               text
) PARTITION BY LIST (state);

-- Room in every page, so that a claim finds a place for the new version beside the old one.
CREATE TABLE jobs_live PARTITION OF jobs FOR VALUES IN ('scheduled', 'queued', 'blocked', 'active', 'retrying')
    WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0,
          autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000,
          autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);
CREATE TABLE jobs_finished PARTITION OF jobs FOR VALUES IN ('completed', 'failed', 'canceled');

-- What no client can read must not get in, whoever writes it. What is finished was here before.
ALTER TABLE jobs_live
    ADD CONSTRAINT jobs_live_pkey PRIMARY KEY (id),
    ADD CONSTRAINT max_attempts_is_positive CHECK (max_attempts > 0),
    ADD CONSTRAINT priority_is_0_to_9 CHECK (priority BETWEEN 0 AND 9),
    ADD CONSTRAINT kind_has_1_to_128_characters CHECK (char_length(kind) BETWEEN 1 AND 128),
    ADD CONSTRAINT queue_has_1_to_128_characters CHECK (char_length(queue) BETWEEN 1 AND 128),
    ADD CONSTRAINT tenant_has_1_to_128_characters CHECK (char_length(tenant) BETWEEN 1 AND 128),
    ADD CONSTRAINT run_at_is_before_the_year_10000 CHECK (run_at < '10000-01-01 00:00:00+00'),
    ADD CONSTRAINT deadline_is_before_the_year_10000 CHECK (deadline_at < '10000-01-01 00:00:00+00'),
    ADD CONSTRAINT timeout_is_positive CHECK (timeout > 0 AND timeout < 'Infinity'),
    ADD CONSTRAINT only_an_active_job_is_leased
        CHECK ((state = 'active') = (lease_until IS NOT NULL) AND (state = 'active') = (worker_id IS NOT NULL)),
    ADD CONSTRAINT a_leased_job_has_an_execution CHECK (lease_until IS NULL OR execution_id IS NOT NULL AND claimed_at IS NOT NULL),
    ADD CONSTRAINT only_an_active_job_times_out CHECK (timeout_at IS NULL OR state = 'active'),
    ADD CONSTRAINT only_an_active_job_waits_for_its_cancel CHECK (cancel_requested_at IS NULL OR state = 'active'),
    ADD CONSTRAINT a_live_job_has_not_finished CHECK (finished_at IS NULL);
ALTER TABLE jobs_finished
    ADD CONSTRAINT jobs_finished_pkey PRIMARY KEY (id),
    ADD CONSTRAINT a_finished_job_is_at_rest
        CHECK (finished_at IS NOT NULL AND coalesce(lease_until, timeout_at, cancel_requested_at) IS NULL AND worker_id IS NULL);

-- The line of a job: each queue, priority, kind and tenant that has something to do is one. Claims take from the heads.
CREATE INDEX jobs_in_line ON jobs_live (queue, priority, kind, tenant, run_at, id) WHERE state IN ('queued', 'scheduled', 'retrying');
-- What somebody works on: the reaper walks it. An index on lease_until would make every heartbeat non-HOT. Its condition is
-- not `state = 'active'`, so that no planner walks it to find one job: statistics always say that few jobs are active.
CREATE INDEX jobs_active ON jobs_live (id) WHERE worker_id IS NOT NULL;
CREATE INDEX jobs_by_deadline ON jobs_live (deadline_at) WHERE deadline_at IS NOT NULL;
CREATE UNIQUE INDEX a_project_has_one_unfinished_job ON jobs_live (project_id) WHERE project_id IS NOT NULL;
CREATE INDEX jobs_live_of_origin ON jobs_live (origin_id, id) WHERE origin_id IS NOT NULL;
CREATE INDEX jobs_live_by_tag ON jobs_live USING gin (tags) WHERE tags <> '{}';
-- Retention and the list of dead letters walk what is finished. Those that completed are many, and nobody asks for them in
-- this order but retention: for them it is enough to know which pages are old.
CREATE INDEX jobs_by_finish ON jobs_finished (state, finished_at, id) WHERE state <> 'completed';
CREATE INDEX jobs_by_completion ON jobs_finished USING brin (finished_at) WHERE state = 'completed';
CREATE INDEX jobs_finished_of_project ON jobs_finished (project_id, id DESC) WHERE project_id IS NOT NULL;
CREATE INDEX jobs_finished_of_origin ON jobs_finished (origin_id, id) WHERE origin_id IS NOT NULL;
CREATE INDEX jobs_finished_by_tag ON jobs_finished USING gin (tags) WHERE tags <> '{}';

INSERT INTO jobs (id, state, kind, queue, tenant, priority, attempt, failures, max_attempts, replays, run_at, created_at, updated_at, payload, tags,
                  execution_id, claimed_at, worker_id, lease_until, timeout, timeout_at, deadline_at, cancel_requested_at, cancel_reason, backoff, project_id,
                  origin_id, schema_version, idempotency_key, replayed_at, finished_at, result, error)
SELECT id, state, kind, queue, tenant, priority, attempt, failures, max_attempts, replays, run_at, created_at, updated_at, payload, tags,
       execution_id, (SELECT x.claimed_at FROM executions x WHERE x.id = execution_id), worker_id, lease_until, timeout, timeout_at, deadline_at, cancel_requested_at, cancel_reason, backoff, project_id,
       origin_id, schema_version, idempotency_key, replayed_at, finished_at, result, error
FROM jobs_before;
DROP TABLE jobs_before;

-- Executions. What a job is at right now stands in its own row; an execution that has ended is written once, and never
-- touched again. `executions` shows both. That its job exists is kept by the statements that forget jobs: a foreign key
-- would look it up every time.
ALTER TABLE executions RENAME TO past_executions;
DELETE FROM past_executions WHERE ended_at IS NULL;
ALTER TABLE past_executions
    DROP CONSTRAINT executions_pkey,
    DROP CONSTRAINT one_execution_per_attempt,
    DROP CONSTRAINT an_ended_execution_has_an_outcome,
    ALTER COLUMN ended_at SET NOT NULL,
    ALTER COLUMN outcome SET NOT NULL,
    ADD CONSTRAINT past_executions_pkey PRIMARY KEY (job_id, attempt);
-- Statistics and retention ask by time; rows come in order of it.
CREATE INDEX past_executions_by_end ON past_executions USING brin (ended_at);
DROP TRIGGER tally_insert ON past_executions;
DROP TRIGGER tally_update ON past_executions;
DROP FUNCTION tally_started();

CREATE VIEW executions AS
SELECT id, job_id, attempt, worker_id, kind, queue, due_at, claimed_at, ended_at, outcome, error FROM past_executions
UNION ALL
SELECT execution_id, id, attempt, worker_id, kind, queue, run_at, claimed_at, NULL, NULL, NULL FROM jobs_live WHERE worker_id IS NOT NULL;

-- The last wall, as before: no job makes a move that the diagram does not have. The condition is judged without a call,
-- so a legal move pays next to nothing.
CREATE OR REPLACE FUNCTION refuse_illegal_job_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'job %: no move from % to %', OLD.id, OLD.state, NEW.state USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER legal_moves BEFORE UPDATE OF state ON jobs FOR EACH ROW WHEN (
    OLD.state <> NEW.state AND NOT CASE OLD.state
        WHEN 'active' THEN NEW.state IN ('completed', 'retrying', 'failed', 'canceled', 'queued', 'scheduled')
        WHEN 'completed' THEN false
        WHEN 'canceled' THEN false
        WHEN 'failed' THEN NEW.state = 'queued'
        WHEN 'blocked' THEN NEW.state IN ('queued', 'canceled', 'failed')
        ELSE NEW.state IN ('active', 'queued', 'canceled', 'failed')
    END
) EXECUTE FUNCTION refuse_illegal_job_move();

-- Lines. ------------------------------------------------------------------------------------------------------------
-- A row says: from `since` on, jobs may be waiting in this line. A claim visits these lines alone, and begins at `since`:
-- it neither asks a thousand empty queues, nor walks over index entries of jobs that left long ago, which nobody can
-- clean away while some session holds an old snapshot. What is scheduled costs nothing before it is due.
--
-- Whoever puts a job into a line makes sure that an open row covers it (by trigger, so that no statement can forget), and
-- appends one if there is none; no row is ever updated by whoever enqueues, so nobody waits for anybody. The sweeper
-- moves the rows on (lines/sweep): it closes a row, waits until everybody who may still have trusted it has finished,
-- and only then looks what is left in the line. It is the grace period of read-copy-update, with transactions for readers.
CREATE TABLE lines (
    queue      text        NOT NULL,
    priority   smallint    NOT NULL,
    kind       text        NOT NULL,
    tenant     text        NOT NULL,
    since      timestamptz NOT NULL,
    is_open    boolean     NOT NULL DEFAULT true,
    closed_by  xid8                                            -- when this transaction and all before it are over, nobody trusts it
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX lines_by_name ON lines (queue, priority, kind, tenant, since);
INSERT INTO lines SELECT queue, priority, kind, tenant, min(run_at) FROM jobs_live
WHERE state IN ('queued', 'scheduled', 'retrying') GROUP BY queue, priority, kind, tenant;

-- Counters and lines, kept by whatever writes jobs. -----------------------------------------------------------------

CREATE OR REPLACE FUNCTION tally_new_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH arrived AS MATERIALIZED (
        SELECT queue, kind, state, priority, tenant, count(*) AS n, min(run_at) AS since, min(created_at) AS at
        FROM fresh GROUP BY queue, kind, state, priority, tenant
    ), counted AS (
        INSERT INTO provost.job_tallies SELECT queue, kind, state, sum(n) FROM arrived GROUP BY queue, kind, state
    ), flowed AS (
        INSERT INTO provost.work_tallies
        SELECT date_trunc('minute', at), queue, kind, 'enqueued', 0, sum(n), 0 FROM arrived GROUP BY date_trunc('minute', at), queue, kind
    ), opened AS (
        INSERT INTO provost.lines (queue, priority, kind, tenant, since)
        SELECT queue, priority, kind, tenant, min(since) FROM arrived
        WHERE state IN ('queued', 'scheduled', 'retrying') AND NOT provost.has_line(queue, priority, kind, tenant, since)
        GROUP BY queue, priority, kind, tenant
    ), born AS (
        -- A queue exists from its first use.
        INSERT INTO provost.queues (name, actor)
        SELECT DISTINCT queue, 'provost' FROM arrived
        WHERE NOT EXISTS (SELECT FROM provost.queues q WHERE q.name = arrived.queue)
        ORDER BY queue
        ON CONFLICT DO NOTHING
        RETURNING name, state, actor
    )
    INSERT INTO provost.events (entity, entity_name, previous_state, new_state, actor, reason)
    SELECT 'queue', name, 'none', state, actor, 'first use' FROM born;
    RETURN NULL;
END $$;

-- Is this line covered from that moment on by a row that one can trust? Only with a snapshot that is newer than one's own
-- row can one know; a transaction with one snapshot for all of its statements cannot, and appends a row of its own.
CREATE FUNCTION has_line(queue text, priority smallint, kind text, tenant text, at timestamptz) RETURNS boolean STABLE LANGUAGE sql AS $$
SELECT current_setting('transaction_isolation') = 'read committed'
   AND EXISTS (SELECT FROM provost.lines l WHERE (l.queue, l.priority, l.kind, l.tenant) = ($1, $2, $3, $4) AND l.since <= $5 AND l.is_open)
$$;

-- Heartbeats update jobs too, but move none: they leave no row here.
CREATE OR REPLACE FUNCTION tally_moved_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH counted AS (
        INSERT INTO provost.job_tallies
        SELECT queue, kind, state, sum(d)
        FROM (SELECT queue, kind, state, -1 AS d FROM stale UNION ALL SELECT queue, kind, state, 1 FROM fresh) AS moves
        GROUP BY queue, kind, state HAVING sum(d) <> 0
    )
    INSERT INTO provost.lines (queue, priority, kind, tenant, since)
    SELECT queue, priority, kind, tenant, since
    FROM (SELECT queue, priority, kind, tenant, min(run_at) AS since FROM fresh
          WHERE state IN ('queued', 'scheduled', 'retrying') GROUP BY queue, priority, kind, tenant) AS returned
    WHERE NOT provost.has_line(queue, priority, kind, tenant, since);
    RETURN NULL;
END $$;

CREATE TRIGGER tally_insert AFTER INSERT ON jobs REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION tally_new_jobs();
CREATE TRIGGER tally_update AFTER UPDATE ON jobs REFERENCING OLD TABLE AS stale NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION tally_moved_jobs();
CREATE TRIGGER tally_delete AFTER DELETE ON jobs REFERENCING OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION tally_gone_jobs();

CREATE OR REPLACE FUNCTION tally_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO provost.work_tallies
    SELECT date_trunc('minute', ended_at), queue, kind, outcome, provost.bucket_of(ms), count(*), sum(ms)
    FROM fresh CROSS JOIN LATERAL (SELECT greatest(extract(epoch FROM ended_at - claimed_at) * 1000, 0)::bigint) AS took (ms)
    GROUP BY 1, 2, 3, 4, 5;
    RETURN NULL;
END $$;
CREATE TRIGGER tally_insert AFTER INSERT ON past_executions REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION tally_ended();

-- Who asks, when one statement carries the wishes of several: see the store's group commit. Otherwise as in V3.
ALTER TYPE new_job ADD ATTRIBUTE actor text, ADD ATTRIBUTE request_id text;
CREATE OR REPLACE FUNCTION enqueue_jobs(wanted json, actor text, request_id text, ring boolean, origin uuid DEFAULT NULL)
RETURNS TABLE (place bigint, job_id uuid, is_new boolean, rung bigint)
LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_column
DECLARE
    at    timestamptz := clock_timestamp();
    asked new_job[]   := ARRAY(SELECT w FROM json_populate_recordset(NULL::new_job, wanted) AS w);
    shut  text;
BEGIN
    SELECT q.name INTO shut FROM unnest(asked) AS w JOIN queues q ON q.name = coalesce(w.queue, 'default')
    WHERE q.state = 'draining' AND origin IS NULL LIMIT 1;
    IF shut IS NOT NULL THEN
        RAISE EXCEPTION 'the queue % is draining and takes no new jobs', shut USING ERRCODE = 'PV001';
    END IF;

    IF EXISTS (SELECT FROM unnest(asked) AS w WHERE w.idempotency_key IS NOT NULL) THEN
        -- In order of the key, so that two that share keys never wait for each other. Whoever comes second waits for
        -- the first (the update that changes nothing locks the row), and then finds its job: with the eyes of the next
        -- statement, because this one's snapshot is older than the wait.
        INSERT INTO job_keys (tenant, kind, key, job_id, request_hash, expires_at)
        SELECT coalesce(w.tenant, 'default'), w.kind, w.idempotency_key, w.id, coalesce(w.request_hash, ''),
               at + coalesce(w.window_s, 900) * interval '1 second'
        FROM unnest(asked) AS w WHERE w.idempotency_key IS NOT NULL ORDER BY 1, 2, 3
        ON CONFLICT (tenant, kind, key) DO UPDATE SET job_id = job_keys.job_id WHERE false;

        -- A key is free again when its window is over, or its job is gone.
        UPDATE job_keys k
        SET job_id = w.id, request_hash = coalesce(w.request_hash, ''), expires_at = at + coalesce(w.window_s, 900) * interval '1 second'
        FROM unnest(asked) AS w
        WHERE (k.tenant, k.kind, k.key) = (coalesce(w.tenant, 'default'), w.kind, w.idempotency_key) AND k.job_id <> w.id
          AND (k.expires_at <= clock_timestamp() OR NOT EXISTS (SELECT FROM jobs j WHERE j.id = k.job_id));

        IF EXISTS (SELECT FROM unnest(asked) AS w
                   JOIN job_keys k ON (k.tenant, k.kind, k.key) = (coalesce(w.tenant, 'default'), w.kind, w.idempotency_key)
                   WHERE k.job_id <> w.id AND k.request_hash <> coalesce(w.request_hash, '')) THEN
            RAISE EXCEPTION 'this idempotency key was used before for something else' USING ERRCODE = 'PV002';
        END IF;
    END IF;

    RETURN QUERY
    WITH judged AS (
        SELECT w.*, coalesce(k.job_id, w.id) AS holder
        FROM unnest(asked) WITH ORDINALITY AS w (
            id, kind, queue, tenant, tags, priority, payload, run_at, delay_s, max_attempts, timeout_s, deadline_at, backoff, origin_id,
            schema_version, idempotency_key, request_hash, window_s, actor, request_id, place)
        LEFT JOIN job_keys k ON (k.tenant, k.kind, k.key) = (coalesce(w.tenant, 'default'), w.kind, w.idempotency_key)
    ), born AS (
        INSERT INTO jobs (id, state, kind, queue, tenant, tags, priority, run_at, payload, max_attempts, timeout, deadline_at,
                          backoff, origin_id, schema_version, idempotency_key, created_at, updated_at)
        SELECT id, CASE WHEN due > at THEN 'scheduled' ELSE 'queued' END, kind, coalesce(queue, 'default'), coalesce(tenant, 'default'),
               coalesce(tags, '{}'), coalesce(priority, 5), due, coalesce(payload, '{}')::json, coalesce(max_attempts, 3), timeout_s,
               deadline_at, backoff, coalesce(origin, origin_id), schema_version, idempotency_key, at, at
        FROM judged CROSS JOIN LATERAL (
            SELECT greatest(coalesce(run_at, at + delay_s * interval '1 second', at), at)) AS t (due)
        WHERE holder = id
        ORDER BY place
        RETURNING id, state, queue
    ), told AS (
        INSERT INTO events (entity, entity_id, previous_state, new_state, actor, job_id, request_id, occurred_at)
        SELECT 'job', id, 'none', born.state, coalesce(judged.actor, enqueue_jobs.actor), id, coalesce(judged.request_id, enqueue_jobs.request_id), at
        FROM born JOIN judged USING (id) ORDER BY id
    ), rang AS (
        SELECT pg_notify('provost', queue) FROM (SELECT DISTINCT queue FROM born) AS q WHERE ring
    )
    SELECT judged.place, judged.holder, judged.holder = judged.id, (SELECT count(*) FROM rang) FROM judged ORDER BY 1;
END $$;

-- Since when has the head of a queue been due?
CREATE OR REPLACE FUNCTION oldest_due(queue text) RETURNS timestamptz STABLE LANGUAGE sql SET search_path = provost, pg_temp AS $$
SELECT min(head.run_at)
FROM (SELECT l.priority, l.kind, l.tenant, min(l.since) AS since FROM lines l WHERE l.queue = oldest_due.queue GROUP BY 1, 2, 3) AS line
CROSS JOIN LATERAL (
    SELECT j.run_at FROM jobs j
    WHERE j.queue = oldest_due.queue AND (j.priority, j.kind, j.tenant) = (line.priority, line.kind, line.tenant)
      AND j.state IN ('queued', 'scheduled', 'retrying') AND j.run_at BETWEEN line.since AND clock_timestamp()
    ORDER BY j.run_at LIMIT 1
) AS head
$$;
