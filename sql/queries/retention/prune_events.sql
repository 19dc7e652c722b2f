-- Forget what jobs went through so long ago. What happened to projects, queues, workers and limits stays. Walks on from
-- where it came to the last time, so what stays is walked over once.
-- $1 age (s)  $2 how many at most
WITH next AS MATERIALIZED (
    SELECT e.id, e.entity, e.spot FROM (SELECT passed FROM retention WHERE class = 'events' FOR UPDATE SKIP LOCKED) AS r
    CROSS JOIN LATERAL (
        SELECT id, entity, ctid AS spot, occurred_at FROM events WHERE id > r.passed ORDER BY id LIMIT $2
    ) AS e
    WHERE e.occurred_at <= (SELECT clock_timestamp()) - $1::float8 * interval '1 second'
), gone AS (
    -- Events are never updated, so each is where it was found.
    DELETE FROM events WHERE ctid = ANY (ARRAY(SELECT spot FROM next WHERE entity = 'job')) RETURNING 1
), counted AS (
    UPDATE retention
    SET removed = removed + (SELECT count(*) FROM gone), passed = (SELECT max(id) FROM next), pruned_at = clock_timestamp()
    WHERE class = 'events' AND EXISTS (SELECT FROM next)
)
SELECT count(*) AS n, (SELECT count(*) FROM next) AS walked FROM gone
