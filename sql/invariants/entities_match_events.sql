-- No queue, worker, limit or schedule has a state that differs from its last event, or has no event.
SELECT concat_ws(' ', thing.entity, thing.name) AS id
FROM (
    SELECT 'queue' AS entity, name, state FROM queues
    UNION ALL SELECT 'worker', id, state FROM workers
    UNION ALL SELECT 'limit', name, CASE WHEN enabled THEN 'enabled' ELSE 'disabled' END FROM limits
    UNION ALL SELECT 'schedule', name, state FROM schedules
) AS thing
LEFT JOIN LATERAL (
    SELECT e.new_state FROM events e
    WHERE e.entity = thing.entity AND e.entity_name = thing.name ORDER BY e.id DESC LIMIT 1
) AS last ON true
WHERE last.new_state IS DISTINCT FROM thing.state
