-- Nobody finished in time: give up on the projects whose deadline has passed, and cancel their jobs.
-- Jobs are locked before projects, like everywhere else. What somebody else holds right now is left for the next time, so
-- that one locked row never keeps the others waiting; a project without a job is given up all the same.
-- $1 how many at most  $2 actor  $3 ring?
WITH overdue AS MATERIALIZED (
    SELECT id FROM projects WHERE deadline_at < (SELECT clock_timestamp()) ORDER BY deadline_at LIMIT $1
), held AS MATERIALIZED (
    SELECT j.id, j.project_id, j.state, j.worker_id, j.execution_id
    FROM jobs j JOIN overdue ON overdue.id = j.project_id
    WHERE j.state NOT IN ('completed', 'failed', 'canceled')
    ORDER BY j.id FOR UPDATE OF j SKIP LOCKED
), late AS MATERIALIZED (
    SELECT p.id, p.status, held.id AS job_id, held.execution_id
    FROM overdue
    JOIN projects p ON p.id = overdue.id
    LEFT JOIN held ON held.project_id = overdue.id
    WHERE p.deadline_at < clock_timestamp()
      AND (held.id IS NOT NULL OR NOT EXISTS (
          SELECT FROM jobs j WHERE j.project_id = p.id AND j.state NOT IN ('completed', 'failed', 'canceled')))
    ORDER BY p.id FOR UPDATE OF p SKIP LOCKED
), moved AS (
    UPDATE projects p
    SET status = 'failed', deadline_at = NULL, version = p.version + 1, updated_at = clock_timestamp(),
        error_reason = CASE late.status
            WHEN 'creating' THEN 'gave up waiting: no worker took it before its deadline'
            WHEN 'provisioning' THEN 'provisioning did not finish before its deadline'
            ELSE 'removal did not finish before its deadline' END
    FROM late
    WHERE p.id = late.id AND p.status IN ('creating', 'provisioning', 'deleting')
    RETURNING p.id, late.status AS previous_state, p.error_reason, late.job_id, late.execution_id, p.updated_at
), canceled AS (
    UPDATE jobs j
    SET state = 'canceled', error = moved.error_reason, lease_until = NULL, timeout_at = NULL, worker_id = NULL, cancel_requested_at = NULL,
        finished_at = moved.updated_at, updated_at = moved.updated_at
    FROM moved JOIN held ON held.id = moved.job_id
    WHERE j.id = held.id AND j.state NOT IN ('completed', 'failed', 'canceled')
    RETURNING j.id, j.kind, j.queue, j.attempt, held.state AS previous_state, held.worker_id, j.execution_id, j.run_at, j.claimed_at, j.error, j.updated_at
), ended AS (
    INSERT INTO past_executions (id, job_id, attempt, worker_id, kind, queue, due_at, claimed_at, ended_at, outcome, error)
    SELECT execution_id, id, attempt, worker_id, kind, queue, run_at, claimed_at, updated_at, 'canceled', error FROM canceled WHERE previous_state = 'active'
), told AS (
    INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, execution_id, occurred_at)
    SELECT 'project', id, previous_state, 'failed', error_reason, $2::text, job_id, execution_id, updated_at FROM moved
    UNION ALL
    SELECT 'job', id, previous_state, 'canceled', error, $2, id, execution_id, updated_at FROM canceled
), rung AS (
    SELECT pg_notify('provost', queue) FROM (SELECT DISTINCT queue FROM canceled) AS q WHERE $3::boolean
)
SELECT id, previous_state, error_reason, job_id, (SELECT count(*) FROM rung) AS rung FROM moved ORDER BY id
