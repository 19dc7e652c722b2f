-- No job has a state that differs from its last event, or has no event. Jobs whose events were all removed are not checked.
SELECT j.id::text AS id
FROM jobs j
CROSS JOIN (SELECT last_event_id FROM retention WHERE class = 'events') AS forgotten
LEFT JOIN LATERAL (
    SELECT e.new_state FROM events e WHERE e.entity_id = j.id AND e.entity = 'job' AND e.id > last_event_id ORDER BY e.id DESC LIMIT 1
) AS last ON true
WHERE last.new_state <> j.state OR (last.new_state IS NULL AND last_event_id = 0)
