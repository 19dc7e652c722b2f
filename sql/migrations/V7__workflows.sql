-- Workflows: jobs that wait for jobs.
--
-- One row for each edge, and in each waiting job the number of edges that do not let it go yet. Whatever statement ends a job
-- tells its dependents (by trigger, so that no statement can forget): it locks them in the order of their ids, notes on each edge
-- how the job ended, takes those that are met off the numbers, and lets go whose number is nothing now. The lock makes parents
-- that end at the same time come one after the other; the note makes a second telling harmless. Locks are taken in one order
-- everywhere: jobs that end, jobs that wait for them, workflows.

ALTER TABLE jobs
    ADD COLUMN workflow_id      uuid,                                   -- the workflow that it is a step of
    ADD COLUMN step             text,                                   -- and its name there
    ADD COLUMN waits_for        integer NOT NULL DEFAULT 0,             -- how many of its dependencies do not let it go yet
    ADD COLUMN has_dependencies boolean NOT NULL DEFAULT false,         -- so that nobody looks for what is not there
    ADD COLUMN has_dependents   boolean NOT NULL DEFAULT false,
    ADD COLUMN doomed_by        uuid,                                   -- the dependency whose end canceled it
    ADD CONSTRAINT a_step_has_a_workflow CHECK ((step IS NULL) = (workflow_id IS NULL)),
    ADD CONSTRAINT a_blocked_job_waits_for_something CHECK (state <> 'blocked' OR waits_for > 0),
    -- The promise, as a wall: whatever is written later, nothing runs before its dependencies let it go.
    ADD CONSTRAINT what_waits_does_not_run CHECK (waits_for = 0 OR waits_for > 0 AND state IN ('blocked', 'failed', 'canceled')),
    ADD CONSTRAINT only_the_canceled_are_doomed CHECK (doomed_by IS NULL OR state = 'canceled');
CREATE INDEX jobs_live_of_workflow ON jobs_live (workflow_id, id) WHERE workflow_id IS NOT NULL;
CREATE INDEX jobs_finished_of_workflow ON jobs_finished (workflow_id, id) WHERE workflow_id IS NOT NULL;

CREATE TABLE job_dependencies (
    job_id     uuid NOT NULL,                                           -- who waits
    depends_on uuid NOT NULL,                                           -- for whom
    policy     text NOT NULL CONSTRAINT dependency_policy_is_known CHECK (policy IN ('block', 'allow_failed', 'cancel')),
    outcome    text CONSTRAINT dependency_outcome_is_known CHECK (outcome IN ('completed', 'failed', 'canceled')),   -- null: not ended yet
    PRIMARY KEY (job_id, depends_on),
    CONSTRAINT no_job_waits_for_itself CHECK (job_id <> depends_on)
) WITH (fillfactor = 70);
CREATE INDEX dependents ON job_dependencies (depends_on);

-- A row is moved by whatever moves its steps. What is not counted here is scheduled, queued, active or retrying.
CREATE TABLE workflows (
    id              uuid        PRIMARY KEY,
    state           text        NOT NULL CONSTRAINT workflow_state_is_known CHECK (state IN ('running', 'completed', 'failed', 'canceled')),
    name            text        NOT NULL CONSTRAINT workflow_name_has_1_to_200_characters CHECK (char_length(name) BETWEEN 1 AND 200),
    tenant          text        NOT NULL,
    steps           integer     NOT NULL CONSTRAINT workflow_has_steps CHECK (steps > 0),
    completed       integer     NOT NULL DEFAULT 0,
    failed          integer     NOT NULL DEFAULT 0,
    canceled        integer     NOT NULL DEFAULT 0,
    blocked         integer     NOT NULL DEFAULT 0,
    idempotency_key text,                                               -- known for as long as the workflow
    request_hash    text,
    actor           text        NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    finished_at     timestamptz,
    CONSTRAINT no_step_is_counted_twice CHECK (
        completed >= 0 AND failed >= 0 AND canceled >= 0 AND blocked >= 0 AND completed + failed + canceled + blocked <= steps),
    CONSTRAINT what_does_not_run_is_finished CHECK ((state = 'running') = (finished_at IS NULL))
) WITH (fillfactor = 50);
CREATE INDEX workflows_by_state ON workflows (state, id);
CREATE INDEX workflows_by_finish ON workflows (state, finished_at) WHERE finished_at IS NOT NULL;
CREATE UNIQUE INDEX a_key_starts_one_workflow ON workflows (tenant, idempotency_key) WHERE idempotency_key IS NOT NULL;

