-- List the edges to the dependents of a job, those without an outcome first.
-- $1 job  $2 max rows
SELECT e.job_id, e.depends_on, e.policy, e.outcome
FROM job_dependencies e WHERE e.depends_on = $1
ORDER BY e.outcome IS NOT NULL, e.job_id LIMIT $2
