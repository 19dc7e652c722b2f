-- It is never the case that a due time of a schedule started something twice.
SELECT concat_ws(' ', schedule_id, due_at) AS id FROM ticks WHERE outcome = 'fired' GROUP BY schedule_id, due_at HAVING count(*) > 1
UNION ALL
-- Nor that one job is what two of them started.
SELECT job_id::text FROM ticks WHERE job_id IS NOT NULL GROUP BY job_id HAVING count(*) > 1
