-- List the events of a workflow, newest first.
-- $1 workflow  $2 before this event, or null  $3 max rows
SELECT e.id, e.entity, e.entity_id, e.entity_name, e.previous_state, e.new_state, e.reason, e.actor, e.detail::text AS detail,
       e.job_id, e.execution_id, e.request_id, e.occurred_at, NULL::integer AS attempt
FROM events e
WHERE e.entity_id = $1 AND e.entity = 'workflow' AND ($2::bigint IS NULL OR e.id < $2)
ORDER BY e.id DESC
LIMIT $3
