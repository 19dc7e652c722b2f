-- Every active job has exactly one open attempt, with its execution id, worker, attempt number and lease, and no other job has an
-- open attempt.
SELECT j.id::text AS id
FROM jobs j LEFT JOIN executions x ON x.job_id = j.id AND x.ended_at IS NULL
GROUP BY j.id, j.state, j.execution_id, j.worker_id, j.attempt, j.lease_until
HAVING count(x.job_id) <> (j.state = 'active')::integer
    OR bool_or((x.id, x.worker_id, x.attempt) IS DISTINCT FROM (j.execution_id, j.worker_id, j.attempt)) FILTER (WHERE x.job_id IS NOT NULL)
    OR (j.state = 'active' AND j.lease_until IS NULL)
UNION ALL
-- The attempt of an active job is not recorded as ended.
SELECT x.job_id::text FROM past_executions x JOIN jobs j ON j.id = x.job_id AND j.execution_id = x.id WHERE j.state = 'active'
