-- Ends the operation of a project with its job. Every statement that ends a job of a project calls this function: settle, reap,
-- cancel and expire. Locks the project, after its job.
--
-- A stop request decides what follows: after `delete`, the removal starts at once under a new job. An operation that blocks access
-- and that ended without being undone, such as at its deadline, is followed by its reverse. `code` names the failure if no
-- step has recorded one. Returns the change, or no row if this job is not the current operation.
CREATE OR REPLACE FUNCTION finish_operation(
    project uuid, job uuid, execution uuid, job_kind text, job_state text, code text, error text, actor text, request_id text,
    at timestamptz
) RETURNS TABLE (project_id uuid, previous_status text, status text, error_reason text)
LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_column
DECLARE
    kind      operation_kinds;
    current   projects;
    failed    steps;
    succeeded boolean := job_state = 'completed';
    removes   boolean;
    reverses  boolean;
    repeats   boolean;
    following operation_kinds;
    ended_as  text;
    changed   projects;
    target    text;
    reason    text;
BEGIN
    SELECT * INTO kind FROM operation_kinds k WHERE k.job_kind = finish_operation.job_kind;
    SELECT * INTO current FROM projects p WHERE p.id = project FOR UPDATE;
    IF current.status IS NULL OR current.operation IS DISTINCT FROM kind.operation
       OR current.status NOT IN (kind.first_status, kind.running_status)
       OR succeeded AND current.status <> kind.running_status THEN
        RETURN;
    END IF;

    reason := coalesce(nullif(error, ''), 'failed without an error message');
    PERFORM interrupt_steps(job, finish_operation.code, reason, at);
    SELECT * INTO failed FROM steps s WHERE s.job_id = job AND s.code IS NOT NULL
    ORDER BY s.state = 'undo_failed' DESC, s.position DESC LIMIT 1;
    removes := current.stop_request IS NOT DISTINCT FROM 'delete' AND kind.operation <> 'delete';
    -- The step `reach` has no effect.
    reverses := NOT succeeded AND NOT removes AND kind.reverse IS NOT NULL
                AND EXISTS (SELECT FROM steps s WHERE s.job_id = job AND s.name <> 'reach' AND s.state IN ('done', 'failed', 'undo_failed', 'undo_skipped'));
    -- A reverse that ends at its deadline starts again: nobody has asked for what it takes back.
    repeats := NOT succeeded AND NOT removes AND finish_operation.code = 'deadline_exceeded' AND current.stop_request IS NULL
               AND current.failure IS NOT NULL AND kind.operation IN ('resume', 'restore');
    ended_as := CASE WHEN succeeded AND kind.operation = 'restore' OR NOT succeeded AND kind.operation = 'retire'
                     THEN coalesce(current.status_before_deletion, 'ready')
                     WHEN succeeded THEN kind.done_status
                     ELSE kind.failed_status END;
    SELECT * INTO following FROM operation_kinds k
    WHERE k.operation = CASE WHEN reverses THEN kind.reverse
                             WHEN repeats THEN kind.operation
                             WHEN removes AND current.removal_grace > 0 AND can_be_restored(current, ended_as) THEN 'retire'
                             WHEN removes THEN 'delete' END;
    target := coalesce(following.first_status, ended_as);

    UPDATE projects p
    SET status = target, version = p.version + 1, updated_at = at, stop_request = NULL,
        error_reason = CASE WHEN target = 'failed' AND succeeded THEN 'the project had failed before it was deleted' WHEN target = 'failed' THEN reason END,
        was_ready = p.was_ready OR ended_as = 'ready',
        parameters = CASE WHEN succeeded THEN p.parameters ELSE coalesce(p.previous_parameters, p.parameters) END, previous_parameters = NULL,
        deadline_at = CASE WHEN following.operation IS NOT NULL
                           THEN at + greatest(coalesce(p.operation_deadline, p.removal_timeout, p.operation_timeout), CASE WHEN reverses OR repeats THEN 600 END) * interval '1 second' END,
        operation_timeout = CASE WHEN removes THEN coalesce(p.operation_deadline, p.removal_timeout) ELSE p.operation_timeout END,
        -- Once a deletion has failed, the time of expiry that has passed does not start another one.
        expires_at = CASE WHEN NOT succeeded AND NOT removes AND kind.operation IN ('retire', 'delete') AND p.expires_at <= at THEN NULL ELSE p.expires_at END,
        removal_timeout = NULL, removal_attempts = NULL,
        observe_after = CASE WHEN target IN ('ready', 'paused') THEN at END,
        -- Somebody wants to keep what could not be restored, so there is time to find out why.
        delete_after = CASE WHEN target = 'pending_deletion' AND succeeded THEN at + coalesce(p.removal_grace, 0) * interval '1 second'
                            WHEN target = 'pending_deletion' THEN at + greatest(p.removal_grace * interval '1 second', interval '7 days') END,
        status_before_deletion = CASE WHEN target = 'pending_deletion' OR following.operation = 'restore' OR removes AND ended_as = 'pending_deletion'
                                      THEN coalesce(p.status_before_deletion, 'ready')
                                      WHEN removes THEN ended_as END,
        requested_at = CASE WHEN following.operation IS NOT NULL THEN at ELSE p.requested_at END,
        operation = coalesce(following.operation, p.operation),
        -- A failure that is there when an operation succeeds is that of the operation which it reversed.
        failure = CASE WHEN succeeded THEN (p.failure::jsonb || jsonb_build_object('usable', ended_as = 'ready'))::json
                       WHEN repeats THEN p.failure
                       WHEN NOT removes THEN json_build_object(
            'operation', kind.operation, 'step', failed.name, 'code', coalesce(failed.code, finish_operation.code),
            'message', reason, 'retryable', coalesce(failed.is_retryable, true), -- Whether the project works is open until the reverse has ended.
            'usable', CASE WHEN ended_as <> 'ready' THEN false WHEN NOT reverses THEN true END,
            'kept', ARRAY(SELECT s.name FROM steps s WHERE s.job_id = job AND s.state IN ('running', 'done', 'failed', 'undo_failed', 'undo_skipped') ORDER BY s.position),
            'undone', ARRAY(SELECT s.name FROM steps s WHERE s.job_id = job AND s.state = 'undone' ORDER BY s.position)) END
    WHERE p.id = project
    RETURNING * INTO changed;

    INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, execution_id, request_id, occurred_at)
    VALUES ('project', project, current.status, target, CASE WHEN NOT succeeded THEN reason END, actor, job, execution, request_id, at);

    IF target IN ('ready', 'paused') THEN
        PERFORM pg_notify('provost', 'observe');
    END IF;
    IF succeeded THEN
        PERFORM supersede_jobs(project, format('%s succeeded', kind.operation), actor, request_id, at);
    END IF;
    IF target = 'pending_deletion' THEN
        -- What was seen before no longer holds, and what is out of service is not observed.
        DELETE FROM conditions c WHERE c.project_id = project;
        DELETE FROM findings f WHERE f.project_id = project;
    END IF;
    IF changed.failure IS NOT NULL AND target IN ('ready', 'paused') THEN
        PERFORM set_condition(project, 'as_requested', 'false', coalesce(changed.failure ->> 'code', 'failed'),
                              format('the operation %s failed: %s', changed.failure ->> 'operation', changed.failure ->> 'message'), actor, at);
    ELSE
        DELETE FROM conditions c WHERE c.project_id = project AND c.type = 'as_requested';
    END IF;
    IF succeeded AND kind.operation = 'delete' THEN
        DELETE FROM secrets s WHERE s.project_id = project;
        DELETE FROM outputs o WHERE o.project_id = project;
        DELETE FROM conditions c WHERE c.project_id = project;
        DELETE FROM findings f WHERE f.project_id = project;
        DELETE FROM terraform_states t WHERE t.project_id = project;
        DELETE FROM terraform_locks l WHERE l.project_id = project;
    ELSIF succeeded THEN
        INSERT INTO outputs (project_id, name, value)
        SELECT DISTINCT ON (o.key) project, o.key, o.value
        FROM steps s CROSS JOIN LATERAL json_each(s.output) AS o
        WHERE s.job_id = job AND s.state = 'done' AND s.output IS NOT NULL
        ORDER BY o.key, s.position DESC
        ON CONFLICT ON CONSTRAINT outputs_pkey DO UPDATE SET value = excluded.value;
    END IF;
    IF following.operation IS NOT NULL THEN
        PERFORM enqueue_operation(changed, uuid_v7(), following.job_kind,
                                  coalesce(current.removal_attempts, (SELECT j.max_attempts FROM jobs j WHERE j.id = job), 3), actor, request_id, at);
    END IF;
    RETURN QUERY SELECT project, current.status, target, changed.error_reason;
END $$;