ALTER TABLE events
    DROP CONSTRAINT event_entity_is_known,
    ADD CONSTRAINT event_entity_is_known
        CHECK (entity IN ('project', 'job', 'queue', 'worker', 'limit', 'schema', 'schedule', 'workflow'));

-- What a job that waits is owed by an edge. -----------------------------------------------------------------------------

-- Does this edge let its job go?
CREATE FUNCTION is_met(policy text, outcome text) RETURNS boolean IMMUTABLE PARALLEL SAFE LANGUAGE sql AS
$$ SELECT outcome IS NOT NULL AND (outcome = 'completed' OR policy = 'allow_failed') $$;

-- Can its job never run any more? What failed may be tried again, what was canceled may not.
CREATE FUNCTION dooms(policy text, outcome text) RETURNS boolean IMMUTABLE PARALLEL SAFE LANGUAGE sql AS
$$ SELECT outcome IS NOT NULL AND (outcome = 'canceled' AND policy <> 'allow_failed' OR outcome = 'failed' AND policy = 'cancel') $$;

-- Where a workflow is that has so many steps in these states.
CREATE FUNCTION workflow_state(steps integer, completed integer, failed integer, canceled integer, blocked integer) RETURNS text
IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$
SELECT CASE WHEN completed + failed + canceled + blocked < steps THEN 'running'
            WHEN failed > 0 THEN 'failed' WHEN canceled > 0 THEN 'canceled' WHEN blocked > 0 THEN 'failed' ELSE 'completed' END
$$;

-- Who waits for these, that they have ended so? Lets go whom that lets go, and cancels whom it dooms; then the same for the dependents
-- of those. Answers with what that takes from and adds to the counts of workflows.
CREATE FUNCTION tell_dependents(ended uuid[], outcomes text[]) RETURNS TABLE (workflow_id uuid, state text, d integer)
LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_column
DECLARE
    moved record;
BEGIN
    WHILE cardinality(ended) > 0 LOOP
        -- Only those that this is news to: nobody else may tell them meanwhile, because what ended is locked.
        PERFORM FROM jobs j
        WHERE j.id IN (SELECT e.job_id FROM job_dependencies e
                       WHERE e.depends_on = ANY (ended) AND (e.outcome IS NULL OR e.outcome = 'failed' AND e.policy = 'block'))
        ORDER BY j.id FOR UPDATE;

        WITH told AS (
            UPDATE job_dependencies e SET outcome = n.outcome
            FROM unnest(ended, outcomes) AS n (id, outcome)
            WHERE e.depends_on = n.id AND (e.outcome IS NULL OR e.outcome = 'failed' AND e.policy = 'block' AND n.outcome = 'canceled')
            RETURNING e.job_id, e.depends_on, e.policy, e.outcome
        ), verdict AS MATERIALIZED (
            SELECT job_id, (count(*) FILTER (WHERE is_met(policy, outcome)))::integer AS met,
                   (array_agg(depends_on ORDER BY depends_on) FILTER (WHERE dooms(policy, outcome)))[1] AS doom
            FROM told GROUP BY job_id
        ), moved AS (
            UPDATE jobs j
            SET waits_for = j.waits_for - verdict.met,
                state = CASE WHEN was.state <> 'blocked' THEN was.state WHEN verdict.doom IS NOT NULL THEN 'canceled'
                             WHEN was.waits_for > verdict.met THEN 'blocked' WHEN was.run_at > at THEN 'scheduled' ELSE 'queued' END,
                -- What waited for others was not due before they let it go.
                run_at = CASE WHEN was.state = 'blocked' AND verdict.doom IS NULL AND was.waits_for = verdict.met THEN greatest(was.run_at, at) ELSE was.run_at END,
                doomed_by = CASE WHEN was.state = 'blocked' THEN verdict.doom ELSE was.doomed_by END,
                error = CASE WHEN was.state = 'blocked' AND verdict.doom IS NOT NULL
                        THEN (SELECT format('canceled: it depends on %s, which %s', coalesce(p.step, 'job ' || verdict.doom),
                                            CASE p.state WHEN 'failed' THEN 'failed' WHEN 'canceled' THEN 'was canceled' ELSE 'was deleted' END)
                              FROM (SELECT) AS one LEFT JOIN jobs p ON p.id = verdict.doom)
                        ELSE was.error END,
                finished_at = CASE WHEN was.state = 'blocked' AND verdict.doom IS NOT NULL THEN at ELSE was.finished_at END,
                updated_at = at
            FROM verdict JOIN jobs was ON was.id = verdict.job_id, clock_timestamp() AS at
            WHERE j.id = verdict.job_id
            RETURNING j.id, was.state AS previous_state, j.state, j.error, j.has_dependents, j.workflow_id, j.updated_at
        ), told_of AS (
            INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, occurred_at)
            SELECT 'job', id, previous_state, state, CASE state WHEN 'canceled' THEN error ELSE 'what it depends on has ended' END, 'provost', id, updated_at
            FROM moved WHERE state <> previous_state ORDER BY id
        )
        SELECT array_agg(m.id) FILTER (WHERE m.has_dependents AND m.state = 'canceled') AS doomed,
               array_agg(m.workflow_id) FILTER (WHERE m.workflow_id IS NOT NULL) AS workflows,
               array_agg(m.state) FILTER (WHERE m.workflow_id IS NOT NULL) AS states
        INTO moved FROM moved m WHERE m.state <> m.previous_state;

        RETURN QUERY SELECT w, 'blocked', -1 FROM unnest(moved.workflows) AS w
                     UNION ALL SELECT w, s, 1 FROM unnest(moved.workflows, moved.states) AS m (w, s);
        ended := moved.doomed;
        outcomes := ARRAY(SELECT 'canceled' FROM unnest(ended));
    END LOOP;
