-- It is never the case that a job is in both halves of the table, or that an execution or a project's job is left without what
-- it belongs to.
SELECT id::text AS id FROM jobs_live JOIN jobs_finished USING (id)
UNION ALL
SELECT x.job_id::text FROM past_executions x WHERE NOT EXISTS (SELECT FROM jobs j WHERE j.id = x.job_id)
UNION ALL
SELECT j.id::text FROM jobs j WHERE j.project_id IS NOT NULL AND NOT EXISTS (SELECT FROM projects p WHERE p.id = j.project_id)
