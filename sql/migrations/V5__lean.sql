-- Births that cost less: what is usual is looked at first, and what was born is told at once.

-- A queue and a line are there already, as a rule: one look tells, and nothing else is set up.
CREATE OR REPLACE FUNCTION tally_new_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH arrived AS MATERIALIZED (
        SELECT queue, kind, state, count(*) AS n, min(created_at) AS at FROM fresh GROUP BY queue, kind, state
    ), counted AS (
        INSERT INTO provost.job_tallies SELECT queue, kind, state, n FROM arrived
    )
    INSERT INTO provost.work_tallies
    SELECT date_trunc('minute', min(at)), queue, kind, 'enqueued', 0, sum(n), 0 FROM arrived GROUP BY queue, kind;

    IF NOT EXISTS (
        SELECT FROM (SELECT queue, priority, kind, tenant, min(run_at) FILTER (WHERE state <> 'blocked') AS since
                     FROM fresh GROUP BY queue, priority, kind, tenant) AS f
        WHERE NOT EXISTS (SELECT FROM provost.queues q WHERE q.name = f.queue)
           OR f.since IS NOT NULL AND NOT EXISTS (
               SELECT FROM provost.lines l
               WHERE (l.queue, l.priority, l.kind, l.tenant) = (f.queue, f.priority, f.kind, f.tenant) AND l.since <= f.since AND l.is_open)
    ) AND current_setting('transaction_isolation') = 'read committed' THEN
        RETURN NULL;
    END IF;

    WITH opened AS (
        INSERT INTO provost.lines (queue, priority, kind, tenant, since)
        SELECT queue, priority, kind, tenant, since
        FROM (SELECT queue, priority, kind, tenant, min(run_at) AS since FROM fresh
              WHERE state IN ('queued', 'scheduled', 'retrying') GROUP BY queue, priority, kind, tenant) AS f
        WHERE NOT provost.has_line(queue, priority, kind, tenant, since)
    ), born AS (
        -- A queue exists from its first use.
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

-- Enqueues as in V4, and says besides when each new job is due and when it was born, so that whoever asked knows all of it.
DROP FUNCTION enqueue_jobs(json, text, text, boolean, uuid);
CREATE FUNCTION enqueue_jobs(wanted json, actor text, request_id text, ring boolean, origin uuid DEFAULT NULL)
RETURNS TABLE (place bigint, job_id uuid, is_new boolean, due_at timestamptz, born_at timestamptz, rung bigint)
LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_column
DECLARE
    at    timestamptz := clock_timestamp();
    asked new_job[]   := ARRAY(SELECT w FROM json_populate_recordset(NULL::new_job, wanted) AS w);
    keyed boolean;
    shut  text;
BEGIN
    SELECT bool_or(w.idempotency_key IS NOT NULL), min(q.name) FILTER (WHERE q.state = 'draining' AND origin IS NULL) INTO keyed, shut
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

    RETURN QUERY
    WITH judged AS (
        SELECT w.*, coalesce(k.job_id, w.id) AS holder, greatest(coalesce(run_at, at + delay_s * interval '1 second', at), at) AS due
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
        FROM judged WHERE holder = id
        ORDER BY place
        RETURNING id, state, queue
    ), told AS (
        INSERT INTO events (entity, entity_id, previous_state, new_state, actor, job_id, request_id, occurred_at)
        SELECT 'job', id, 'none', born.state, coalesce(judged.actor, enqueue_jobs.actor), id, coalesce(judged.request_id, enqueue_jobs.request_id), at
        FROM born JOIN judged USING (id) ORDER BY id
    ), rang AS (
        SELECT pg_notify('provost', queue) FROM (SELECT DISTINCT queue FROM born) AS q WHERE ring
    )
    SELECT judged.place, judged.holder, judged.holder = judged.id, judged.due, at, (SELECT count(*) FROM rang) FROM judged ORDER BY 1;
END $$;

-- Most statements that could move a project move none.
CREATE OR REPLACE FUNCTION tally_moved_projects() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM fresh) THEN
        RETURN NULL;
    END IF;

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