END $$;

-- Who waited for these, that they are taken up again? Whoever has not gone on yet waits anew, also those that were canceled
-- because of it alone; then the same for the dependents of those. Answers as tell_dependents does.
CREATE FUNCTION recall_dependents(risen uuid[]) RETURNS TABLE (workflow_id uuid, state text, d integer)
LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_column
DECLARE
    moved record;
BEGIN
    WHILE cardinality(risen) > 0 LOOP
        PERFORM FROM jobs j
        WHERE j.waits_for > 0 AND j.id IN (SELECT e.job_id FROM job_dependencies e WHERE e.depends_on = ANY (risen) AND e.outcome IS NOT NULL)
        ORDER BY j.id FOR UPDATE;

        WITH opened AS (
            UPDATE job_dependencies e SET outcome = NULL
            FROM jobs j
            WHERE e.depends_on = ANY (risen) AND e.outcome IS NOT NULL AND j.id = e.job_id AND j.waits_for > 0
            RETURNING e.job_id, e.depends_on, e.policy
        ), verdict AS MATERIALIZED (
            -- An edge that allowed the failure had let go, and holds again.
            SELECT o.job_id, (count(*) FILTER (WHERE o.policy = 'allow_failed'))::integer AS held,
                   (SELECT e.depends_on FROM job_dependencies e
                    WHERE e.job_id = o.job_id AND e.depends_on <> ALL (risen) AND dooms(e.policy, e.outcome)
                    ORDER BY e.depends_on LIMIT 1) AS doom
            FROM opened o GROUP BY o.job_id
        ), moved AS (
            UPDATE jobs j
            SET waits_for = was.waits_for + verdict.held,
                state = CASE WHEN rises THEN 'blocked' ELSE was.state END,
                doomed_by = CASE WHEN was.doomed_by IS NOT NULL THEN verdict.doom END,
                error = CASE WHEN rises THEN NULL ELSE was.error END,
                finished_at = CASE WHEN rises THEN NULL ELSE was.finished_at END,
                updated_at = at
            FROM verdict JOIN jobs was ON was.id = verdict.job_id, clock_timestamp() AS at,
                 LATERAL (SELECT was.doomed_by IS NOT NULL AND verdict.doom IS NULL AS rises) AS judged
            WHERE j.id = verdict.job_id
            RETURNING j.id, was.state AS previous_state, j.state, j.has_dependents, j.workflow_id, j.updated_at
        ), told_of AS (
            INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, occurred_at)
            SELECT 'job', id, previous_state, state, 'what it depends on is tried again', 'provost', id, updated_at
            FROM moved WHERE state <> previous_state ORDER BY id
        )
        SELECT array_agg(m.id) FILTER (WHERE m.has_dependents) AS risen, array_agg(m.workflow_id) FILTER (WHERE m.workflow_id IS NOT NULL) AS workflows
        INTO moved FROM moved m WHERE m.state <> m.previous_state;

        RETURN QUERY SELECT w, 'canceled', -1 FROM unnest(moved.workflows) AS w UNION ALL SELECT w, 'blocked', 1 FROM unnest(moved.workflows) AS w;
        risen := moved.risen;
    END LOOP;
