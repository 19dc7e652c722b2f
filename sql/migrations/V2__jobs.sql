-- The engine becomes a product of its own: jobs of any kind, queues, limits, dead letters, statistics.

-- Jobs. --------------------------------------------------------------------------------------------------------

DROP INDEX jobs_claimable;
ALTER TABLE jobs ALTER COLUMN priority SET DEFAULT 5;
UPDATE jobs SET priority = 5;
ALTER TABLE jobs
    ADD COLUMN tenant              text        NOT NULL DEFAULT 'default',
    ADD COLUMN tags                text[]      NOT NULL DEFAULT '{}',
    ADD COLUMN result              json,                       -- what its last execution answered, byte for byte
    ADD COLUMN timeout             double precision,           -- how long one execution may take (s); null: as long as it beats
    ADD COLUMN timeout_at          timestamptz,                -- when the present execution is given up
    ADD COLUMN deadline_at         timestamptz,                -- when the whole job is given up, whatever it is at
    ADD COLUMN backoff             text,                       -- how long to wait after a failure; null: the default policy
    ADD COLUMN origin_id           uuid,                       -- the job that this one copies or follows
    ADD COLUMN replays             integer     NOT NULL DEFAULT 0,
    ADD COLUMN replayed_at         timestamptz,
    ADD COLUMN schema_version      integer,
    ADD COLUMN idempotency_key     text,
    ADD COLUMN cancel_requested_at timestamptz,
    ADD COLUMN cancel_reason       text,
    ADD CONSTRAINT priority_is_0_to_9 CHECK (priority BETWEEN 0 AND 9),   -- 9 is served first
    ADD CONSTRAINT kind_has_1_to_128_characters CHECK (char_length(kind) BETWEEN 1 AND 128),
    ADD CONSTRAINT queue_has_1_to_128_characters CHECK (char_length(queue) BETWEEN 1 AND 128),
    ADD CONSTRAINT tenant_has_1_to_128_characters CHECK (char_length(tenant) BETWEEN 1 AND 128),
    -- What no client can read must not get in, whoever writes it.
    ADD CONSTRAINT run_at_is_before_the_year_10000 CHECK (run_at < '10000-01-01 00:00:00+00'),
    ADD CONSTRAINT deadline_is_before_the_year_10000 CHECK (deadline_at < '10000-01-01 00:00:00+00'),
    ADD CONSTRAINT timeout_is_positive CHECK (timeout > 0 AND timeout < 'Infinity'),
    ADD CONSTRAINT only_an_active_job_times_out CHECK (timeout_at IS NULL OR state = 'active'),
    ADD CONSTRAINT only_an_active_job_waits_for_its_cancel CHECK (cancel_requested_at IS NULL OR state = 'active');

-- Jobs stand in lines: one for each queue, priority, kind and tenant that has something to do. The claim visits the lines
-- that are not empty, and takes from the head of each; it never walks over jobs that it may not have. What is finished
-- is not in this index, so ten million finished jobs make no claim slower.
CREATE INDEX jobs_in_line ON jobs (queue, priority, kind, tenant, run_at, id) WHERE state IN ('queued', 'scheduled', 'retrying');
-- Retention and the list of dead letters walk what is finished, each state by itself.
CREATE INDEX jobs_finished ON jobs (state, finished_at, id) WHERE finished_at IS NOT NULL;
CREATE INDEX jobs_by_deadline ON jobs (deadline_at) WHERE deadline_at IS NOT NULL AND finished_at IS NULL;
CREATE INDEX jobs_by_tag ON jobs USING gin (tags) WHERE tags <> '{}';
CREATE INDEX jobs_of_origin ON jobs (origin_id, id) WHERE origin_id IS NOT NULL;

ALTER TABLE jobs SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

ALTER TABLE projects ADD CONSTRAINT labels_are_texts
    CHECK (jsonb_typeof(labels) = 'object' AND NOT jsonb_path_exists(labels, '$.* ? (@.type() != "string")'));

