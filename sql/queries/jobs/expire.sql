-- Fail the jobs whose own deadline has passed, whatever their state. Skips locked jobs.
-- $1 max rows  $2 actor  $3 notify?
WITH overdue AS MATERIALIZED (
    SELECT id, state, worker_id FROM jobs
    WHERE deadline_at < (SELECT clock_timestamp()) AND deadline_at IS NOT NULL AND project_id IS NULL
      AND state IN ('scheduled', 'queued', 'blocked', 'active', 'retrying')
    ORDER BY id LIMIT $1
    FOR UPDATE SKIP LOCKED
), expired AS (
    UPDATE jobs j
    SET state = 'failed', error = 'the deadline passed before the job finished', lease_until = NULL, timeout_at = NULL, worker_id = NULL,
        cancel_requested_at = NULL, finished_at = at, updated_at = at
    FROM overdue, clock_timestamp() AS at
    WHERE j.id = overdue.id AND j.state = overdue.state AND j.state IN ('scheduled', 'queued', 'blocked', 'active', 'retrying')
    RETURNING j.id, j.kind, j.queue, j.attempt, overdue.state AS previous_state, overdue.worker_id, j.execution_id, j.run_at, j.claimed_at, j.error, j.updated_at
), ended AS (
    INSERT INTO past_executions (id, job_id, attempt, worker_id, kind, queue, due_at, claimed_at, ended_at, outcome, error)
    SELECT execution_id, id, attempt, worker_id, kind, queue, run_at, claimed_at, updated_at, 'timed_out', error FROM expired WHERE previous_state = 'active'
), recorded AS (
    INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, execution_id, occurred_at)
    SELECT 'job', id, previous_state, 'failed', error, $2::text, id, CASE previous_state WHEN 'active' THEN execution_id END, updated_at
    FROM expired
), notified AS (
    SELECT pg_notify('provost', queue) FROM (SELECT DISTINCT queue FROM expired) AS q WHERE $3::boolean
)
SELECT id, previous_state, (SELECT count(*) FROM notified) AS notified FROM expired ORDER BY id
