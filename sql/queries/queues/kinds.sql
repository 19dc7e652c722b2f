-- What waits in this queue, by kind, and who serves it? For the page that says why nothing moves.
-- $1 queue  $2 how old a worker's heartbeat may be (s)
SELECT t.kind, sum(t.n)::bigint AS waiting,
       (SELECT count(*) FROM workers w
         WHERE w.seen_at > clock_timestamp() - $2::float8 * interval '1 second' AND w.state = 'online' AND NOT w.stopping
           AND ('*' = ANY (w.queues) OR $1 = ANY (w.queues)) AND t.kind = ANY (w.kinds)) AS workers
FROM job_tallies t
WHERE t.queue = $1 AND t.state IN ('queued', 'scheduled', 'retrying')
GROUP BY t.kind HAVING sum(t.n) > 0
ORDER BY waiting DESC, t.kind
LIMIT 200