END $$;

-- Whatever moved jobs: tells those that wait for them, and keeps the counts of their workflows. Most statements move neither.
CREATE FUNCTION follow_moved_jobs() RETURNS trigger LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
DECLARE
    ended    uuid[];
    outcomes text[];
    risen    uuid[];
    sums     record;
    moved    record;
BEGIN
    IF NOT EXISTS (SELECT FROM fresh WHERE has_dependents OR workflow_id IS NOT NULL) THEN
        RETURN NULL;
    END IF;

    SELECT array_agg(f.id) FILTER (WHERE f.state IN ('completed', 'failed', 'canceled')),
           array_agg(f.state) FILTER (WHERE f.state IN ('completed', 'failed', 'canceled')),
           array_agg(f.id) FILTER (WHERE s.state IN ('failed', 'canceled'))
    INTO ended, outcomes, risen
    FROM fresh f JOIN stale s USING (id) WHERE f.has_dependents AND f.state <> s.state;

    FOR sums IN
        SELECT m.workflow_id AS id,
               coalesce(sum(m.d) FILTER (WHERE m.state = 'completed'), 0) AS completed, coalesce(sum(m.d) FILTER (WHERE m.state = 'failed'), 0) AS failed,
               coalesce(sum(m.d) FILTER (WHERE m.state = 'canceled'), 0) AS canceled, coalesce(sum(m.d) FILTER (WHERE m.state = 'blocked'), 0) AS blocked
        FROM (SELECT workflow_id, state, -1 AS d FROM stale UNION ALL SELECT workflow_id, state, 1 FROM fresh
              UNION ALL SELECT * FROM tell_dependents(ended, outcomes) UNION ALL SELECT * FROM recall_dependents(risen)) AS m
        WHERE m.workflow_id IS NOT NULL
        GROUP BY m.workflow_id
        ORDER BY m.workflow_id
    LOOP
        CONTINUE WHEN sums.completed = 0 AND sums.failed = 0 AND sums.canceled = 0 AND sums.blocked = 0;
        SELECT w.state INTO moved FROM workflows w WHERE w.id = sums.id FOR UPDATE;
        WITH counted AS (
            UPDATE workflows w
            SET completed = w.completed + sums.completed, failed = w.failed + sums.failed,
                canceled = w.canceled + sums.canceled, blocked = w.blocked + sums.blocked, state = now.state, updated_at = at,
                finished_at = CASE WHEN now.state = 'running' THEN NULL WHEN now.state = w.state THEN w.finished_at ELSE at END
            FROM workflows f, clock_timestamp() AS at,
                 LATERAL workflow_state(f.steps, (f.completed + sums.completed)::integer, (f.failed + sums.failed)::integer,
                                        (f.canceled + sums.canceled)::integer, (f.blocked + sums.blocked)::integer) AS now (state)
            WHERE w.id = sums.id AND f.id = sums.id
            RETURNING w.id, w.state, w.updated_at
        )
        INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, occurred_at)
        SELECT 'workflow', id, moved.state, state, CASE state WHEN 'running' THEN 'a step is taken up again' WHEN 'completed' THEN 'every step is completed'
                   ELSE format('a step %s, and no other can go on', CASE state WHEN 'failed' THEN 'failed' ELSE 'was canceled' END) END, 'provost', updated_at
        FROM counted WHERE state <> moved.state;
    END LOOP;
    RETURN NULL;
