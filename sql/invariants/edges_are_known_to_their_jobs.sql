-- It is never the case that a job does not know that it has dependencies, or thinks that it has some and has none, or that a dependency
-- is left without the job that has it.
SELECT e.job_id::text AS id
FROM job_dependencies e LEFT JOIN jobs j ON j.id = e.job_id
WHERE j.has_dependencies IS NOT TRUE
UNION
SELECT j.id::text FROM jobs j WHERE j.has_dependencies AND NOT EXISTS (SELECT FROM job_dependencies e WHERE e.job_id = j.id)
