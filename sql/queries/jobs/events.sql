-- List the events of a job, newest first.
-- $1 job  $2 before this event, or null  $3 max rows
SELECT e.id, e.entity, e.entity_id, e.entity_name, e.previous_state, e.new_state, e.reason, e.actor, e.detail::text AS detail,
       e.job_id, e.execution_id, e.request_id, e.occurred_at, x.attempt
FROM events e LEFT JOIN executions x ON x.job_id = e.job_id AND x.id = e.execution_id
WHERE e.entity_id = $1 AND e.entity = 'job' AND ($2::bigint IS NULL OR e.id < $2)
ORDER BY e.id DESC
LIMIT $3
