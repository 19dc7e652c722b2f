-- Gives up on a project: ends its job, marks the project deleted without removing anything, and records what may be left behind.
-- Locks its job, then the project. `outcome` is applied, unchanged, stale or protected. Returns no row without such a project.
CREATE OR REPLACE FUNCTION force_project(project uuid, actor text, reason text, request_id text, expected_versions bigint[])
RETURNS TABLE (previous_status text, previous_version bigint, outcome text)
LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_column
DECLARE
    current  projects := lock_project(project);
    at       timestamptz := clock_timestamp();
    job      jobs;
    sentence text;
BEGIN
    IF current.id IS NULL OR current.status = 'deleted' OR current.version <> ALL (expected_versions) OR current.is_protected THEN
        RETURN QUERY SELECT current.status, current.version,
                            CASE WHEN current.status = 'deleted' THEN 'unchanged' WHEN current.version <> ALL (expected_versions) THEN 'stale' ELSE 'protected' END
        WHERE current.id IS NOT NULL;
        RETURN;
    END IF;
    sentence := concat_ws('; ', 'forced: ' || reason, 'may be left behind: '
        || nullif((SELECT string_agg(o.name || ' ' || (o.value #>> '{}'), ', ' ORDER BY o.name) FROM outputs o WHERE o.project_id = project), ''));

    SELECT * INTO job FROM jobs j
    WHERE j.project_id = project AND j.state IN ('scheduled', 'queued', 'blocked', 'active', 'retrying');
    IF job.id IS NOT NULL THEN
        UPDATE jobs j SET state = 'canceled', error = sentence, lease_until = NULL, timeout_at = NULL, worker_id = NULL,
                          cancel_requested_at = NULL, finished_at = at, updated_at = at
        WHERE j.id = job.id AND j.state = job.state;
        PERFORM interrupt_steps(job.id, 'forced', sentence, at);
        -- The worker ends what it still does.
        PERFORM pg_notify('provost', 'cancel');
        INSERT INTO past_executions (id, job_id, attempt, worker_id, kind, queue, due_at, claimed_at, ended_at, outcome, error)
        SELECT job.execution_id, job.id, job.attempt, job.worker_id, job.kind, job.queue, job.run_at, job.claimed_at, at, 'canceled', sentence
        WHERE job.state = 'active';
        INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, execution_id, request_id, occurred_at)
        VALUES ('job', job.id, job.state, 'canceled', sentence, actor, job.id, CASE job.state WHEN 'active' THEN job.execution_id END, request_id, at);
    END IF;
    -- The state diagram leads to deleted only by way of deleting.
    IF current.status <> 'deleting' THEN
        UPDATE projects p SET status = 'deleting', error_reason = NULL, deadline_at = at, updated_at = at WHERE p.id = project;
    END IF;
    UPDATE projects p
    SET status = 'deleted', operation = 'delete', failure = NULL, stop_request = NULL, deadline_at = NULL, delete_after = NULL, observe_after = NULL,
        status_before_deletion = NULL, version = p.version + 1, updated_at = at
    WHERE p.id = project;
    INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, request_id, occurred_at)
    VALUES ('project', project, current.status, 'deleted', sentence, actor, job.id, request_id, at);
    PERFORM supersede_jobs(project, 'the project was forced to deleted', actor, request_id, at);
    DELETE FROM secrets s WHERE s.project_id = project;
    DELETE FROM conditions c WHERE c.project_id = project;
    DELETE FROM findings f WHERE f.project_id = project;
    DELETE FROM terraform_states t WHERE t.project_id = project;
    DELETE FROM terraform_locks l WHERE l.project_id = project;
    RETURN QUERY SELECT current.status, current.version, 'applied';
END $$;
