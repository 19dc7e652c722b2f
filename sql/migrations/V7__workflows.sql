-- Workflows: jobs that wait for jobs.
--
-- One row for each edge, and in each waiting job the number of edges that do not let it go yet. Whatever statement ends a job
-- tells its dependents (by trigger, so that no statement can forget): it locks them in the order of their ids, notes on each edge
-- how the job ended, takes those that are met off the numbers, and lets go whose number is nothing now. The lock makes parents
-- that end at the same time come one after the other; the note makes a second telling harmless. Locks are taken in one order
-- everywhere: jobs that end, jobs that wait for them, workflows. What would be too much for one statement is left in `tellings`, and told
-- on by a chore.

ALTER TABLE jobs
    ADD COLUMN workflow_id      uuid,                                   -- the workflow that it is a step of
    ADD COLUMN step             text,                                   -- and its name there
    ADD COLUMN waits_for        integer NOT NULL DEFAULT 0,             -- how many of its dependencies do not let it go yet
    ADD COLUMN has_dependencies boolean NOT NULL DEFAULT false,         -- so that nobody looks for what is not there
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

-- Jobs whose dependents have not all been told yet where they are now.
CREATE TABLE tellings (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id uuid   NOT NULL
);

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

-- Why a job is canceled that depended on this one.
CREATE FUNCTION why_doomed(doom uuid) RETURNS text STABLE LANGUAGE sql SET search_path = provost, pg_temp AS $$
SELECT format('canceled: it depends on %s, which %s', coalesce(p.step, 'job ' || doom),
              CASE p.state WHEN 'failed' THEN 'failed' WHEN 'canceled' THEN 'was canceled' ELSE 'was deleted' END)
FROM (SELECT) AS one LEFT JOIN jobs p ON p.id = doom
$$;

-- Where a workflow is that has so many steps in these states.
CREATE FUNCTION workflow_state(steps integer, completed integer, failed integer, canceled integer, blocked integer) RETURNS text
IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$
SELECT CASE WHEN completed + failed + canceled + blocked < steps THEN 'running'
            WHEN failed > 0 THEN 'failed' WHEN canceled > 0 THEN 'canceled' WHEN blocked > 0 THEN 'failed' ELSE 'completed' END
$$;

-- Who waits for these, that they have ended so? Lets go whom that lets go, and cancels whom it dooms; then the same for the dependents
-- of those, as far as one statement should go. Answers with what that takes from and adds to the counts of workflows. Each row is
-- looked up by its id, whatever statistics say.
CREATE FUNCTION tell_dependents(ended uuid[], outcomes text[]) RETURNS TABLE (workflow_id uuid, state text, d integer)
LANGUAGE plpgsql SET search_path = provost, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    most   CONSTANT integer := 10000;
    levels integer := 0;
    n      integer := 0;
    kids   uuid[];
    moved  record;
BEGIN
    WHILE cardinality(ended) > 0 LOOP
        IF levels = 300 OR n >= most THEN
            INSERT INTO tellings (job_id) SELECT unnest(ended);
            RETURN;
        END IF;
        -- Only those that this is news to: nobody else may tell them meanwhile, because what ended is locked.
        kids := ARRAY(SELECT e.job_id FROM job_dependencies e
                      WHERE e.depends_on = ANY (ended) AND (e.outcome IS NULL OR e.outcome = 'failed' AND e.policy = 'block')
                      LIMIT most);
        PERFORM FROM jobs j WHERE j.id = ANY (kids) ORDER BY j.id FOR UPDATE;

        WITH told AS (
            UPDATE job_dependencies e SET outcome = n.outcome
            FROM unnest(ended, outcomes) AS n (id, outcome)
            WHERE e.depends_on = n.id AND (e.outcome IS NULL OR e.outcome = 'failed' AND e.policy = 'block' AND n.outcome = 'canceled')
              AND e.job_id IN (SELECT unnest(kids))
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
                error = CASE WHEN was.state = 'blocked' AND verdict.doom IS NOT NULL THEN why_doomed(verdict.doom) ELSE was.error END,
                finished_at = CASE WHEN was.state = 'blocked' AND verdict.doom IS NOT NULL THEN at ELSE was.finished_at END,
                updated_at = at
            FROM verdict JOIN jobs was ON was.id = verdict.job_id, clock_timestamp() AS at
            WHERE j.id = verdict.job_id
            RETURNING j.id, was.state AS previous_state, j.state, j.error, j.workflow_id, j.updated_at
        ), told_of AS (
            INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, occurred_at)
            SELECT 'job', id, previous_state, state, CASE state WHEN 'canceled' THEN error ELSE 'what it depends on has ended' END, 'provost', id, updated_at
            FROM moved WHERE state <> previous_state ORDER BY id
        )
        SELECT array_agg(m.id) FILTER (WHERE m.state = 'canceled') AS doomed,
               array_agg(m.workflow_id) FILTER (WHERE m.workflow_id IS NOT NULL) AS workflows,
               array_agg(m.state) FILTER (WHERE m.workflow_id IS NOT NULL) AS states
        INTO moved FROM moved m WHERE m.state <> m.previous_state;

        RETURN QUERY SELECT w, 'blocked', -1 FROM unnest(moved.workflows) AS w
                     UNION ALL SELECT w, s, 1 FROM unnest(moved.workflows, moved.states) AS m (w, s);
        levels := levels + 1;
        n := n + cardinality(kids);
        IF cardinality(kids) < most THEN
            ended := moved.doomed;
            outcomes := ARRAY(SELECT 'canceled' FROM unnest(ended));
        ELSE
            -- There are more of them.
            outcomes := outcomes || ARRAY(SELECT 'canceled' FROM unnest(moved.doomed));
            ended := ended || moved.doomed;
        END IF;
    END LOOP;
