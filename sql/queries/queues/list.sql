-- Show me the queues, or one of them: who may take what, how much waits and since when, and what went in and out.
-- $1 one queue, or null for all  $2 how old a worker's heartbeat may be (s)
SELECT q.name, q.state, q.reason, q.actor, q.changed_at, q.created_at,
       coalesce(t.waiting, 0)::bigint AS waiting, coalesce(t.active, 0)::bigint AS active, coalesce(t.blocked, 0)::bigint AS blocked,
       coalesce(t.scheduled, 0)::bigint AS scheduled, coalesce(t.retrying, 0)::bigint AS retrying, coalesce(t.failed, 0)::bigint AS failed,
       CASE WHEN t.waiting + t.scheduled + t.retrying > 0 THEN oldest_due(q.name) END AS oldest_due_at,
       coalesce(f.incoming, 0)::bigint AS incoming, coalesce(f.outgoing, 0)::bigint AS outgoing,
       (SELECT count(*) FROM workers w
         WHERE w.seen_at > clock_timestamp() - $2::float8 * interval '1 second' AND w.state = 'online' AND NOT w.stopping
           AND ('*' = ANY (w.queues) OR q.name = ANY (w.queues))) AS workers,
       c.most AS concurrency, r.most AS rate, r.span AS rate_span, r.burst AS rate_burst
FROM queues q
LEFT JOIN (
    SELECT queue, coalesce(sum(n) FILTER (WHERE state = 'queued'), 0) AS waiting, sum(n) FILTER (WHERE state = 'active') AS active,
           sum(n) FILTER (WHERE state = 'blocked') AS blocked, coalesce(sum(n) FILTER (WHERE state = 'scheduled'), 0) AS scheduled,
           coalesce(sum(n) FILTER (WHERE state = 'retrying'), 0) AS retrying, sum(n) FILTER (WHERE state = 'failed') AS failed
    FROM job_tallies GROUP BY queue
) AS t ON t.queue = q.name
LEFT JOIN (
    SELECT queue, sum(n) FILTER (WHERE what = 'enqueued') AS incoming, sum(n) FILTER (WHERE what = 'completed') AS outgoing
    FROM work_tallies
    -- The last five whole minutes: the present one has only begun.
    WHERE minute >= date_trunc('minute', clock_timestamp()) - interval '5 minutes' AND minute < date_trunc('minute', clock_timestamp())
    GROUP BY queue
) AS f ON f.queue = q.name
LEFT JOIN limits c ON c.name = 'queue:' || q.name AND c.mode = 'concurrency' AND c.enabled
LEFT JOIN limits r ON r.name = 'queue-rate:' || q.name AND r.mode = 'rate' AND r.enabled
WHERE $1::text IS NULL OR q.name = $1
ORDER BY q.name
