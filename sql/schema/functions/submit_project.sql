-- Creates a project and enqueues its first job. Without a queue, the project has that of its template.
--
-- With an idempotency key, an advisory lock shows that another request with this key is in progress (`lock_acquired` is false).
-- If the key is known, its project is returned in `key_project_id`. If another request stored the key between the snapshot and
-- the lock, the row has neither, and the caller repeats the call.
CREATE OR REPLACE FUNCTION submit_project(
    new_id uuid, new_job_id uuid, name text, template text, parameters text, labels text, tenant text, queue text, priority smallint,
    deadline double precision, timeout double precision, expires_at timestamptz, max_attempts integer, actor text, request_id text,
    notify boolean, key text, hash text
) RETURNS TABLE (
    lock_acquired boolean, key_project_id uuid, key_hash text,
    project projects, notified bigint
) LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_column
DECLARE
    latest integer := coalesce((SELECT max(t.version) FROM templates t WHERE t.name = template), 1);
BEGIN
    -- The queue of a template may bound how many operations run, so a request cannot choose another one.
    queue := coalesce(nullif(queue_of_template(template, latest), 'default'), submit_project.queue, 'default');
    PERFORM reject_if_draining(submit_project.queue);
    RETURN QUERY
    WITH lock AS MATERIALIZED (
        SELECT submit_project.key IS NULL
               OR pg_try_advisory_xact_lock(hashtextextended('provost idempotency ' || submit_project.key, 0)) AS lock_acquired
    ), existing_key AS MATERIALIZED (
        SELECT k.project_id, k.request_hash FROM idempotency_keys k WHERE k.key = submit_project.key
    ), inserted_key AS (
        INSERT INTO idempotency_keys (key, request_hash, project_id)
        SELECT submit_project.key, hash, new_id FROM lock
        WHERE lock_acquired AND submit_project.key IS NOT NULL AND NOT EXISTS (SELECT FROM existing_key)
        ON CONFLICT DO NOTHING
        RETURNING 1
    ), created AS (
        INSERT INTO projects (id, status, name, template, template_version, parameters, labels, tenant, queue, priority,
                              operation_deadline, operation_timeout, expires_at, requested_at, deadline_at, created_at, updated_at)
        SELECT new_id, 'creating', submit_project.name, submit_project.template,
               latest,
               submit_project.parameters::json, submit_project.labels::jsonb, submit_project.tenant,
               submit_project.queue, submit_project.priority, deadline, coalesce(deadline, timeout), submit_project.expires_at,
               at, at + coalesce(deadline, timeout) * interval '1 second', at, at
        FROM clock_timestamp() AS at
        WHERE submit_project.key IS NULL OR EXISTS (SELECT FROM inserted_key)
        RETURNING *
    ), enqueued AS MATERIALIZED (
        SELECT enqueue_operation(ROW(c.*)::projects, new_job_id, 'project.provision', submit_project.max_attempts, submit_project.actor,
                                 submit_project.request_id, c.created_at) AS id
        FROM created c
    ), recorded AS (
        INSERT INTO events (entity, entity_id, previous_state, new_state, actor, job_id, request_id, occurred_at)
        SELECT 'project', c.id, 'none', c.status, submit_project.actor, e.id, submit_project.request_id, c.created_at
        FROM created c CROSS JOIN enqueued e
    ), sent AS (
        SELECT pg_notify('provost', submit_project.queue) FROM enqueued e WHERE notify
    )
    SELECT lock.lock_acquired, existing_key.project_id, existing_key.request_hash,
           c::projects, (SELECT count(*) FROM sent)
    FROM lock LEFT JOIN existing_key ON true LEFT JOIN created c ON true;
END $$;
