-- Which jobs wait for this one, and do they know how it ended? Those that still wait first.
-- $1 job  $2 how many at most
SELECT e.job_id, e.depends_on, e.policy, e.outcome
FROM job_dependencies e WHERE e.depends_on = $1
ORDER BY e.outcome IS NOT NULL, e.job_id LIMIT $2
