-- Enqueues jobs: all of them, or none. HTTP, SQL, schedules, workflows and follow-ups all use this function.
--
-- Input: `requests` is a JSON array of new_job; `origin` is the job that these follow, if any. Output: one row for each request,
-- in order. If an idempotency key is in use, the row has the existing job and `is_new` is false.
-- Raises PV001 if a queue is draining (except for follow-ups, which belong to accepted work), PV002 if a key was used for a
-- different request, PV005 if a dependency does not exist.
-- Locks: idempotency keys in their order, then dependencies outside this call in order of their ids. These are locked before the
-- dependents are inserted, so a dependency ends either before (its outcome is applied at the end of this function) or after (its
-- trigger sees the dependents). The lock is the weakest that blocks the end of a job, which moves the row to another partition,
-- and it does not block heartbeats: the caller may take long to commit.
CREATE OR REPLACE FUNCTION enqueue_jobs(requests json, actor text, request_id text, notify boolean, origin uuid DEFAULT NULL)
RETURNS TABLE (ordinal bigint, job_id uuid, is_new boolean, due_at timestamptz, created_at timestamptz, notified bigint)
LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_column
DECLARE
    at             timestamptz := clock_timestamp();
    requested      new_job[]   := ARRAY(SELECT w FROM json_populate_recordset(NULL::new_job, requests) AS w);
    has_keys       boolean;
    has_edges      boolean;
    draining_queue text;
    external_ids   uuid[];
    missing        uuid;
