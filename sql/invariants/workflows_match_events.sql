-- No workflow has a state that differs from its last event, or has no event.
SELECT w.id::text AS id
FROM workflows w
LEFT JOIN LATERAL (
    SELECT e.new_state FROM events e WHERE e.entity_id = w.id AND e.entity = 'workflow' ORDER BY e.id DESC LIMIT 1
) AS last ON true
WHERE last.new_state IS DISTINCT FROM w.state
