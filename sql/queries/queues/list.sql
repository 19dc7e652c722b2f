-- List the queues, or one of them, with depth, oldest due job, throughput, workers and limits.
-- $1 queue, or null for all  $2 max age of a worker's heartbeat (s)
SELECT q.name, q.state, q.reason, q.actor, q.changed_at, q.created_at,
       coalesce(t.waiting, 0)::bigint AS waiting, coalesce(t.active, 0)::bigint AS active, coalesce(t.blocked, 0)::bigint AS blocked,
       coalesce(t.scheduled, 0)::bigint AS scheduled, coalesce(t.retrying, 0)::bigint AS retrying, coalesce(t.failed, 0)::bigint AS failed,
       CASE WHEN t.waiting + t.scheduled + t.retrying > 0 THEN oldest_due(q.name) END AS oldest_due_at,
       coalesce(f.enqueued / 5, 0)::float8 AS in_per_minute, coalesce(f.completed / 5, 0)::float8 AS out_per_minute,
       (SELECT count(*) FROM workers w
         WHERE w.seen_at > clock_timestamp() - $2::float8 * interval '1 second' AND w.state = 'online' AND NOT w.stopping
           AND ('*' = ANY (w.queues) OR q.name = ANY (w.queues))) AS workers,
       c.amount AS concurrency, r.amount AS rate, r.window_s AS rate_window_s, r.burst AS rate_burst
FROM queues q
LEFT JOIN (
    SELECT queue, coalesce(sum(n) FILTER (WHERE state = 'queued'), 0) AS waiting, sum(n) FILTER (WHERE state = 'active') AS active,
           sum(n) FILTER (WHERE state = 'blocked') AS blocked, coalesce(sum(n) FILTER (WHERE state = 'scheduled'), 0) AS scheduled,
           coalesce(sum(n) FILTER (WHERE state = 'retrying'), 0) AS retrying, sum(n) FILTER (WHERE state = 'failed') AS failed
    FROM job_counts GROUP BY queue
) AS t ON t.queue = q.name
LEFT JOIN (
    SELECT queue, sum(n) FILTER (WHERE event = 'enqueued') AS enqueued, sum(n) FILTER (WHERE event = 'completed') AS completed
    FROM work_stats
    -- The last five complete minutes.
    WHERE minute >= date_trunc('minute', clock_timestamp()) - interval '5 minutes' AND minute < date_trunc('minute', clock_timestamp())
    GROUP BY queue
) AS f ON f.queue = q.name
LEFT JOIN limits c ON c.name = 'queue:' || q.name AND c.mode = 'concurrency' AND c.enabled
LEFT JOIN limits r ON r.name = 'queue-rate:' || q.name AND r.mode = 'rate' AND r.enabled
WHERE $1::text IS NULL OR q.name = $1
ORDER BY q.name
