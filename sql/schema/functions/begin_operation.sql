-- Moves a resting project into an operation, and enqueues the job that works on it. `verb` is retry or delete;
-- `seen_version` is the version the caller saw, or null for any.
CREATE OR REPLACE FUNCTION begin_operation(
    verb text, project uuid, new_job_id uuid, deadline double precision, max_attempts integer,
    actor text, reason text, request_id text, ring boolean, seen_version bigint
) RETURNS TABLE (was text, was_version bigint, moved boolean, rung bigint)
LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM refuse_draining('default');
    RETURN QUERY
    WITH found AS MATERIALIZED (
        SELECT p.id, p.status, p.version FROM projects p WHERE p.id = project FOR UPDATE
    ), moved AS (
        UPDATE projects p
        SET status = CASE verb WHEN 'retry' THEN 'creating' ELSE 'deleting' END, error_reason = NULL, version = p.version + 1,
            requested_at = at, updated_at = at, deadline_at = at + deadline * interval '1 second'
        FROM found, clock_timestamp() AS at
        WHERE p.id = found.id AND (seen_version IS NULL OR found.version = seen_version)
          AND found.status = ANY (CASE verb WHEN 'retry' THEN '{failed}' WHEN 'delete' THEN '{ready,failed}' END::text[])
        RETURNING p.*
    ), enqueued AS (
        INSERT INTO jobs (id, state, kind, run_at, payload, project_id, max_attempts, created_at, updated_at)
        SELECT new_job_id, 'queued', CASE verb WHEN 'retry' THEN 'project.provision' ELSE 'project.deprovision' END, m.updated_at,
               json_build_object('project_id', m.id, 'template', m.template, 'parameters', m.parameters),
               m.id, begin_operation.max_attempts, m.updated_at, m.updated_at
        FROM moved m
        RETURNING jobs.id, jobs.queue, jobs.created_at
    ), told AS (
        INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, request_id, occurred_at)
        SELECT 'project', m.id, found.status, m.status, begin_operation.reason, begin_operation.actor, new_job_id, begin_operation.request_id, m.updated_at
        FROM moved m JOIN found USING (id)
        UNION ALL
        SELECT 'job', e.id, 'none', 'queued', NULL, begin_operation.actor, e.id, begin_operation.request_id, e.created_at FROM enqueued e
    ), rang AS (
        SELECT pg_notify('provost', e.queue) FROM enqueued e WHERE ring
    )
    SELECT found.status, found.version, EXISTS (SELECT FROM moved), (SELECT count(*) FROM rang) FROM found;
END $$;
