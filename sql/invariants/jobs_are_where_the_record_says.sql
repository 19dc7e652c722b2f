-- It is never the case that a job is in another state than its last event says, or has no event. (Of one whose events were all
-- forgotten, the record says nothing.)
SELECT j.id::text AS id
FROM jobs j
CROSS JOIN (SELECT passed FROM retention WHERE class = 'events') AS forgotten
LEFT JOIN LATERAL (
    SELECT e.new_state FROM events e WHERE e.entity_id = j.id AND e.entity = 'job' AND e.id > passed ORDER BY e.id DESC LIMIT 1
) AS last ON true
WHERE last.new_state <> j.state OR (last.new_state IS NULL AND passed = 0)
