-- List the workers, one of them, or those of a queue. A worker without a recent heartbeat is lost.
-- $1 worker or null  $2 queue or null  $3 max age of a heartbeat (s)
SELECT id, host, pid, incarnation, version, reason, actor, changed_at, queues, kinds, slots, busy, started_at, seen_at,
       CASE WHEN seen_at < clock_timestamp() - $3::float8 * interval '1 second' THEN 'lost' WHEN stopping THEN 'draining' ELSE state END AS state,
       extract(epoch FROM clock_timestamp() - seen_at)::float8 AS silent
FROM workers
WHERE ($1::text IS NULL OR id = $1) AND ($2::text IS NULL OR '*' = ANY (queues) OR $2 = ANY (queues))
ORDER BY host, started_at, id
