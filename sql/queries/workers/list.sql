-- Who is there? All workers, or one, or those of a queue; who has been silent for too long is lost.
-- $1 one worker or null  $2 a queue or null  $3 how old a heartbeat may be (s)
SELECT id, host, pid, incarnation, version, reason, actor, changed_at, queues, kinds, slots, busy, started_at, seen_at,
       CASE WHEN seen_at < clock_timestamp() - $3::float8 * interval '1 second' THEN 'lost' WHEN stopping THEN 'draining' ELSE state END AS state,
       extract(epoch FROM clock_timestamp() - seen_at)::float8 AS silent
FROM workers
WHERE ($1::text IS NULL OR id = $1) AND ($2::text IS NULL OR '*' = ANY (queues) OR $2 = ANY (queues))
ORDER BY host, started_at, id