BEGIN
    SELECT bool_or(w.idempotency_key IS NOT NULL), bool_or(cardinality(w.depends_on) > 0),
           min(q.name) FILTER (WHERE q.state = 'draining' AND origin IS NULL) INTO has_keys, has_edges, draining_queue
    FROM unnest(requested) AS w LEFT JOIN queues q ON q.name = coalesce(w.queue, 'default');
    IF draining_queue IS NOT NULL THEN
        RAISE EXCEPTION 'the queue % is draining and accepts no new jobs', draining_queue USING ERRCODE = 'PV001';
    END IF;

    IF has_keys THEN
        -- Keys are inserted in order, so that two calls with common keys cannot deadlock. The second call waits for the first,
        -- because the update that changes nothing locks the row. The next statement then sees the job of the first call.
        INSERT INTO job_keys (tenant, kind, key, job_id, request_hash, expires_at)
        SELECT coalesce(w.tenant, 'default'), w.kind, w.idempotency_key, w.id, coalesce(w.request_hash, ''),
               at + coalesce(w.window_s, 900) * interval '1 second'
        FROM unnest(requested) AS w WHERE w.idempotency_key IS NOT NULL ORDER BY 1, 2, 3
        ON CONFLICT (tenant, kind, key) DO UPDATE SET job_id = job_keys.job_id WHERE false;

        -- Take over keys that expired or whose job was deleted.
        UPDATE job_keys k
        SET job_id = w.id, request_hash = coalesce(w.request_hash, ''), expires_at = at + coalesce(w.window_s, 900) * interval '1 second'
        FROM unnest(requested) AS w
        WHERE (k.tenant, k.kind, k.key) = (coalesce(w.tenant, 'default'), w.kind, w.idempotency_key) AND k.job_id <> w.id
          AND (k.expires_at <= clock_timestamp() OR NOT EXISTS (SELECT FROM jobs j WHERE j.id = k.job_id));

        IF EXISTS (SELECT FROM unnest(requested) AS w
                   JOIN job_keys k ON (k.tenant, k.kind, k.key) = (coalesce(w.tenant, 'default'), w.kind, w.idempotency_key)
                   WHERE k.job_id <> w.id AND k.request_hash <> coalesce(w.request_hash, '')) THEN
            RAISE EXCEPTION 'this idempotency key was already used for a different request' USING ERRCODE = 'PV002';
        END IF;
    END IF;

    IF has_edges THEN
        -- Requests whose key is in use are not inserted, so their dependencies do not matter.
        SELECT array_agg(DISTINCT d) INTO external_ids FROM unnest(requested) AS w CROSS JOIN unnest(w.depends_on) AS d
        WHERE d NOT IN (SELECT a.id FROM unnest(requested) AS a) AND NOT EXISTS (SELECT FROM job_keys k
                          WHERE (k.tenant, k.kind, k.key) = (coalesce(w.tenant, 'default'), w.kind, w.idempotency_key) AND k.job_id <> w.id);

        PERFORM FROM jobs j WHERE j.id = ANY (external_ids) ORDER BY j.id FOR KEY SHARE;
        SELECT d INTO missing FROM unnest(external_ids) AS d WHERE NOT EXISTS (SELECT FROM jobs j WHERE j.id = d) LIMIT 1;
        IF missing IS NOT NULL THEN
            RAISE EXCEPTION 'there is no job % to depend on', missing USING ERRCODE = 'PV005';
        END IF;
    END IF;

    RETURN QUERY
    WITH resolved AS (
        SELECT w.*, coalesce(k.job_id, w.id) AS key_job_id, greatest(coalesce(run_at, at + delay_s * interval '1 second', at), at) AS due
        FROM unnest(requested) WITH ORDINALITY AS w (
            id, kind, queue, tenant, tags, priority, payload, run_at, delay_s, max_attempts, timeout_s, deadline_at, backoff, origin_id,
            schema_version, idempotency_key, request_hash, window_s, actor, request_id, workflow_id, step, depends_on, policies, ordinal)
        LEFT JOIN job_keys k ON (k.tenant, k.kind, k.key) = (coalesce(w.tenant, 'default'), w.kind, w.idempotency_key)
    ), inserted AS (
        INSERT INTO jobs (id, state, kind, queue, tenant, tags, priority, run_at, payload, max_attempts, timeout, deadline_at,
                          backoff, origin_id, schema_version, idempotency_key, created_at, updated_at,
                          workflow_id, step, pending_dependencies, has_dependencies)
        SELECT id, CASE WHEN cardinality(depends_on) > 0 THEN 'blocked' WHEN due > at THEN 'scheduled' ELSE 'queued' END, kind,
               coalesce(queue, 'default'), coalesce(tenant, 'default'),
               coalesce(tags, '{}'), coalesce(priority, 5), due, coalesce(payload, '{}')::json, coalesce(max_attempts, 3), timeout_s,
               deadline_at, backoff, coalesce(origin, origin_id), schema_version, idempotency_key, at, at,
               workflow_id, step, coalesce(cardinality(depends_on), 0), coalesce(cardinality(depends_on), 0) > 0
        FROM resolved WHERE key_job_id = id
        ORDER BY ordinal
        RETURNING id, state, queue
    ), inserted_edges AS (
        INSERT INTO job_dependencies (job_id, depends_on, policy)
        SELECT resolved.id, d.id, coalesce(d.policy, 'block')
        FROM resolved CROSS JOIN LATERAL unnest(resolved.depends_on, resolved.policies) AS d (id, policy)
        WHERE has_edges AND resolved.key_job_id = resolved.id
    ), recorded AS (
        INSERT INTO events (entity, entity_id, previous_state, new_state, actor, job_id, request_id, occurred_at)
        SELECT 'job', id, 'none', inserted.state, coalesce(resolved.actor, enqueue_jobs.actor), id, coalesce(resolved.request_id, enqueue_jobs.request_id), at
        FROM inserted JOIN resolved USING (id) ORDER BY id
    ), sent AS (
        SELECT pg_notify('provost', queue) FROM (SELECT DISTINCT queue FROM inserted) AS q WHERE notify
    )
    SELECT resolved.ordinal, resolved.key_job_id, resolved.key_job_id = resolved.id, resolved.due, at, (SELECT count(*) FROM sent) FROM resolved ORDER BY 1;

    IF cardinality(external_ids) > 0 THEN
        -- Apply the outcomes of dependencies that have already ended.
        PERFORM release_dependents(array_agg(j.id), array_agg(CASE j.state WHEN 'superseded' THEN 'failed' ELSE j.state END)) FROM jobs j
        WHERE j.id = ANY (external_ids) AND j.state IN ('completed', 'failed', 'canceled', 'superseded');
    END IF;
END $$;
