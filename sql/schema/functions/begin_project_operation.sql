-- Starts an operation on a project that has none, and enqueues its job. `verb` is retry or delete. Locks the project.
-- Returns no row without such a project; `changed` is false if its status or its version does not allow the operation.
CREATE OR REPLACE FUNCTION begin_project_operation(
    verb text, project uuid, new_job_id uuid, deadline double precision, max_attempts integer,
    actor text, reason text, request_id text, notify boolean, expected_version bigint
) RETURNS TABLE (previous_status text, previous_version bigint, changed boolean, notified bigint)
LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM reject_if_draining('default');
    RETURN QUERY
    WITH locked AS MATERIALIZED (
        SELECT p.id, p.status, p.version FROM projects p WHERE p.id = project FOR UPDATE
    ), changed_project AS (
        UPDATE projects p
        SET status = CASE verb WHEN 'retry' THEN 'creating' ELSE 'deleting' END, error_reason = NULL, version = p.version + 1,
            requested_at = at, updated_at = at, deadline_at = at + deadline * interval '1 second'
        FROM locked, clock_timestamp() AS at
        WHERE p.id = locked.id AND (expected_version IS NULL OR locked.version = expected_version)
          AND locked.status = ANY (CASE verb WHEN 'retry' THEN '{failed}' WHEN 'delete' THEN '{ready,failed}' END::text[])
        RETURNING p.*
    ), enqueued AS (
        INSERT INTO jobs (id, state, kind, run_at, payload, project_id, max_attempts, created_at, updated_at)
        SELECT new_job_id, 'queued', CASE verb WHEN 'retry' THEN 'project.provision' ELSE 'project.deprovision' END, m.updated_at,
               json_build_object('project_id', m.id, 'template', m.template, 'parameters', m.parameters),
               m.id, begin_project_operation.max_attempts, m.updated_at, m.updated_at
        FROM changed_project m
        RETURNING jobs.id, jobs.queue, jobs.created_at
    ), recorded AS (
        INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, request_id, occurred_at)
        SELECT 'project', m.id, locked.status, m.status, begin_project_operation.reason, begin_project_operation.actor, new_job_id, begin_project_operation.request_id, m.updated_at
        FROM changed_project m JOIN locked USING (id)
        UNION ALL
        SELECT 'job', e.id, 'none', 'queued', NULL, begin_project_operation.actor, e.id, begin_project_operation.request_id, e.created_at FROM enqueued e
    ), sent AS (
        SELECT pg_notify('provost', e.queue) FROM enqueued e WHERE notify
    )
    SELECT locked.status, locked.version, EXISTS (SELECT FROM changed_project), (SELECT count(*) FROM sent) FROM locked;
END $$;
