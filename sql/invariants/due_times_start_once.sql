-- It is never the case that a due time of a schedule started something twice.
SELECT concat_ws(' ', schedule_id, due_at) AS id FROM ticks WHERE outcome = 'fired' GROUP BY schedule_id, due_at HAVING count(*) > 1
UNION ALL
-- Nor that one job or workflow is what two of them started.
SELECT coalesce(job_id, workflow_id)::text FROM ticks WHERE num_nonnulls(job_id, workflow_id) > 0 GROUP BY coalesce(job_id, workflow_id) HAVING count(*) > 1
