-- No due time of a schedule started work twice, and no job or workflow was started by two due times.
SELECT concat_ws(' ', schedule_id, due_at) AS id FROM ticks WHERE outcome = 'fired' GROUP BY schedule_id, due_at HAVING count(*) > 1
UNION ALL
-- Started by two due times.
SELECT coalesce(job_id, workflow_id)::text FROM ticks WHERE num_nonnulls(job_id, workflow_id) > 0 GROUP BY coalesce(job_id, workflow_id) HAVING count(*) > 1
