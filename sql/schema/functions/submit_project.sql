-- Creates a project and enqueues its first job. Without a queue, the project has that of its template. With a source, the project
-- becomes a clone of that project, which must be ready or paused: otherwise nothing happens, and `source_status` says why.
--
-- With an idempotency key, an advisory lock shows that another request with this key is in progress (`lock_acquired` is false).
-- If the key is known, its project is returned in `key_project_id`. If another request stored the key between the snapshot and
-- the lock, the row has neither, and the caller repeats the call.
CREATE OR REPLACE FUNCTION submit_project(
    new_id uuid, new_job_id uuid, name text, template text, parameters text, labels text, tenant text, queue text, priority smallint,
    deadline double precision, timeout double precision, expires_at timestamptz, max_attempts integer, actor text, request_id text,
    notify boolean, key text, hash text, source uuid DEFAULT NULL
) RETURNS TABLE (
    lock_acquired boolean, key_project_id uuid, key_hash text, source_status text,
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
    WITH origin AS MATERIALIZED (
        SELECT p.status FROM projects p WHERE p.id = source FOR SHARE
    ), lock AS MATERIALIZED (
        SELECT submit_project.key IS NULL
               OR pg_try_advisory_xact_lock(hashtextextended('provost idempotency ' || submit_project.key, 0)) AS lock_acquired
    ), existing_key AS MATERIALIZED (
        SELECT k.project_id, k.request_hash FROM idempotency_keys k WHERE k.key = submit_project.key
    ), inserted_key AS (
        INSERT INTO idempotency_keys (key, request_hash, project_id)
        SELECT submit_project.key, hash, new_id FROM lock
        WHERE lock_acquired AND submit_project.key IS NOT NULL AND NOT EXISTS (SELECT FROM existing_key)
          AND (source IS NULL OR EXISTS (SELECT FROM origin o WHERE o.status IN ('ready', 'paused')))
        ON CONFLICT DO NOTHING
        RETURNING 1
    ), created AS (
        INSERT INTO projects (id, status, name, template, template_version, source_id, operation, parameters, labels, tenant, queue, priority,
                              operation_deadline, operation_timeout, expires_at, requested_at, deadline_at, created_at, updated_at)
        SELECT new_id, 'creating', submit_project.name, submit_project.template,
               latest, source, CASE WHEN source IS NULL THEN 'create' ELSE 'clone' END,
               submit_project.parameters::json, submit_project.labels::jsonb, submit_project.tenant,
               submit_project.queue, submit_project.priority, deadline, coalesce(deadline, timeout), submit_project.expires_at,
               at, at + coalesce(deadline, timeout) * interval '1 second', at, at
        FROM clock_timestamp() AS at
        WHERE (submit_project.key IS NULL OR EXISTS (SELECT FROM inserted_key))
          AND (source IS NULL OR EXISTS (SELECT FROM origin o WHERE o.status IN ('ready', 'paused')))
        RETURNING *
    ), enqueued AS MATERIALIZED (
        SELECT enqueue_operation(ROW(c.*)::projects, new_job_id, CASE WHEN source IS NULL THEN 'project.provision' ELSE 'project.clone' END, submit_project.max_attempts, submit_project.actor,
                                 submit_project.request_id, c.created_at) AS id
        FROM created c
    ), recorded AS (
        INSERT INTO events (entity, entity_id, previous_state, new_state, actor, job_id, request_id, occurred_at, reason)
        SELECT 'project', c.id, 'none', c.status, submit_project.actor, e.id, submit_project.request_id, c.created_at, NULL
        FROM created c CROSS JOIN enqueued e
        UNION ALL
        SELECT 'project', source, o.status, o.status, submit_project.actor, NULL, submit_project.request_id, c.created_at,
               format('cloned into project %s', c.id)
        FROM created c CROSS JOIN origin o
    ), sent AS (
        SELECT pg_notify('provost', submit_project.queue) FROM enqueued e WHERE notify
    )
    SELECT lock.lock_acquired, existing_key.project_id, existing_key.request_hash, origin.status,
           c::projects, (SELECT count(*) FROM sent)
    FROM lock LEFT JOIN existing_key ON true LEFT JOIN created c ON true LEFT JOIN origin ON true;
END $$;
