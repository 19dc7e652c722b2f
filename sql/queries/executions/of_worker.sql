-- What does this worker hold right now?
SELECT j.id AS job_id, j.execution_id AS id, j.attempt, j.worker_id, j.kind, j.queue, x.claimed_at, x.ended_at, x.outcome, x.error, j.lease_until
FROM jobs j JOIN executions x ON x.id = j.execution_id
WHERE j.state = 'active' AND j.worker_id = $1
ORDER BY x.claimed_at
LIMIT $2
