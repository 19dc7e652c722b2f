-- List the dependencies of these jobs, with the recorded outcomes.
-- $1 jobs
SELECT e.job_id, e.depends_on, e.policy, e.outcome FROM job_dependencies e WHERE e.job_id = ANY ($1::uuid[]) ORDER BY e.job_id, e.depends_on
