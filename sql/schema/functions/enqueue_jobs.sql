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
