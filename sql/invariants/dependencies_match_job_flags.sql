-- No job has a flag has_dependencies that contradicts its dependencies, and no dependency lacks its job.
SELECT e.job_id::text AS id
FROM job_dependencies e LEFT JOIN jobs j ON j.id = e.job_id
WHERE j.has_dependencies IS NOT TRUE
UNION
SELECT j.id::text FROM jobs j WHERE j.has_dependencies AND NOT EXISTS (SELECT FROM job_dependencies e WHERE e.job_id = j.id)
