-- Count the waiting jobs of a queue by kind, with the number of workers that serve each.
-- $1 queue  $2 max age of a worker's heartbeat (s)
SELECT t.kind, sum(t.n)::bigint AS waiting,
       (SELECT count(*) FROM workers w
         WHERE w.seen_at > clock_timestamp() - $2::float8 * interval '1 second' AND w.state = 'online' AND NOT w.stopping
           AND ('*' = ANY (w.queues) OR $1 = ANY (w.queues)) AND t.kind = ANY (w.kinds)) AS workers
FROM job_counts t
WHERE t.queue = $1 AND t.state IN ('queued', 'scheduled', 'retrying')
GROUP BY t.kind HAVING sum(t.n) > 0
ORDER BY waiting DESC, t.kind
LIMIT 200
