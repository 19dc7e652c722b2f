-- Fail the projects whose deadline has passed, and cancel their jobs.
-- Locks jobs, then projects, as everywhere, and skips locked rows. A project without a job fails as well.
-- $1 max rows  $2 actor  $3 notify?
WITH overdue AS MATERIALIZED (
    SELECT id FROM projects WHERE deadline_at < (SELECT clock_timestamp()) ORDER BY deadline_at LIMIT $1
), locked_jobs AS MATERIALIZED (
    SELECT j.id, j.project_id, j.state, j.worker_id, j.execution_id
    FROM jobs j JOIN overdue ON overdue.id = j.project_id
    WHERE j.state NOT IN ('completed', 'failed', 'canceled', 'superseded')
    ORDER BY j.id FOR UPDATE OF j SKIP LOCKED
), locked_projects AS MATERIALIZED (
    SELECT p.id, p.status, p.operation, locked_jobs.id AS job_id
    FROM overdue
    JOIN projects p ON p.id = overdue.id
    LEFT JOIN locked_jobs ON locked_jobs.project_id = overdue.id
    WHERE p.deadline_at < clock_timestamp()
      AND (locked_jobs.id IS NOT NULL OR NOT EXISTS (
          SELECT FROM jobs j WHERE j.project_id = p.id AND j.state NOT IN ('completed', 'failed', 'canceled', 'superseded')))
    ORDER BY p.id FOR UPDATE OF p SKIP LOCKED
), reasons AS MATERIALIZED (
    SELECT locked_projects.*, CASE status
            WHEN 'creating' THEN 'no worker started provisioning before the deadline'
            WHEN 'provisioning' THEN 'provisioning did not finish before the deadline'
            WHEN 'deleting' THEN 'removal did not finish before the deadline'
            ELSE format('%s did not finish before the deadline', status) END AS reason
    FROM locked_projects
), canceled AS (
    UPDATE jobs j
    SET state = 'canceled', error = reasons.reason, lease_until = NULL, timeout_at = NULL, worker_id = NULL, cancel_requested_at = NULL,
        finished_at = at, updated_at = at
    FROM clock_timestamp() AS at, reasons JOIN locked_jobs ON locked_jobs.id = reasons.job_id
    WHERE j.id = locked_jobs.id AND j.state NOT IN ('completed', 'failed', 'canceled', 'superseded')
    RETURNING j.id, j.project_id, j.kind, j.queue, j.attempt, locked_jobs.state AS previous_state, locked_jobs.worker_id, j.execution_id, j.run_at, j.claimed_at, j.error, j.updated_at
), ended AS (
    INSERT INTO past_executions (id, job_id, attempt, worker_id, kind, queue, due_at, claimed_at, ended_at, outcome, error)
    SELECT execution_id, id, attempt, worker_id, kind, queue, run_at, claimed_at, updated_at, 'canceled', error FROM canceled WHERE previous_state = 'active'
), changed AS MATERIALIZED (
    -- A project without a job fails as well.
    SELECT reasons.id, reasons.job_id, finished.previous_status AS previous_state, finished.status, reasons.reason
    FROM reasons LEFT JOIN canceled ON canceled.project_id = reasons.id
    CROSS JOIN LATERAL finish_operation(reasons.id, canceled.id, canceled.execution_id,
        coalesce(canceled.kind, (SELECT job_kind FROM operation_kinds k WHERE k.operation = reasons.operation)), 'canceled', 'deadline_exceeded',
        reasons.reason, $2::text, NULL, clock_timestamp()) AS finished
), recorded AS (
    INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, execution_id, occurred_at)
    SELECT 'job', id, previous_state, 'canceled', error, $2, id, execution_id, updated_at FROM canceled
), notified AS (
    -- The queue, and the workers, which end what they still do.
    SELECT pg_notify('provost', channel) FROM (SELECT queue AS channel FROM canceled UNION SELECT 'cancel' FROM canceled) AS q WHERE $3::boolean
)
SELECT id, previous_state, status, reason AS error_reason, job_id, (SELECT count(*) FROM notified) AS notified FROM changed ORDER BY id
