-- No job is in both partitions, and no attempt lacks its job or job lacks its project.
SELECT id::text AS id FROM jobs_live JOIN jobs_finished USING (id)
UNION ALL
SELECT x.job_id::text FROM past_executions x WHERE NOT EXISTS (SELECT FROM jobs j WHERE j.id = x.job_id)
UNION ALL
SELECT j.id::text FROM jobs j WHERE j.project_id IS NOT NULL AND NOT EXISTS (SELECT FROM projects p WHERE p.id = j.project_id)
