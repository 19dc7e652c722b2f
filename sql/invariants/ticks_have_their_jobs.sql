-- It is never the case that a tick says that it started a job which was never there, or that a schedule started a job without a
-- tick. What retention has taken since is not known any more.
SELECT t.job_id::text AS id FROM ticks t
WHERE t.outcome = 'fired' AND NOT EXISTS (SELECT FROM jobs j WHERE j.id = t.job_id)
  AND NOT EXISTS (SELECT FROM events e WHERE e.entity_id = t.job_id)
  AND NOT EXISTS (SELECT FROM retention r WHERE r.class IN ('completed', 'failed', 'canceled') AND r.pruned_at >= t.occurred_at)
UNION ALL
SELECT e.entity_id::text FROM events e
WHERE e.entity = 'job' AND e.previous_state = 'none' AND EXISTS (SELECT FROM schedules s WHERE e.actor = 'schedule:' || s.name)
  AND NOT EXISTS (SELECT FROM ticks t WHERE t.job_id = e.entity_id)
  AND NOT EXISTS (SELECT FROM retention r WHERE r.class = 'ticks' AND r.pruned_at >= e.occurred_at)
