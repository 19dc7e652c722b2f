-- List the limits with their current use, or one of them.
-- $1 name, or null for all
SELECT l.name, l.scope, l.value, l.mode, l.amount, l.window_s, l.burst, l.enabled, l.actor, l.updated_at,
       CASE l.mode WHEN 'rate' THEN available_tokens(l.tokens, l.refilled_at, l.amount, l.window_s, l.burst, at) END AS tokens,
       CASE WHEN l.mode = 'rate' AND l.amount > 0 THEN
           at + greatest(1 - available_tokens(l.tokens, l.refilled_at, l.amount, l.window_s, l.burst, at), 0) * l.window_s / l.amount * interval '1 second' END AS free_at,
       CASE l.mode WHEN 'concurrency' THEN (
           SELECT count(*) FROM jobs a WHERE a.state = 'active' AND a.worker_id IS NOT NULL AND limit_applies(l.scope, l.value, a.queue, a.kind, a.tenant)) END AS active,
       -- Due jobs that the limit applies to. There are no counters per tenant, so the count stops after 10,000 jobs.
       (SELECT count(*) FROM (
            SELECT FROM jobs w
            WHERE w.state IN ('queued', 'scheduled', 'retrying') AND w.run_at <= at AND limit_applies(l.scope, l.value, w.queue, w.kind, w.tenant)
            LIMIT 10001) AS counted) AS waiting
FROM limits l, (SELECT clock_timestamp() AS at) AS clock
WHERE $1::text IS NULL OR l.name = $1
ORDER BY l.scope, l.value NULLS FIRST, l.name
