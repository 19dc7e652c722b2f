-- No job finished more often than it was reopened, plus once if it is finished now.
SELECT j.id::text AS id
FROM jobs j JOIN (
    SELECT e.entity_id,
           sum((e.new_state IN ('completed', 'failed', 'canceled', 'superseded') AND e.previous_state NOT IN ('completed', 'failed', 'canceled', 'superseded'))::integer
             - (e.previous_state IN ('completed', 'failed', 'canceled', 'superseded') AND e.new_state NOT IN ('completed', 'failed', 'canceled', 'superseded'))::integer) AS n,
           (array_agg(e.previous_state ORDER BY e.id))[1] IN ('completed', 'failed', 'canceled', 'superseded') AS was_finished
    FROM events e
    WHERE e.entity = 'job' AND e.id > (SELECT last_event_id FROM retention WHERE class = 'events')
    GROUP BY e.entity_id
) AS recorded ON recorded.entity_id = j.id
WHERE recorded.n + recorded.was_finished::integer <> (j.state IN ('completed', 'failed', 'canceled', 'superseded'))::integer
