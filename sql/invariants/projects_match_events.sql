-- No project has a status that differs from its last event, or has no event.
SELECT p.id::text AS id
FROM projects p
LEFT JOIN LATERAL (
    SELECT e.new_state FROM events e WHERE e.entity_id = p.id AND e.entity = 'project' ORDER BY e.id DESC LIMIT 1
) AS last ON true
WHERE last.new_state IS DISTINCT FROM p.status
