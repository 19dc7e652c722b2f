-- Asks the current operation of a locked project to stop, for `request`: cancel or delete. An active job learns of the request with
-- the wakeup and stops before its next step. A job that has begun and waits for another attempt gets that attempt now, which undoes
-- what there is to undo. A job that has not begun is canceled here, and the operation ends with it.
CREATE OR REPLACE FUNCTION stop_operation(current projects, request text, actor text, reason text, request_id text, at timestamptz)
RETURNS void LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_column
DECLARE
    job      jobs;
    sentence text := concat_ws(': ', CASE request WHEN 'cancel' THEN 'cancel requested' ELSE 'deletion requested' END, reason);
    begun    boolean := false;
    ended    text := concat_ws(': ', 'canceled', reason);
BEGIN
    UPDATE projects p
    SET stop_request = CASE WHEN p.stop_request = 'delete' THEN 'delete' ELSE request END, version = p.version + 1, updated_at = at
    WHERE p.id = current.id;
    INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, request_id, occurred_at)
    VALUES ('project', current.id, current.status, current.status, sentence, actor, request_id, at);

    SELECT * INTO job FROM jobs j
    WHERE j.project_id = current.id AND j.state IN ('scheduled', 'queued', 'blocked', 'active', 'retrying');
    IF job.state = 'active' THEN
        UPDATE jobs j SET cancel_requested_at = coalesce(j.cancel_requested_at, at), cancel_reason = coalesce(j.cancel_reason, reason), updated_at = at
        WHERE j.id = job.id AND j.state = 'active';
        PERFORM pg_notify('provost', 'cancel');
    ELSIF job.state IN ('scheduled', 'queued', 'retrying')
          AND EXISTS (SELECT FROM steps s WHERE s.job_id = job.id AND s.state NOT IN ('undone', 'undo_skipped', 'skipped')) THEN
        UPDATE jobs j SET state = 'queued', run_at = at, updated_at = at WHERE j.id = job.id AND j.state = job.state AND j.state <> 'queued';
        PERFORM pg_notify('provost', job.queue);
        begun := true;
    ELSIF job.id IS NOT NULL THEN
        UPDATE jobs j SET state = 'canceled', error = ended, cancel_reason = reason, finished_at = at, updated_at = at
        WHERE j.id = job.id AND j.state = job.state;
        PERFORM finish_operation(current.id, job.id, NULL, job.kind, 'canceled', 'canceled', ended, actor, request_id, at);
    END IF;
    INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, execution_id, request_id, occurred_at)
    SELECT 'job', job.id, job.state, CASE WHEN job.state = 'active' THEN 'active' WHEN begun THEN 'queued' ELSE 'canceled' END,
           CASE WHEN job.state = 'active' OR begun THEN sentence ELSE ended END, actor, job.id, CASE job.state WHEN 'active' THEN job.execution_id END, request_id, at
    WHERE job.id IS NOT NULL;
END $$;