END $$;

-- Who waited for these, that they are taken up again? Whoever has not gone on yet waits anew, also those that were canceled
-- because of it alone; then the same for the dependents of those. Answers as tell_dependents does.
CREATE FUNCTION recall_dependents(risen uuid[]) RETURNS TABLE (workflow_id uuid, state text, d integer)
LANGUAGE plpgsql SET search_path = provost, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    levels integer := 0;
    moved  record;
BEGIN
    WHILE cardinality(risen) > 0 LOOP
        IF levels = 300 THEN
            INSERT INTO tellings (job_id) SELECT unnest(risen);
            RETURN;
        END IF;
        levels := levels + 1;
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
                error = CASE WHEN rises THEN NULL WHEN was.doomed_by IS NOT NULL THEN why_doomed(verdict.doom) ELSE was.error END,
                finished_at = CASE WHEN rises THEN NULL ELSE was.finished_at END,
                updated_at = at
            FROM verdict JOIN jobs was ON was.id = verdict.job_id, clock_timestamp() AS at,
                 LATERAL (SELECT was.doomed_by IS NOT NULL AND verdict.doom IS NULL AS rises) AS judged
            WHERE j.id = verdict.job_id
            RETURNING j.id, was.state AS previous_state, j.state, j.workflow_id, j.updated_at
        ), told_of AS (
            INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, occurred_at)
            SELECT 'job', id, previous_state, state, 'what it depends on is tried again', 'provost', id, updated_at
            FROM moved WHERE state <> previous_state ORDER BY id
        )
        SELECT array_agg(m.id) AS risen, array_agg(m.workflow_id) FILTER (WHERE m.workflow_id IS NOT NULL) AS workflows
        INTO moved FROM moved m WHERE m.state <> m.previous_state;

        RETURN QUERY SELECT w, 'canceled', -1 FROM unnest(moved.workflows) AS w UNION ALL SELECT w, 'blocked', 1 FROM unnest(moved.workflows) AS w;
        risen := moved.risen;
    END LOOP;
END $$;

-- So many steps have come to (or, less than nothing, left) these states: keeps the counts of their workflows, and the states that follow.
CREATE FUNCTION count_steps(whose uuid[], states text[], ds integer[]) RETURNS void LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
DECLARE
    sums  record;
    moved record;
BEGIN
    FOR sums IN
        SELECT m.id, coalesce(sum(m.d) FILTER (WHERE m.state = 'completed'), 0) AS completed, coalesce(sum(m.d) FILTER (WHERE m.state = 'failed'), 0) AS failed,
               coalesce(sum(m.d) FILTER (WHERE m.state = 'canceled'), 0) AS canceled, coalesce(sum(m.d) FILTER (WHERE m.state = 'blocked'), 0) AS blocked
        FROM unnest(whose, states, ds) AS m (id, state, d)
        WHERE m.id IS NOT NULL
        GROUP BY m.id
        ORDER BY m.id
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
END $$;

-- Whatever moved jobs: tells those that wait for them, and keeps the counts of their workflows. Most statements move neither.
CREATE FUNCTION follow_moved_jobs() RETURNS trigger LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
DECLARE
    ended    uuid[];
    outcomes text[];
    risen    uuid[];
