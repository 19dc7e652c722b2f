-- What do these jobs depend on, and how did it end as they were told?
-- $1 jobs
SELECT e.job_id, e.depends_on, e.policy, e.outcome FROM job_dependencies e WHERE e.job_id = ANY ($1::uuid[]) ORDER BY e.job_id, e.depends_on