END $$;

-- What follows from a telling is told there: a telling within a telling would go as deep as the longest chain.
CREATE TRIGGER follow_update AFTER UPDATE ON jobs REFERENCING OLD TABLE AS stale NEW TABLE AS fresh
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION follow_moved_jobs();

-- What is gone waits for nobody, and will not be completed any more.
CREATE FUNCTION follow_gone_jobs() RETURNS trigger LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM stale WHERE has_dependencies) THEN
        DELETE FROM job_dependencies WHERE job_id = ANY (ARRAY(SELECT id FROM stale WHERE has_dependencies));
    END IF;
    IF EXISTS (SELECT FROM stale WHERE has_dependents AND state <> 'completed') THEN
        PERFORM tell_dependents(array_agg(id), array_agg('canceled'::text)) FROM stale WHERE has_dependents AND state <> 'completed';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER follow_delete AFTER DELETE ON jobs REFERENCING OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION follow_gone_jobs();

-- The last wall, as in V4, with the moves of those that wait for others.
DROP TRIGGER legal_moves ON jobs;
CREATE TRIGGER legal_moves BEFORE UPDATE OF state ON jobs FOR EACH ROW WHEN (
    OLD.state <> NEW.state AND NOT CASE OLD.state
        WHEN 'active' THEN NEW.state IN ('completed', 'retrying', 'failed', 'canceled', 'queued', 'scheduled')
        WHEN 'completed' THEN false
        WHEN 'canceled' THEN NEW.state = 'blocked' AND OLD.doomed_by IS NOT NULL
        WHEN 'failed' THEN NEW.state IN ('queued', 'blocked')
        WHEN 'blocked' THEN NEW.state IN ('queued', 'scheduled', 'canceled', 'failed')
        ELSE NEW.state IN ('active', 'queued', 'canceled', 'failed')
    END
) EXECUTE FUNCTION refuse_illegal_job_move();

-- How those ended that a job depended on, and what they answered: by the name of the step, or the id of the job. Byte for byte, and
-- no more than a worker should hold: what would make it more than a mebibyte is left out and said to be.
CREATE FUNCTION inputs_of(job uuid) RETURNS text STABLE LANGUAGE sql SET search_path = provost, pg_temp AS $$
SELECT json_object_agg(name, CASE
    WHEN p.result IS NOT NULL AND bytes <= 1048576 THEN json_build_object('job_id', p.depends_on, 'state', p.outcome, 'result', p.result)
    WHEN p.result IS NOT NULL THEN json_build_object('job_id', p.depends_on, 'state', p.outcome, 'omitted', true)
    ELSE json_build_object('job_id', p.depends_on, 'state', p.outcome, 'error', p.error) END ORDER BY p.depends_on)::text
FROM (SELECT e.depends_on, e.outcome, j.result, j.error, coalesce(j.step, e.depends_on::text) AS name,
             sum(octet_length(j.result::text)) OVER (ORDER BY e.depends_on ROWS UNBOUNDED PRECEDING) AS bytes
      FROM job_dependencies e LEFT JOIN jobs j ON j.id = e.depends_on WHERE e.job_id = job) AS p
$$;

-- Enqueues as in V5, also what waits for others: `depends_on`, and for each of them a policy. Those others may be of the same list, or
-- be there already, in whatever state. They are locked before anything is born that waits for them, so whatever ends them comes
-- before (and is seen here) or after (and sees it).
ALTER TYPE new_job ADD ATTRIBUTE workflow_id uuid, ADD ATTRIBUTE step text, ADD ATTRIBUTE depends_on uuid[], ADD ATTRIBUTE policies text[];
CREATE OR REPLACE FUNCTION enqueue_jobs(wanted json, actor text, request_id text, ring boolean, origin uuid DEFAULT NULL)
RETURNS TABLE (place bigint, job_id uuid, is_new boolean, due_at timestamptz, born_at timestamptz, rung bigint)
LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_column
DECLARE
    at      timestamptz := clock_timestamp();
    asked   new_job[]   := ARRAY(SELECT w FROM json_populate_recordset(NULL::new_job, wanted) AS w);
    keyed   boolean;
    linked  boolean;
    shut    text;
    within  uuid[];
    outside uuid[];
    missing uuid;
