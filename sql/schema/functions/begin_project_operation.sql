-- Starts an operation on a project, and enqueues its job. `verb` is retry, or an operation other than create. `new_parameters` are
-- those of an update.
--
-- A deletion is accepted in every status. If another operation is in progress, its job is asked to stop and the removal follows
-- when that has ended (`finish_operation`); a job that no worker has claimed ends at once.
-- Locks the job of the project, then the project, like all statements. `outcome` is started, requested, unchanged, rejected,
-- protected or stale. Returns no row without such a project.
CREATE OR REPLACE FUNCTION begin_project_operation(
    verb text, project uuid, new_job_id uuid, timeout double precision, max_attempts integer,
    actor text, reason text, request_id text, notify boolean, expected_version bigint, new_parameters text DEFAULT NULL
) RETURNS TABLE (previous_status text, previous_version bigint, outcome text)
LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_column
DECLARE
    kind    operation_kinds;
    current projects;
    at      timestamptz;
    result  text;
BEGIN
    PERFORM reject_if_draining('default');
    SELECT * INTO STRICT kind FROM operation_kinds k WHERE k.operation = CASE verb WHEN 'retry' THEN 'create' ELSE verb END;
    current := lock_project(project);
    IF current.id IS NULL THEN
        RETURN;
    END IF;
    at := clock_timestamp();

    result := CASE
        WHEN expected_version <> current.version THEN 'stale'
        WHEN verb = 'delete' AND current.status IN ('deleting', 'deleted') THEN 'unchanged'
        WHEN verb = 'delete' AND current.is_protected THEN 'protected'
        WHEN current.status = ANY (kind.allowed_from) THEN 'started'
        WHEN verb = 'delete' THEN 'requested'
        ELSE 'rejected' END;

    IF result = 'requested' THEN
        UPDATE projects p SET removal_timeout = timeout, removal_attempts = max_attempts WHERE p.id = project;
        PERFORM stop_operation(current, 'delete', actor, reason, request_id, at);
    ELSIF result = 'started' THEN
        UPDATE projects p
        SET status = kind.first_status, error_reason = NULL, failure = NULL, operation = kind.operation, operation_timeout = timeout,
            parameters = coalesce(new_parameters::json, p.parameters),
            previous_parameters = CASE WHEN new_parameters IS NOT NULL THEN p.parameters END,
            version = p.version + 1, requested_at = at, updated_at = at, deadline_at = at + timeout * interval '1 second'
        WHERE p.id = project;
        INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, request_id, occurred_at)
        VALUES ('project', project, current.status, kind.first_status, reason, actor, new_job_id, request_id, at);
        PERFORM enqueue_operation(p, new_job_id, kind.job_kind, max_attempts, actor, request_id, at) FROM projects p WHERE p.id = project;
    END IF;
    IF notify AND result IN ('started', 'requested') THEN
        PERFORM pg_notify('provost', 'default');
    END IF;
    RETURN QUERY SELECT current.status, current.version, result;
END $$;