-- Executions know what they worked on, so that statistics need not ask the job (which may be gone, or elsewhere).
ALTER TABLE executions
    ADD COLUMN kind   text,
    ADD COLUMN queue  text,
    ADD COLUMN due_at timestamptz,
    DROP CONSTRAINT execution_outcome_is_known,
    ADD CONSTRAINT execution_outcome_is_known
        CHECK (outcome IN ('completed', 'failed', 'timed_out', 'snoozed', 'released', 'lease_expired', 'canceled')),
    DROP CONSTRAINT executions_job_id_fkey,
    ADD CONSTRAINT execution_of_a_job FOREIGN KEY (job_id) REFERENCES jobs ON DELETE CASCADE;
UPDATE executions x SET kind = j.kind, queue = j.queue, due_at = x.claimed_at FROM jobs j WHERE j.id = x.job_id;
ALTER TABLE executions ALTER COLUMN kind SET NOT NULL, ALTER COLUMN queue SET NOT NULL, ALTER COLUMN due_at SET NOT NULL;

-- The record tells of everything that somebody moves; what has no uuid is known by its name.
ALTER TABLE events
    ALTER COLUMN entity_id DROP NOT NULL,
    ADD COLUMN entity_name text,
    ADD COLUMN detail json,                                    -- what was before and after, where a state does not say it
    DROP CONSTRAINT event_entity_is_known,
    ADD CONSTRAINT event_entity_is_known CHECK (entity IN ('project', 'job', 'queue', 'worker', 'limit', 'schema')),
    ADD CONSTRAINT event_is_about_one_thing CHECK ((entity_id IS NULL) <> (entity_name IS NULL));
CREATE INDEX events_of_name ON events (entity, entity_name, id) WHERE entity_name IS NOT NULL;

-- A creating request that may be sent twice, within its window. ------------------------------------------------------

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

-- Queues exist from their first use. ----------------------------------------------------------------------------------