BEGIN
    SELECT bool_or(w.idempotency_key IS NOT NULL), bool_or(cardinality(w.depends_on) > 0),
           min(q.name) FILTER (WHERE q.state = 'draining' AND origin IS NULL) INTO keyed, linked, shut
    FROM unnest(asked) AS w LEFT JOIN queues q ON q.name = coalesce(w.queue, 'default');
    IF shut IS NOT NULL THEN
        RAISE EXCEPTION 'the queue % is draining and takes no new jobs', shut USING ERRCODE = 'PV001';
    END IF;

    IF keyed THEN
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

    IF linked THEN
        -- What is there already under its key waits for what it waited for when it was born.
        SELECT array_agg(DISTINCT d) FILTER (WHERE d IN (SELECT w.id FROM unnest(asked) AS w)),
               array_agg(DISTINCT d) FILTER (WHERE d NOT IN (SELECT w.id FROM unnest(asked) AS w)) INTO within, outside
        FROM unnest(asked) AS w CROSS JOIN unnest(w.depends_on) AS d
        WHERE NOT EXISTS (SELECT FROM job_keys k
                          WHERE (k.tenant, k.kind, k.key) = (coalesce(w.tenant, 'default'), w.kind, w.idempotency_key) AND k.job_id <> w.id);

        PERFORM FROM jobs j WHERE j.id = ANY (outside) ORDER BY j.id FOR UPDATE;
        SELECT d INTO missing FROM unnest(outside) AS d WHERE NOT EXISTS (SELECT FROM jobs j WHERE j.id = d) LIMIT 1;
        IF missing IS NOT NULL THEN
            RAISE EXCEPTION 'there is no job % to depend on', missing USING ERRCODE = 'PV005';
        END IF;
        UPDATE jobs SET has_dependents = true WHERE id = ANY (outside) AND NOT has_dependents;
    END IF;

    RETURN QUERY
    WITH judged AS (
        SELECT w.*, coalesce(k.job_id, w.id) AS holder, greatest(coalesce(run_at, at + delay_s * interval '1 second', at), at) AS due
        FROM unnest(asked) WITH ORDINALITY AS w (
            id, kind, queue, tenant, tags, priority, payload, run_at, delay_s, max_attempts, timeout_s, deadline_at, backoff, origin_id,
            schema_version, idempotency_key, request_hash, window_s, actor, request_id, workflow_id, step, depends_on, policies, place)
        LEFT JOIN job_keys k ON (k.tenant, k.kind, k.key) = (coalesce(w.tenant, 'default'), w.kind, w.idempotency_key)
    ), born AS (
        INSERT INTO jobs (id, state, kind, queue, tenant, tags, priority, run_at, payload, max_attempts, timeout, deadline_at,
                          backoff, origin_id, schema_version, idempotency_key, created_at, updated_at,
                          workflow_id, step, waits_for, has_dependencies, has_dependents)
        SELECT id, CASE WHEN cardinality(depends_on) > 0 THEN 'blocked' WHEN due > at THEN 'scheduled' ELSE 'queued' END, kind,
               coalesce(queue, 'default'), coalesce(tenant, 'default'),
               coalesce(tags, '{}'), coalesce(priority, 5), due, coalesce(payload, '{}')::json, coalesce(max_attempts, 3), timeout_s,
               deadline_at, backoff, coalesce(origin, origin_id), schema_version, idempotency_key, at, at,
               workflow_id, step, coalesce(cardinality(depends_on), 0), coalesce(cardinality(depends_on), 0) > 0, id IN (SELECT unnest(within))
        FROM judged WHERE holder = id
        ORDER BY place
        RETURNING id, state, queue
    ), joined AS (
        INSERT INTO job_dependencies (job_id, depends_on, policy)
        SELECT judged.id, d.id, coalesce(d.policy, 'block')
        FROM judged CROSS JOIN LATERAL unnest(judged.depends_on, judged.policies) AS d (id, policy)
        WHERE linked AND judged.holder = judged.id
    ), told AS (
        INSERT INTO events (entity, entity_id, previous_state, new_state, actor, job_id, request_id, occurred_at)
        SELECT 'job', id, 'none', born.state, coalesce(judged.actor, enqueue_jobs.actor), id, coalesce(judged.request_id, enqueue_jobs.request_id), at
        FROM born JOIN judged USING (id) ORDER BY id
    ), rang AS (
        SELECT pg_notify('provost', queue) FROM (SELECT DISTINCT queue FROM born) AS q WHERE ring
    )
    SELECT judged.place, judged.holder, judged.holder = judged.id, judged.due, at, (SELECT count(*) FROM rang) FROM judged ORDER BY 1;

    IF cardinality(outside) > 0 THEN
        -- Some may have ended before: theirs are told now, by the same way.
        PERFORM tell_dependents(array_agg(j.id), array_agg(j.state)) FROM jobs j
        WHERE j.id = ANY (outside) AND j.state IN ('completed', 'failed', 'canceled');
    END IF;
