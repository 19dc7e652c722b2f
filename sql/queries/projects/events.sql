-- List the events of a project, newest first.
-- $1 project  $2 before this event, or null  $3 max rows
SELECT e.id, e.entity_id AS project_id, e.previous_state, e.new_state, e.reason, e.actor, e.job_id, e.execution_id,
       e.request_id, e.occurred_at, j.kind, x.attempt
FROM events e
LEFT JOIN executions x ON x.job_id = e.job_id AND x.id = e.execution_id
LEFT JOIN jobs j ON j.id = e.job_id
WHERE e.entity_id = $1 AND e.entity = 'project' AND ($2::bigint IS NULL OR e.id < $2)
ORDER BY e.id DESC
LIMIT $3
