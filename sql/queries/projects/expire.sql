-- Fail the projects whose deadline has passed, and cancel their jobs.
-- Locks jobs, then projects, as everywhere, and skips locked rows. A project without a job fails as well.
-- $1 max rows  $2 actor  $3 notify?
WITH overdue AS MATERIALIZED (
    SELECT id FROM projects WHERE deadline_at < (SELECT clock_timestamp()) ORDER BY deadline_at LIMIT $1
), locked_jobs AS MATERIALIZED (
    SELECT j.id, j.project_id, j.state, j.worker_id, j.execution_id
    FROM jobs j JOIN overdue ON overdue.id = j.project_id
    WHERE j.state NOT IN ('completed', 'failed', 'canceled')
    ORDER BY j.id FOR UPDATE OF j SKIP LOCKED
), locked_projects AS MATERIALIZED (
    SELECT p.id, p.status, locked_jobs.id AS job_id, locked_jobs.execution_id
    FROM overdue
    JOIN projects p ON p.id = overdue.id
    LEFT JOIN locked_jobs ON locked_jobs.project_id = overdue.id
    WHERE p.deadline_at < clock_timestamp()
      AND (locked_jobs.id IS NOT NULL OR NOT EXISTS (
          SELECT FROM jobs j WHERE j.project_id = p.id AND j.state NOT IN ('completed', 'failed', 'canceled')))
    ORDER BY p.id FOR UPDATE OF p SKIP LOCKED
), changed AS (
    UPDATE projects p
    SET status = 'failed', deadline_at = NULL, version = p.version + 1, updated_at = clock_timestamp(),
        error_reason = CASE locked_projects.status
            WHEN 'creating' THEN 'no worker started provisioning before the deadline'
            WHEN 'provisioning' THEN 'provisioning did not finish before the deadline'
            ELSE 'removal did not finish before the deadline' END
    FROM locked_projects
    WHERE p.id = locked_projects.id AND p.status IN ('creating', 'provisioning', 'deleting')
    RETURNING p.id, locked_projects.status AS previous_state, p.error_reason, locked_projects.job_id, locked_projects.execution_id, p.updated_at
), canceled AS (
    UPDATE jobs j
    SET state = 'canceled', error = changed.error_reason, lease_until = NULL, timeout_at = NULL, worker_id = NULL, cancel_requested_at = NULL,
        finished_at = changed.updated_at, updated_at = changed.updated_at
    FROM changed JOIN locked_jobs ON locked_jobs.id = changed.job_id
    WHERE j.id = locked_jobs.id AND j.state NOT IN ('completed', 'failed', 'canceled')
    RETURNING j.id, j.kind, j.queue, j.attempt, locked_jobs.state AS previous_state, locked_jobs.worker_id, j.execution_id, j.run_at, j.claimed_at, j.error, j.updated_at
), ended AS (
    INSERT INTO past_executions (id, job_id, attempt, worker_id, kind, queue, due_at, claimed_at, ended_at, outcome, error)
    SELECT execution_id, id, attempt, worker_id, kind, queue, run_at, claimed_at, updated_at, 'canceled', error FROM canceled WHERE previous_state = 'active'
), recorded AS (
    INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, execution_id, occurred_at)
    SELECT 'project', id, previous_state, 'failed', error_reason, $2::text, job_id, execution_id, updated_at FROM changed
    UNION ALL
    SELECT 'job', id, previous_state, 'canceled', error, $2, id, execution_id, updated_at FROM canceled
), notified AS (
    SELECT pg_notify('provost', queue) FROM (SELECT DISTINCT queue FROM canceled) AS q WHERE $3::boolean
)
SELECT id, previous_state, error_reason, job_id, (SELECT count(*) FROM notified) AS notified FROM changed ORDER BY id
