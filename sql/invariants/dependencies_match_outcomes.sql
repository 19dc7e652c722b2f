-- No dependency of a waiting job has a recorded outcome that differs from the state of the job it depends on. Dependencies in
-- pending_releases are updated soon.
SELECT e.job_id::text AS id
FROM job_dependencies e
JOIN jobs j ON j.id = e.job_id
LEFT JOIN jobs p ON p.id = e.depends_on
WHERE NOT EXISTS (SELECT FROM pending_releases t WHERE t.job_id = e.depends_on) AND (
   e.outcome IS NULL AND p.id IS NULL
   -- A job that has started keeps the old outcome if its dependency is retried.
   OR (j.pending_dependencies > 0 OR e.outcome IS NULL) AND p.id IS NOT NULL
      AND e.outcome IS DISTINCT FROM CASE WHEN p.state = 'superseded' THEN 'failed' WHEN p.state IN ('completed', 'failed', 'canceled') THEN p.state END)
