-- No job is blocked by a dependency that can no longer be satisfied, and no job was canceled by a dependency that would let it
-- run. A dependency that failed may be retried.
SELECT j.id::text AS id
FROM jobs j
LEFT JOIN job_dependencies e ON e.job_id = j.id AND NOT satisfies(e.policy, e.outcome)
LEFT JOIN jobs p ON p.id = e.depends_on
WHERE j.state = 'blocked' AND NOT EXISTS (SELECT FROM pending_releases t WHERE t.job_id = e.depends_on)
  AND (e.job_id IS NULL OR cancels_dependent(e.policy, e.outcome) OR p.id IS NULL OR (p.state = 'failed') IS DISTINCT FROM (e.outcome IS NOT NULL)
       OR p.state IN ('completed', 'canceled'))
UNION
-- Canceled by a dependency that would let the job run.
SELECT j.id::text
FROM jobs j LEFT JOIN job_dependencies e ON e.job_id = j.id AND e.depends_on = j.canceled_by
WHERE j.canceled_by IS NOT NULL AND (e.job_id IS NULL OR NOT cancels_dependent(e.policy, e.outcome))