CREATE TABLE queues (
    name       text        PRIMARY KEY CONSTRAINT queue_name_has_1_to_128_characters CHECK (char_length(name) BETWEEN 1 AND 128),
    state      text        NOT NULL DEFAULT 'active'
        CONSTRAINT queue_state_is_known CHECK (state IN ('active', 'paused', 'draining')),
    reason     text,                                           -- why it is paused or drained
    actor      text        NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO queues (name, actor) SELECT DISTINCT queue, 'provost' FROM jobs UNION SELECT 'default', 'provost';
INSERT INTO events (entity, entity_name, previous_state, new_state, actor) SELECT 'queue', name, 'none', state, actor FROM queues;

-- Workers may be told to take no more work. ---------------------------------------------------------------------------

ALTER TABLE workers
    ADD COLUMN incarnation text NOT NULL DEFAULT '',
    ADD COLUMN reason      text,
    ADD COLUMN actor       text,
    ADD COLUMN changed_at  timestamptz,
    ADD COLUMN stopping    boolean NOT NULL DEFAULT false,     -- its process was asked to end
    DROP CONSTRAINT worker_state_is_known,
    ADD CONSTRAINT worker_state_is_known CHECK (state IN ('online', 'cordoned', 'draining'));

-- Limits: how often, or how many at once. -----------------------------------------------------------------------------
-- A claim that touches a limit locks its row, so claims under one limit come one after the other; `turn` tells a claim
-- that another came between its snapshot and its lock, in which case it takes nothing and looks again. Settlements never
-- touch these rows: slots are counted from the active jobs, so they die with their leases.

CREATE TABLE limits (
    name        text             PRIMARY KEY CONSTRAINT limit_name_has_1_to_200_characters CHECK (char_length(name) BETWEEN 1 AND 200),
    scope       text             NOT NULL CONSTRAINT limit_scope_is_known CHECK (scope IN ('global', 'queue', 'kind', 'tenant')),
    value       text,                                          -- which queue, kind or tenant
    mode        text             NOT NULL CONSTRAINT limit_mode_is_known CHECK (mode IN ('rate', 'concurrency')),
    most        integer          NOT NULL CONSTRAINT limit_is_not_negative CHECK (most >= 0),
    span        double precision CONSTRAINT limit_window_is_positive CHECK (span > 0 AND span < 'Infinity'),   -- rate: `most` per so many seconds
    burst       integer          CONSTRAINT limit_burst_is_positive CHECK (burst > 0),         -- rate: how many at once after a rest
    enabled     boolean          NOT NULL DEFAULT true,
    tokens      double precision NOT NULL CONSTRAINT limit_tokens_are_finite CHECK (tokens >= 0 AND tokens < 'Infinity'),
    refilled_at timestamptz      NOT NULL DEFAULT clock_timestamp(),
    turn        bigint           NOT NULL DEFAULT 0,
    actor       text             NOT NULL,
    updated_at  timestamptz      NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT only_the_global_scope_has_no_value CHECK ((scope = 'global') = (value IS NULL)),
    CONSTRAINT a_rate_has_a_window_and_a_burst CHECK ((mode = 'rate') = (span IS NOT NULL) AND (mode = 'rate') = (burst IS NOT NULL))
) WITH (fillfactor = 50);

-- Whether a limit speaks of such a job.
CREATE FUNCTION covers(scope text, value text, queue text, kind text, tenant text) RETURNS boolean IMMUTABLE PARALLEL SAFE LANGUAGE sql AS
$$ SELECT CASE scope WHEN 'global' THEN true WHEN 'queue' THEN value = queue WHEN 'kind' THEN value = kind ELSE value = tenant END $$;

-- What is in a rate's bucket now. A clock that runs backwards takes nothing out.
CREATE FUNCTION tokens_now(tokens double precision, refilled_at timestamptz, most integer, span double precision, burst integer, at timestamptz)
RETURNS double precision IMMUTABLE PARALLEL SAFE LANGUAGE sql AS
$$ SELECT least(burst::double precision, tokens + greatest(extract(epoch FROM at - refilled_at)::double precision, 0) * most / span) $$;

-- What payloads look like. --------------------------------------------------------------------------------------------

CREATE TABLE schemas (
    kind       text        NOT NULL,
    version    integer     NOT NULL CONSTRAINT schema_version_is_positive CHECK (version > 0),
    schema     json        NOT NULL,
    actor      text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (kind, version)
);

-- Counters: append and fold, as in V1. -----------------------------------------------------------------------------------

CREATE TABLE job_tallies (
    queue text   NOT NULL,
    kind  text   NOT NULL,
    state text   NOT NULL,
    n     bigint NOT NULL
);
INSERT INTO job_tallies SELECT queue, kind, state, count(*) FROM jobs GROUP BY queue, kind, state;

-- What went in, what was started (and how long it had waited), and how executions ended (and how long they took), by
-- minute. Buckets as in provision_tallies.
CREATE TABLE work_tallies (
    minute   timestamptz NOT NULL,
    queue    text        NOT NULL,
    kind     text        NOT NULL,
    what     text        NOT NULL,                             -- enqueued, started, or an outcome
    bucket   smallint    NOT NULL,
    n        bigint      NOT NULL,
    total_ms bigint      NOT NULL
);
CREATE INDEX work_tallies_by_minute ON work_tallies (minute);

CREATE FUNCTION tally_new_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO provost.job_tallies SELECT queue, kind, state, count(*) FROM fresh GROUP BY queue, kind, state;
    INSERT INTO provost.work_tallies
    SELECT date_trunc('minute', created_at), queue, kind, 'enqueued', 0, count(*), 0
    FROM fresh GROUP BY date_trunc('minute', created_at), queue, kind;
    -- A queue exists from its first use.
    WITH born AS (
        INSERT INTO provost.queues (name, actor)
        SELECT DISTINCT queue, 'provost' FROM fresh
        WHERE NOT EXISTS (SELECT FROM provost.queues q WHERE q.name = fresh.queue)
        ORDER BY queue
        ON CONFLICT DO NOTHING
        RETURNING name, state, actor
    )
    INSERT INTO provost.events (entity, entity_name, previous_state, new_state, actor, reason)
    SELECT 'queue', name, 'none', state, actor, 'first use' FROM born;
    RETURN NULL;
END $$;

CREATE FUNCTION tally_gone_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO provost.job_tallies SELECT queue, kind, state, -count(*) FROM stale GROUP BY queue, kind, state;
    RETURN NULL;
END $$;

-- Heartbeats update jobs too, but move none: they leave no row here.
CREATE FUNCTION tally_moved_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO provost.job_tallies
    SELECT queue, kind, state, sum(d)
    FROM (SELECT queue, kind, state, -1 AS d FROM stale UNION ALL SELECT queue, kind, state, 1 FROM fresh) AS moves
    GROUP BY queue, kind, state HAVING sum(d) <> 0;
    RETURN NULL;
END $$;

CREATE TRIGGER tally_insert AFTER INSERT ON jobs REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION tally_new_jobs();
CREATE TRIGGER tally_update AFTER UPDATE ON jobs REFERENCING OLD TABLE AS stale NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION tally_moved_jobs();
CREATE TRIGGER tally_delete AFTER DELETE ON jobs REFERENCING OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION tally_gone_jobs();

CREATE FUNCTION tally_started() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO provost.work_tallies
    SELECT date_trunc('minute', claimed_at), queue, kind, 'started', provost.bucket_of(ms), count(*), sum(ms)
    FROM fresh CROSS JOIN LATERAL (SELECT greatest(extract(epoch FROM claimed_at - due_at) * 1000, 0)::bigint) AS waited (ms)
    GROUP BY 1, 2, 3, 5;
    RETURN NULL;
END $$;

CREATE FUNCTION tally_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO provost.work_tallies
    SELECT date_trunc('minute', fresh.ended_at), fresh.queue, fresh.kind, fresh.outcome, provost.bucket_of(ms), count(*), sum(ms)
    FROM fresh
    JOIN stale USING (id)
    CROSS JOIN LATERAL (SELECT greatest(extract(epoch FROM fresh.ended_at - fresh.claimed_at) * 1000, 0)::bigint) AS took (ms)
    WHERE stale.ended_at IS NULL AND fresh.ended_at IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5;
    RETURN NULL;
END $$;

CREATE TRIGGER tally_insert AFTER INSERT ON executions REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION tally_started();
CREATE TRIGGER tally_update AFTER UPDATE ON executions REFERENCING OLD TABLE AS stale NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION tally_ended();

-- How much was forgotten, by class, and how far the forgetting has come. -----------------------------------------------

CREATE TABLE retention (
    class     text        PRIMARY KEY,
    removed   bigint      NOT NULL DEFAULT 0,
    pruned_at timestamptz,                                     -- when something was last removed
    passed    bigint      NOT NULL DEFAULT 0                   -- events up to this id have been dealt with
);
INSERT INTO retention (class)
VALUES ('completed'), ('failed'), ('canceled'), ('executions'), ('events'), ('statistics'), ('keys'), ('workers');

-- The last wall for jobs, as for projects: no job makes a move that the diagram does not have. ---------------------------

CREATE FUNCTION refuse_illegal_job_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT (CASE OLD.state
        WHEN 'active' THEN NEW.state IN ('completed', 'retrying', 'failed', 'canceled', 'queued', 'scheduled')
        WHEN 'completed' THEN false
        WHEN 'canceled' THEN false
        WHEN 'failed' THEN NEW.state = 'queued'
        WHEN 'blocked' THEN NEW.state IN ('queued', 'canceled', 'failed')
        ELSE NEW.state IN ('active', 'queued', 'canceled', 'failed')
    END) THEN
        RAISE EXCEPTION 'job %: no move from % to %', OLD.id, OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER legal_moves BEFORE UPDATE OF state ON jobs
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION refuse_illegal_job_move();
