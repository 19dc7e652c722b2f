-- No event starts from a state other than the one that the previous event led to. Deleted entities may be created again; a
-- worker without heartbeats counts as lost; retention may have removed the oldest events of a job.
SELECT coalesce(entity_id::text, entity_name) AS id
FROM (
    SELECT e.*, lag(new_state) OVER (PARTITION BY entity, entity_id, entity_name ORDER BY id) AS before
    FROM events e
    -- The events of a project's steps follow each other by step.
    WHERE entity <> 'step' AND (entity <> 'job' OR id > (SELECT last_event_id FROM retention WHERE class = 'events'))
) AS e
WHERE previous_state <> CASE WHEN before IS NULL OR before = 'gone' THEN 'none' ELSE before END
  AND NOT (entity = 'worker' AND previous_state = 'lost' AND before IS NOT NULL)
  AND NOT (entity = 'job' AND before IS NULL AND (SELECT last_event_id FROM retention WHERE class = 'events') > 0)
