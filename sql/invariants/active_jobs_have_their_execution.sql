-- It is never the case that an active job has not exactly one open execution, under its own id, worker and attempt and with a
-- lease, or that any other job has an open execution.
SELECT j.id::text AS id
FROM jobs j LEFT JOIN executions x ON x.job_id = j.id AND x.ended_at IS NULL
GROUP BY j.id
HAVING count(x.id) <> (j.state = 'active')::integer
    OR bool_or((x.id, x.worker_id, x.attempt) IS DISTINCT FROM (j.execution_id, j.worker_id, j.attempt)) FILTER (WHERE x.id IS NOT NULL)
    OR (j.state = 'active' AND j.lease_until IS NULL)
