-- I want a project: the row, its first job, both births in the record, and the bell.
--
-- With a key: whoever holds the advisory lock is creating under this key right now (`is_open` is false: in flight).
-- A key that is already noted is answered with its project (`seen_project_id`). When another request noted the key
-- between the snapshot and the lock, neither comes back, and asking again tells.
CREATE OR REPLACE FUNCTION ask_for_project(
    new_id uuid, new_job_id uuid, name text, template text, parameters text, labels text, deadline double precision, max_attempts integer,
    actor text, request_id text, ring boolean, key text, hash text
) RETURNS TABLE (
    is_open boolean, seen_project_id uuid, seen_hash text,
    id uuid, status text, error_reason text, version bigint, requested_at timestamptz, deadline_at timestamptz,
    created_at timestamptz, updated_at timestamptz, rung bigint
) LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM refuse_draining('default');
    RETURN QUERY
    WITH door AS MATERIALIZED (
        SELECT ask_for_project.key IS NULL
               OR pg_try_advisory_xact_lock(hashtextextended('provost idempotency ' || ask_for_project.key, 0)) AS is_open
    ), seen AS MATERIALIZED (
        SELECT k.project_id, k.request_hash FROM idempotency_keys k WHERE k.key = ask_for_project.key
    ), noted AS (
        INSERT INTO idempotency_keys (key, request_hash, project_id)
        SELECT ask_for_project.key, hash, new_id FROM door
        WHERE is_open AND ask_for_project.key IS NOT NULL AND NOT EXISTS (SELECT FROM seen)
        ON CONFLICT DO NOTHING
        RETURNING 1
    ), created AS (
        INSERT INTO projects (id, status, name, template, parameters, labels, requested_at, deadline_at, created_at, updated_at)
        SELECT new_id, 'creating', ask_for_project.name, ask_for_project.template, ask_for_project.parameters::json,
               ask_for_project.labels::jsonb, at, at + deadline * interval '1 second', at, at
        FROM clock_timestamp() AS at
        WHERE ask_for_project.key IS NULL OR EXISTS (SELECT FROM noted)
        RETURNING *
    ), enqueued AS (
        INSERT INTO jobs (id, state, kind, run_at, payload, project_id, max_attempts, created_at, updated_at)
        SELECT new_job_id, 'queued', 'project.provision', c.created_at,
               json_build_object('project_id', c.id, 'template', c.template, 'parameters', c.parameters),
               c.id, ask_for_project.max_attempts, c.created_at, c.created_at
        FROM created c
        RETURNING jobs.id, jobs.queue, jobs.created_at
    ), told AS (
        INSERT INTO events (entity, entity_id, previous_state, new_state, actor, job_id, request_id, occurred_at)
        SELECT 'project', c.id, 'none', c.status, ask_for_project.actor, new_job_id, ask_for_project.request_id, c.created_at FROM created c
        UNION ALL
        SELECT 'job', e.id, 'none', 'queued', ask_for_project.actor, e.id, ask_for_project.request_id, e.created_at FROM enqueued e
    ), rang AS (
        SELECT pg_notify('provost', e.queue) FROM enqueued e WHERE ring
    )
    SELECT door.is_open, seen.project_id, seen.request_hash,
           c.id, c.status, c.error_reason, c.version, c.requested_at, c.deadline_at, c.created_at, c.updated_at,
           (SELECT count(*) FROM rang)
    FROM door LEFT JOIN seen ON true LEFT JOIN created c ON true;
END $$;
