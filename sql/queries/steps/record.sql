-- Record that a step of an operation changes its state. Fenced by the execution id: an attempt that is no longer the current one of
-- its job records nothing.
-- $1 job  $2 execution  $3 position  $4 name  $5 new state  $6 code or null  $7 error or null  $8 retryable? or null
-- $9 output (JSON object) or null
--
-- Locks the job with the weakest lock that keeps it from ending, so heartbeats go on. A step is started again by every attempt that
-- finds it unfinished. Output: no row if the attempt is not the current one; otherwise what the operation is to stop for, or null.
WITH held AS MATERIALIZED (
    SELECT id, project_id, cancel_requested_at FROM jobs
    WHERE id = $1 AND execution_id = $2 AND state = 'active' AND project_id IS NOT NULL FOR KEY SHARE
), before AS MATERIALIZED (
    SELECT state FROM steps WHERE job_id = $1 AND position = $3
), recorded AS (
    INSERT INTO steps AS s (job_id, position, project_id, name, state, execution_id, started_at, ended_at, code, error, is_retryable, output)
    SELECT held.id, $3, held.project_id, $4, $5, $2, at, CASE WHEN $5 NOT IN ('running', 'undoing') THEN at END, $6, $7, $8, $9::text::json
    FROM held, clock_timestamp() AS at
    ON CONFLICT (job_id, position) DO UPDATE
    SET state = excluded.state, name = excluded.name, execution_id = excluded.execution_id, ended_at = excluded.ended_at,
        started_at = CASE WHEN excluded.ended_at IS NULL THEN excluded.started_at ELSE s.started_at END,
        attempt = s.attempt + (excluded.ended_at IS NULL AND excluded.state = 'running')::integer,
        -- A failure of the undo does not hide why the step itself failed.
        code = CASE WHEN excluded.state = 'undo_failed' THEN coalesce(s.code, excluded.code)
                    WHEN excluded.state NOT IN ('running', 'done') THEN coalesce(excluded.code, s.code) END,
        error = CASE WHEN excluded.state = 'undo_failed'
                     THEN concat_ws(', and ', nullif(regexp_replace(coalesce(s.error, ''), '(, and )?undoing failed: .*$', ''), ''), 'undoing failed: ' || excluded.error)
                     WHEN excluded.state NOT IN ('running', 'done') THEN coalesce(excluded.error, s.error) END,
        is_retryable = CASE WHEN excluded.state NOT IN ('running', 'done') THEN coalesce(excluded.is_retryable, s.is_retryable) END,
        output = coalesce(excluded.output, s.output)
    RETURNING s.project_id, s.state, s.attempt, coalesce(s.ended_at, s.started_at) AS at
), event AS (
    INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, execution_id, occurred_at, detail)
    SELECT 'step', recorded.project_id, coalesce((SELECT state FROM before), 'none'), recorded.state, $7, j.worker_id, $1, $2, recorded.at,
           json_build_object('step', $4::text, 'attempt', recorded.attempt)
    FROM recorded JOIN jobs j ON j.id = $1
)
SELECT CASE WHEN held.cancel_requested_at IS NOT NULL THEN coalesce(p.stop_request, 'cancel') ELSE p.stop_request END AS stop_request
FROM held JOIN projects p ON p.id = held.project_id
