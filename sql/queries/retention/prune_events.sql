-- Delete old events of jobs and of the steps of projects. Events of other entities are kept. Each run continues after the last event that was examined, so
-- kept events are examined once.
-- $1 age (s)  $2 max rows
WITH next AS MATERIALIZED (
    SELECT e.id, e.entity, e.location FROM (SELECT last_event_id FROM retention WHERE class = 'events' FOR UPDATE SKIP LOCKED) AS r
    CROSS JOIN LATERAL (
        SELECT id, entity, ctid AS location, occurred_at FROM events WHERE id > r.last_event_id ORDER BY id LIMIT $2
    ) AS e
    WHERE e.occurred_at <= (SELECT clock_timestamp()) - $1::float8 * interval '1 second'
), deleted AS (
    -- Events are never updated, so their ctids are current.
    DELETE FROM events WHERE ctid = ANY (ARRAY(SELECT location FROM next WHERE entity IN ('job', 'step'))) RETURNING 1
), updated AS (
    UPDATE retention
    SET removed = removed + (SELECT count(*) FROM deleted), last_event_id = (SELECT max(id) FROM next), pruned_at = clock_timestamp()
    WHERE class = 'events' AND EXISTS (SELECT FROM next)
)
SELECT count(*) AS n, (SELECT count(*) FROM next) AS examined FROM deleted