END $$;

-- One job, as an application asks for it: as in V3, and what it depends on besides, each with one policy.
DROP FUNCTION enqueue(text, json, text, integer, timestamptz, interval, integer, interval, text, text[], text, interval, text, timestamptz, text);
CREATE FUNCTION enqueue(
    kind text, payload json DEFAULT '{}', queue text DEFAULT 'default', priority integer DEFAULT 5, run_at timestamptz DEFAULT NULL,
    delay interval DEFAULT NULL, max_attempts integer DEFAULT 3, timeout interval DEFAULT NULL, tenant text DEFAULT 'default',
    tags text[] DEFAULT '{}', idempotency_key text DEFAULT NULL, idempotency_window interval DEFAULT '15 minutes',
    backoff text DEFAULT NULL, deadline_at timestamptz DEFAULT NULL, actor text DEFAULT 'sql', depends_on uuid[] DEFAULT '{}',
    dependency_policy text DEFAULT 'block'
) RETURNS uuid LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
DECLARE
    a_name CONSTANT text := 'must have 1 to 128 characters out of A-Z a-z 0-9 . _ : / - and begin with a letter or digit';
    a_wait CONSTANT text := '[0-9]{1,7}(\.[0-9]+)?';
    wrong  text := CASE
        WHEN is_name(kind) IS NOT TRUE THEN 'kind ' || a_name
        WHEN kind IN ('project.provision', 'project.deprovision') THEN 'kind is made by projects alone'
        WHEN NOT run_at < timestamptz '10000-01-01 00:00:00+00' THEN 'run_at must be before the year 10000'
        WHEN NOT deadline_at < timestamptz '10000-01-01 00:00:00+00' THEN 'deadline_at must be before the year 10000'
        WHEN NOT is_name(coalesce(queue, 'default')) THEN 'queue ' || a_name
        WHEN NOT is_name(coalesce(tenant, 'default')) THEN 'tenant ' || a_name
        WHEN NOT coalesce(priority, 5) BETWEEN 0 AND 9 THEN 'priority must be a whole number from 0 to 9; 9 is served first'
        WHEN NOT coalesce(max_attempts, 3) BETWEEN 1 AND 100 THEN 'max_attempts must be a whole number from 1 to 100'
        WHEN NOT (timeout > interval '0' AND timeout <= interval '30 days') THEN 'timeout must be longer than nothing and at most 30 days'
        WHEN run_at IS NOT NULL AND delay IS NOT NULL THEN 'delay cannot be given together with run_at'
        WHEN NOT delay BETWEEN interval '0' AND interval '360 days' THEN 'delay must be at most 360 days'
        WHEN octet_length(payload::text) > 262144 THEN 'payload must have at most 262144 bytes'
        WHEN cardinality(tags) > 32 OR EXISTS (SELECT FROM unnest(tags) AS tag WHERE (tag ~ '^[^[:cntrl:]]{1,64}$') IS NOT TRUE)
            THEN 'tags must be at most 32 words of 1 to 64 visible characters'
        WHEN idempotency_key !~ '^[^[:cntrl:]]{1,255}$' THEN 'idempotency_key must have 1 to 255 visible characters'
        WHEN NOT (idempotency_window > interval '0' AND idempotency_window <= interval '30 days')
            THEN 'idempotency_window must be longer than nothing and at most 30 days'
        WHEN backoff !~ format('^(exponential|linear|fixed) %s %s (full|none)$', a_wait, a_wait)
            THEN 'backoff must be a strategy, a base and a longest wait in seconds, and full or none for jitter, like: fixed 10 60 none'
        WHEN cardinality(depends_on) > 1000 OR array_position(depends_on, NULL) IS NOT NULL
             OR (SELECT count(DISTINCT d) FROM unnest(depends_on) AS d) < cardinality(depends_on)
            THEN 'depends_on must be at most 1000 jobs, each named once'
        WHEN dependency_policy NOT IN ('block', 'allow_failed', 'cancel') THEN 'dependency_policy must be block, allow_failed or cancel'
    END;
