-- Take back active jobs whose lease has expired, whose timeout has passed, or whose worker did not stop in time after a cancel
-- request. A job with failures left is retried at once and keeps its place in the queue, because run_at stays; otherwise it
-- becomes a dead letter and its project fails. The deadline of a project, not this grace, bounds how long its operation may take
-- to stop after a cancel request: it may have to undo its steps.
-- Locks: jobs in order of their ids, then projects; skips locked rows. The update checks the lease again.
-- $1 max rows  $2 actor  $3 notify?  $4 grace after a cancel request (s)  $5 grace after a timeout (s)
WITH expired AS MATERIALIZED (
    SELECT id, execution_id, worker_id, lease_until, project_id,
           CASE WHEN cancel_requested_at IS NOT NULL THEN 'canceled'
                WHEN lease_until < at THEN 'lease_expired' ELSE 'timed_out' END AS outcome
    FROM jobs, (SELECT clock_timestamp() AS at) AS clock
    WHERE state = 'active' AND worker_id IS NOT NULL
      AND (lease_until < at OR (cancel_requested_at < at - $4::float8 * interval '1 second' AND project_id IS NULL)
           OR timeout_at < at - $5::float8 * interval '1 second')
    ORDER BY id LIMIT $1
    FOR UPDATE OF jobs SKIP LOCKED
), locked_projects AS MATERIALIZED (
    SELECT id FROM projects WHERE id IN (SELECT project_id FROM expired) ORDER BY id FOR UPDATE SKIP LOCKED
), reaped AS (
    UPDATE jobs j
    SET state = CASE WHEN outcome = 'canceled' THEN 'canceled' WHEN j.failures + 1 >= j.max_attempts THEN 'failed' ELSE 'retrying' END,
        failures = j.failures + (outcome <> 'canceled')::integer,
        lease_until = NULL, timeout_at = NULL, worker_id = NULL, cancel_requested_at = NULL, updated_at = at,
        error = CASE outcome
            WHEN 'canceled' THEN concat_ws(': ', 'canceled', j.cancel_reason)
            WHEN 'timed_out' THEN format('timed out after %s s: worker %s did not stop the attempt', j.timeout, expired.worker_id)
            ELSE format('worker %s was lost: its lease expired without a heartbeat', expired.worker_id) END,
        finished_at = CASE WHEN outcome = 'canceled' OR j.failures + 1 >= j.max_attempts THEN at END
    FROM expired, clock_timestamp() AS at
    WHERE (expired.project_id IS NULL OR expired.project_id IN (SELECT id FROM locked_projects))
      AND j.id = expired.id AND j.state = 'active' AND j.execution_id = expired.execution_id
      AND j.lease_until = expired.lease_until
    RETURNING j.id, j.project_id, j.kind, j.queue, j.state, j.attempt, j.error, j.failures, j.execution_id, j.run_at, j.claimed_at, expired.worker_id, expired.lease_until, outcome,
              j.updated_at
), ended AS (
    INSERT INTO past_executions (id, job_id, attempt, worker_id, kind, queue, due_at, claimed_at, ended_at, outcome, error)
    SELECT execution_id, id, attempt, worker_id, kind, queue, run_at, claimed_at, updated_at, outcome, error FROM reaped
), changed AS MATERIALIZED (
    SELECT reaped.id AS job_id, finished.*
    FROM reaped CROSS JOIN LATERAL finish_operation(reaped.project_id, reaped.id, reaped.execution_id, reaped.kind, reaped.state,
        CASE outcome WHEN 'lease_expired' THEN 'worker_lost' ELSE outcome END,
        CASE reaped.state WHEN 'canceled' THEN reaped.error ELSE format('%s (%s failures in total)', reaped.error, reaped.failures) END,
        $2::text, NULL, reaped.updated_at) AS finished
    WHERE reaped.project_id IS NOT NULL AND reaped.state IN ('failed', 'canceled')
), recorded AS (
    INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, execution_id, occurred_at, detail)
    SELECT 'job', id, 'active', state, error, $2::text, id, execution_id, updated_at,
           json_build_object('before', json_build_object('lease_until', lease_until)) FROM reaped
    UNION ALL
    -- A lost attempt stands in the record of the project as well.
    SELECT 'project', p.id, p.status, p.status, format('attempt %s ended and will be retried: %s', r.attempt, r.error), $2::text, r.id, r.execution_id, r.updated_at, NULL
    FROM reaped r JOIN projects p ON p.id = r.project_id WHERE r.state = 'retrying'
), notified AS (
    SELECT pg_notify('provost', queue) FROM (SELECT DISTINCT queue FROM reaped) AS q WHERE $3::boolean
)
SELECT reaped.id, reaped.project_id, reaped.execution_id, reaped.worker_id, reaped.state, reaped.outcome, reaped.error,
       changed.previous_status AS previous_project_status, changed.status AS project_status, (SELECT count(*) FROM notified) AS notified
FROM reaped LEFT JOIN changed ON changed.job_id = reaped.id
ORDER BY reaped.id
