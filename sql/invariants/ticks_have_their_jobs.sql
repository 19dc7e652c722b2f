-- It is never the case that a tick says that it started a job or a workflow which was never there, or that a schedule started one
-- without a tick. What retention has taken since is not known any more.
SELECT coalesce(t.job_id, t.workflow_id)::text AS id FROM ticks t
WHERE t.outcome = 'fired' AND NOT EXISTS (SELECT FROM jobs j WHERE j.id = t.job_id) AND NOT EXISTS (SELECT FROM workflows w WHERE w.id = t.workflow_id)
  AND NOT EXISTS (SELECT FROM events e WHERE e.entity_id = coalesce(t.job_id, t.workflow_id))
  AND NOT EXISTS (SELECT FROM retention r WHERE r.class IN ('completed', 'failed', 'canceled') AND r.pruned_at >= t.occurred_at)
UNION ALL
SELECT e.entity_id::text FROM events e
WHERE e.entity IN ('job', 'workflow') AND e.previous_state = 'none' AND EXISTS (SELECT FROM schedules s WHERE e.actor = 'schedule:' || s.name)
  AND NOT EXISTS (SELECT FROM ticks t WHERE t.job_id = e.entity_id) AND NOT EXISTS (SELECT FROM ticks t WHERE t.workflow_id = e.entity_id)
  -- A step has the tick of its workflow.
  AND NOT EXISTS (SELECT FROM jobs j JOIN ticks t ON t.workflow_id = j.workflow_id WHERE j.id = e.entity_id AND e.entity = 'job')
  AND NOT EXISTS (SELECT FROM retention r WHERE r.pruned_at >= e.occurred_at AND (r.class = 'ticks' OR r.class = 'workflows' AND e.entity = 'job'))