BEGIN
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION '%', wrong USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- The payload is kept as the text that it is; this only makes sure that whoever reads it can: U+0000, for one, nobody can.
    PERFORM payload::jsonb;
    RETURN (SELECT e.job_id FROM enqueue_jobs(json_build_array(json_build_object(
        'id', uuid_v7(), 'kind', kind, 'queue', queue, 'tenant', tenant, 'tags', tags, 'priority', priority, 'payload', payload::text,
        'run_at', run_at, 'delay_s', extract(epoch FROM delay), 'max_attempts', max_attempts, 'timeout_s', extract(epoch FROM timeout),
        'deadline_at', deadline_at, 'backoff', backoff, 'idempotency_key', idempotency_key,
        'request_hash', md5(concat_ws(chr(31), payload::text, queue, priority, nullif(array_to_string(depends_on, ','), ''))),
        'window_s', extract(epoch FROM idempotency_window),
        'depends_on', depends_on, 'policies', array_fill(coalesce(dependency_policy, 'block'), ARRAY[cardinality(depends_on)])
    )), actor, NULL, true) AS e);
END $$;

-- Starts a workflow: its row, its steps (as enqueue_jobs reads them) and the record, all of it or nothing. Under a key that started one
-- before, the answer is that one; whoever comes at the same time waits here, and finds it.
CREATE FUNCTION start_workflow(
    new_id uuid, name text, tenant text, steps json, actor text, request_id text, ring boolean, key text DEFAULT NULL, hash text DEFAULT NULL
) RETURNS TABLE (workflow_id uuid, is_new boolean) LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    at   timestamptz := clock_timestamp();
    seen record;
BEGIN
    INSERT INTO workflows (id, state, name, tenant, steps, blocked, idempotency_key, request_hash, actor, created_at, updated_at)
    SELECT new_id, 'running', name, tenant, count(*), count(*) FILTER (WHERE json_array_length(step -> 'depends_on') > 0), key, hash, actor, at, at
    FROM json_array_elements(steps) AS step
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        SELECT w.id, w.request_hash INTO seen FROM workflows w WHERE w.tenant = start_workflow.tenant AND w.idempotency_key = key;
        IF seen.request_hash IS DISTINCT FROM hash THEN
            RAISE EXCEPTION 'this idempotency key was used before for something else' USING ERRCODE = 'PV002';
        END IF;
        RETURN QUERY SELECT seen.id, false;
        RETURN;
    END IF;
    INSERT INTO events (entity, entity_id, previous_state, new_state, actor, request_id, occurred_at)
    VALUES ('workflow', new_id, 'none', 'running', actor, request_id, at);
    PERFORM enqueue_jobs(steps, actor, request_id, ring);
    RETURN QUERY SELECT new_id, true;
END $$;

INSERT INTO retention (class) VALUES ('workflows');

-- A schedule may start a workflow. ---------------------------------------------------------------------------------------

ALTER TABLE schedules
    DROP CONSTRAINT target_is_known,
    ADD CONSTRAINT target_is_known CHECK (target IN ('job', 'project', 'workflow'));
ALTER TABLE ticks
    ADD COLUMN workflow_id uuid,
    DROP CONSTRAINT what_fired_has_a_job,
    ADD CONSTRAINT what_fired_has_started_something CHECK ((outcome = 'fired') = (num_nonnulls(job_id, workflow_id) = 1));
CREATE INDEX ticks_of_workflow ON ticks (workflow_id) WHERE workflow_id IS NOT NULL;
