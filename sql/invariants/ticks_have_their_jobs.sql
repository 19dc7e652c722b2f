-- No tick refers to a job or workflow that never existed, and no schedule started one without a tick. Rows that retention has
-- removed are not checked.
SELECT t.id::text AS id
FROM (SELECT *, coalesce(job_id, workflow_id) AS started FROM ticks WHERE outcome = 'fired') AS t
WHERE NOT EXISTS (SELECT FROM jobs j WHERE j.id = t.job_id) AND NOT EXISTS (SELECT FROM workflows w WHERE w.id = t.workflow_id)
  AND NOT EXISTS (SELECT FROM events e WHERE e.entity_id = t.started)
  AND NOT EXISTS (SELECT FROM retention r WHERE r.class IN ('completed', 'failed', 'canceled', 'workflows') AND r.pruned_at >= t.occurred_at)
UNION ALL
SELECT e.entity_id::text
FROM events e LEFT JOIN jobs j ON j.id = e.entity_id AND e.entity = 'job'
WHERE e.entity IN ('job', 'workflow') AND e.previous_state = 'none' AND EXISTS (SELECT FROM schedules s WHERE e.actor = 'schedule:' || s.name)
  -- Steps are started and deleted with their workflow.
  AND j.workflow_id IS NULL
  AND NOT EXISTS (SELECT FROM ticks t WHERE t.job_id = e.entity_id) AND NOT EXISTS (SELECT FROM ticks t WHERE t.workflow_id = e.entity_id)
  AND NOT EXISTS (SELECT FROM retention r WHERE r.pruned_at >= e.occurred_at AND (r.class = 'ticks' OR r.class = 'workflows' AND e.entity = 'job' AND j.id IS NULL))
