-- Lets a new job take over the steps of an operation whose undoing failed. With `skips`, the step that cannot be undone is left as it is.
CREATE OR REPLACE FUNCTION continue_undo(stuck uuid, new_job_id uuid, skips boolean, actor text, reason text, request_id text, at timestamptz)
RETURNS void LANGUAGE sql SET search_path = provost, pg_temp AS $$
WITH taken AS (
    INSERT INTO steps (job_id, position, project_id, name, state, attempt, execution_id, started_at, ended_at, code, error, is_retryable, output)
    SELECT new_job_id, s.position, s.project_id, s.name, CASE WHEN skips AND s.state = 'undo_failed' THEN 'undo_skipped' ELSE s.state END, s.attempt,
           s.execution_id, s.started_at, s.ended_at, s.code, s.error, s.is_retryable, s.output
    FROM steps s WHERE s.job_id = stuck
    RETURNING project_id, name, state, attempt
)
INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, request_id, occurred_at, detail)
SELECT 'step', t.project_id, 'undo_failed', t.state, reason, actor, new_job_id, request_id, at, json_build_object('step', t.name, 'attempt', t.attempt)
FROM taken t WHERE skips AND t.state = 'undo_skipped'
$$;
