-- It is never the case that an event of a thing begins in another state than the one that its earlier event led to. (What is
-- gone may be born again; a silent worker counts as lost; the oldest events of a job may have been forgotten.)
SELECT coalesce(entity_id::text, entity_name) AS id
FROM (
    SELECT e.*, lag(new_state) OVER (PARTITION BY entity, entity_id, entity_name ORDER BY id) AS before
    FROM events e
    WHERE entity <> 'job' OR id > (SELECT passed FROM retention WHERE class = 'events')
) AS e
WHERE previous_state <> CASE WHEN before IS NULL OR before = 'gone' THEN 'none' ELSE before END
  AND NOT (entity = 'worker' AND previous_state = 'lost' AND before IS NOT NULL)
  AND NOT (entity = 'job' AND before IS NULL AND (SELECT passed FROM retention WHERE class = 'events') > 0)
