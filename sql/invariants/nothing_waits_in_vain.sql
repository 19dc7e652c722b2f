-- It is never the case that a job waits for what can never come: each dependency that holds it back is one that has not ended, or
-- one that failed and may be tried again.
SELECT j.id::text AS id
FROM jobs j
LEFT JOIN job_dependencies e ON e.job_id = j.id AND NOT is_met(e.policy, e.outcome)
LEFT JOIN jobs p ON p.id = e.depends_on
WHERE j.state = 'blocked' AND NOT EXISTS (SELECT FROM tellings t WHERE t.job_id = e.depends_on)
  AND (e.job_id IS NULL OR dooms(e.policy, e.outcome) OR p.id IS NULL OR (p.state = 'failed') IS DISTINCT FROM (e.outcome IS NOT NULL)
       OR p.state IN ('completed', 'canceled'))
UNION
-- Nor that one was canceled because of a dependency that would let it run.
SELECT j.id::text
FROM jobs j LEFT JOIN job_dependencies e ON e.job_id = j.id AND e.depends_on = j.doomed_by
WHERE j.doomed_by IS NOT NULL AND (e.job_id IS NULL OR NOT dooms(e.policy, e.outcome))