BEGIN
    SELECT array_agg(id), array_agg(state) INTO ended, outcomes FROM fresh WHERE state IN ('completed', 'failed', 'canceled');
    IF NOT EXISTS (SELECT FROM job_dependencies e WHERE e.depends_on = ANY (ended)) THEN
        ended := NULL;
    END IF;
    IF EXISTS (SELECT FROM stale WHERE state IN ('failed', 'canceled')) THEN
        SELECT array_agg(f.id) INTO risen FROM fresh f JOIN stale s USING (id)
        WHERE s.state IN ('failed', 'canceled') AND f.state NOT IN ('completed', 'failed', 'canceled');
    END IF;
    IF ended IS NULL AND risen IS NULL AND NOT EXISTS (SELECT FROM fresh WHERE workflow_id IS NOT NULL) THEN
        RETURN NULL;
    END IF;

    PERFORM count_steps(array_agg(m.workflow_id), array_agg(m.state), array_agg(m.d))
    FROM (SELECT workflow_id, state, -1 AS d FROM stale UNION ALL SELECT workflow_id, state, 1 FROM fresh
          UNION ALL SELECT * FROM tell_dependents(ended, outcomes) UNION ALL SELECT * FROM recall_dependents(risen)) AS m
    WHERE m.workflow_id IS NOT NULL;
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
    IF EXISTS (SELECT FROM stale WHERE state <> 'completed') THEN
        PERFORM count_steps(array_agg(m.workflow_id), array_agg(m.state), array_agg(m.d))
        FROM (SELECT array_agg(id) AS ids, array_agg('canceled'::text) AS outcomes FROM stale WHERE state <> 'completed') AS gone,
             LATERAL tell_dependents(gone.ids, gone.outcomes) AS m;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER follow_delete AFTER DELETE ON jobs REFERENCING OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION follow_gone_jobs();

-- Goes on with what was too much for one statement: whoever takes a row out of `tellings` tells the dependents of its job where that is
-- now. A job that is gone has told them when it went.
CREATE FUNCTION tell_on() RETURNS trigger LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
BEGIN
    PERFORM FROM jobs j WHERE j.id = ANY (ARRAY(SELECT job_id FROM stale)) ORDER BY j.id FOR UPDATE;
    PERFORM count_steps(array_agg(m.workflow_id), array_agg(m.state), array_agg(m.d))
    FROM (SELECT array_agg(id) FILTER (WHERE state IN ('completed', 'failed', 'canceled')) AS ended,
                 array_agg(state) FILTER (WHERE state IN ('completed', 'failed', 'canceled')) AS outcomes,
                 array_agg(id) FILTER (WHERE state NOT IN ('completed', 'failed', 'canceled')) AS risen
          FROM jobs WHERE id = ANY (ARRAY(SELECT job_id FROM stale))) AS told,
         LATERAL (SELECT * FROM tell_dependents(told.ended, told.outcomes) UNION ALL SELECT * FROM recall_dependents(told.risen)) AS m;
    RETURN NULL;
END $$;
CREATE TRIGGER tell_on AFTER DELETE ON tellings REFERENCING OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION tell_on();

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

-- How those ended that a job depended on, and what they answered: by the name of the step, or, where it is no step of
-- the same workflow, the id of the job. Byte for byte, and
-- no more than a worker should hold: what would make it more than a mebibyte is left out and said to be.
CREATE FUNCTION inputs_of(job uuid) RETURNS text STABLE LANGUAGE sql SET search_path = provost, pg_temp AS $$
SELECT json_object_agg(name, CASE
    WHEN p.error IS NOT NULL THEN json_build_object('job_id', p.depends_on, 'state', p.state, 'error', p.error)
    WHEN bytes > 1048576 AND p.result IS NOT NULL THEN json_build_object('job_id', p.depends_on, 'state', p.state, 'omitted', true)
    ELSE json_build_object('job_id', p.depends_on, 'state', p.state, 'result', p.result) END ORDER BY p.depends_on)::text
FROM (SELECT e.depends_on, coalesce(j.state, e.outcome) AS state, j.result, j.error, CASE WHEN j.workflow_id = mine.workflow_id THEN j.step ELSE e.depends_on::text END AS name,
             sum(octet_length(j.result::text)) OVER (ORDER BY e.depends_on ROWS UNBOUNDED PRECEDING) AS bytes
      FROM jobs mine JOIN job_dependencies e ON e.job_id = mine.id LEFT JOIN jobs j ON j.id = e.depends_on WHERE mine.id = job) AS p
$$;
