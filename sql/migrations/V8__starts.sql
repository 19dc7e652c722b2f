-- How workflows, and jobs that wait for others, are started: by HTTP, by SQL and by schedules.

-- Enqueues as in V5, also what waits for others: `depends_on`, and for each of them a policy. Those others may be of the same list, or
-- be there already, in whatever state. They are locked before anything is born that waits for them, so whatever ends them comes
-- before (and is seen here) or after (and sees it). The lock is the weakest that holds up an end, which moves the row to the other half,
-- and no heartbeat: whoever enqueues may take long to commit.
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
        SELECT array_agg(DISTINCT d) INTO outside FROM unnest(asked) AS w CROSS JOIN unnest(w.depends_on) AS d
        WHERE d NOT IN (SELECT a.id FROM unnest(asked) AS a) AND NOT EXISTS (SELECT FROM job_keys k
                          WHERE (k.tenant, k.kind, k.key) = (coalesce(w.tenant, 'default'), w.kind, w.idempotency_key) AND k.job_id <> w.id);

        PERFORM FROM jobs j WHERE j.id = ANY (outside) ORDER BY j.id FOR KEY SHARE;
        SELECT d INTO missing FROM unnest(outside) AS d WHERE NOT EXISTS (SELECT FROM jobs j WHERE j.id = d) LIMIT 1;
        IF missing IS NOT NULL THEN
            RAISE EXCEPTION 'there is no job % to depend on', missing USING ERRCODE = 'PV005';
        END IF;
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
                          workflow_id, step, waits_for, has_dependencies)
        SELECT id, CASE WHEN cardinality(depends_on) > 0 THEN 'blocked' WHEN due > at THEN 'scheduled' ELSE 'queued' END, kind,
               coalesce(queue, 'default'), coalesce(tenant, 'default'),
               coalesce(tags, '{}'), coalesce(priority, 5), due, coalesce(payload, '{}')::json, coalesce(max_attempts, 3), timeout_s,
               deadline_at, backoff, coalesce(origin, origin_id), schema_version, idempotency_key, at, at,
               workflow_id, step, coalesce(cardinality(depends_on), 0), coalesce(cardinality(depends_on), 0) > 0
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
