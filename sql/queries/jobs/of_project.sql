-- List the jobs of a project, newest first, with the latest attempt of each.
SELECT j.id, j.kind, j.queue, j.state, j.run_at, j.attempt, j.failures, j.max_attempts, j.worker_id, j.lease_until,
       j.error, j.created_at, j.finished_at, x.id AS execution_id, x.claimed_at, x.ended_at, x.outcome
FROM jobs j
LEFT JOIN executions x ON x.job_id = j.id AND x.id = j.execution_id
WHERE j.project_id = $1
ORDER BY j.id DESC
LIMIT $2
