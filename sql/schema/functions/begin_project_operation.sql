-- Starts an operation on a project, and enqueues its job. `verb` is retry, undo, skip, undelete, or an operation other than
-- create, clone, retire and restore. `new_parameters` are those of an update.
--
-- A deletion is accepted in every status. If another operation is in progress, its job is asked to stop and the removal follows
-- when that has ended (`finish_operation`); a job that no worker has claimed ends at once. With a grace time (`grace` in seconds;
-- null: as the template says), what exists is only taken out of service and can be restored until the time is over. A deletion
-- with an explicit grace time changes that of an earlier one. A time of expiry that has passed does not survive an undelete.
-- `undo` continues the last operation where the undoing of a step failed; `skip` leaves that step as it is, and continues with the
-- one before it. The new job takes over the steps.
--
-- Locks the job of the project, then the project, like all statements. `outcome` is started, requested, changed, unchanged,
-- rejected, protected or stale. Returns no row without such a project.
CREATE OR REPLACE FUNCTION begin_project_operation(
    verb text, project uuid, new_job_id uuid, timeout double precision, max_attempts integer,
    actor text, reason text, request_id text, notify boolean, expected_versions bigint[], new_parameters text DEFAULT NULL,
    grace double precision DEFAULT NULL
) RETURNS TABLE (previous_status text, previous_version bigint, outcome text)
LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_column
DECLARE
    kind    operation_kinds;
    current projects := lock_project(project);
    kept_s  double precision := 0;
    stuck   uuid;
    at      timestamptz;
    result  text;
BEGIN
    IF current.id IS NULL THEN
        RETURN;
    END IF;
    PERFORM reject_if_draining(current.queue);
    IF verb = 'delete' THEN
        kept_s := coalesce(grace, CASE WHEN current.stop_request = 'delete' THEN current.removal_grace END,
                           grace_of_template(current.template, current.template_version));
    END IF;
    SELECT * INTO STRICT kind FROM operation_kinds k WHERE k.operation = CASE
        WHEN verb = 'retry' THEN CASE WHEN current.operation = 'adopt' THEN 'adopt' WHEN current.source_id IS NOT NULL THEN 'clone' ELSE 'create' END
        WHEN verb IN ('undo', 'skip') THEN current.operation
        WHEN verb = 'undelete' THEN 'restore'
        WHEN verb = 'delete' AND kept_s > 0 AND can_be_restored(current, current.status) THEN 'retire'
        ELSE verb END;
    IF verb IN ('undo', 'skip') AND current.deadline_at IS NULL AND current.status <> 'deleted' THEN
        stuck := stuck_operation(project);
    END IF;
    at := clock_timestamp();

    result := CASE
        WHEN current.version <> ALL (expected_versions) THEN 'stale'
        WHEN verb IN ('undo', 'skip') THEN CASE WHEN stuck IS NULL THEN 'rejected' ELSE 'started' END
        WHEN verb = 'delete' AND current.status = 'deleted' THEN 'unchanged'
        WHEN verb = 'delete' AND current.status = 'deleting' AND (current.operation = 'delete' OR grace IS NULL) THEN 'unchanged'
        WHEN verb = 'delete' AND current.status = 'deleting' AND grace > 0 AND current.stop_request IS NULL THEN 'changed'
        WHEN verb = 'delete' AND current.status = 'pending_deletion' AND grace IS NULL THEN 'unchanged'
        WHEN verb = 'delete' AND current.is_protected THEN 'protected'
        WHEN verb = 'delete' AND current.status = 'pending_deletion' AND grace > 0 THEN 'changed'
        WHEN current.status = ANY (kind.allowed_from) THEN 'started'
        WHEN verb = 'delete' THEN 'requested'
        ELSE 'rejected' END;

    IF result = 'requested' THEN
        UPDATE projects p SET removal_timeout = timeout, removal_attempts = max_attempts, removal_grace = kept_s WHERE p.id = project;
        PERFORM stop_operation(current, 'delete', actor, reason, request_id, at);
    ELSIF result = 'changed' THEN
        UPDATE projects p
        SET removal_grace = kept_s, delete_after = CASE p.status WHEN 'pending_deletion' THEN at + kept_s * interval '1 second' END,
            version = p.version + 1, updated_at = at
        WHERE p.id = project;
        INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, request_id, occurred_at)
        VALUES ('project', project, current.status, current.status, concat_ws(': ', 'the grace time was changed', reason), actor, request_id, at);
    ELSIF result = 'started' THEN
        UPDATE projects p
        SET status = kind.first_status, error_reason = NULL, failure = NULL, operation = kind.operation,
            operation_timeout = coalesce(p.operation_deadline, timeout),
            parameters = coalesce(new_parameters::json, p.parameters),
            previous_parameters = CASE WHEN new_parameters IS NOT NULL THEN p.parameters END,
            status_before_deletion = CASE kind.operation WHEN 'retire' THEN p.status WHEN 'restore' THEN p.status_before_deletion END,
            removal_grace = CASE kind.operation WHEN 'retire' THEN kept_s WHEN 'restore' THEN p.removal_grace END,
            expires_at = CASE WHEN verb = 'undelete' AND p.expires_at <= at THEN NULL ELSE p.expires_at END,
            delete_after = NULL, observe_after = NULL, version = p.version + 1, requested_at = at, updated_at = at,
            deadline_at = at + coalesce(p.operation_deadline, timeout) * interval '1 second'
        WHERE p.id = project;
        INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, request_id, occurred_at)
        VALUES ('project', project, current.status, kind.first_status, reason, actor, new_job_id, request_id, at);
        PERFORM supersede_jobs(project, format('the project was asked to %s', verb), actor, request_id, at);
        PERFORM enqueue_operation(p, new_job_id, kind.job_kind, max_attempts, actor, request_id, at) FROM projects p WHERE p.id = project;
        PERFORM continue_undo(stuck, new_job_id, verb = 'skip', actor, reason, request_id, at) WHERE stuck IS NOT NULL;
    END IF;
    IF notify AND result IN ('started', 'requested') THEN
        PERFORM pg_notify('provost', current.queue);
    END IF;
    RETURN QUERY SELECT current.status, current.version, result;
END $$;
