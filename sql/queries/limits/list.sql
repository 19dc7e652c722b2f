-- Show me the limits, and how much of each is used now; or one of them.
-- $1 name, or null for all
SELECT l.name, l.scope, l.value, l.mode, l.most, l.span, l.burst, l.enabled, l.actor, l.updated_at,
       CASE l.mode WHEN 'rate' THEN tokens_now(l.tokens, l.refilled_at, l.most, l.span, l.burst, at) END AS tokens,
       CASE WHEN l.mode = 'rate' AND l.most > 0 THEN
           at + greatest(1 - tokens_now(l.tokens, l.refilled_at, l.most, l.span, l.burst, at), 0) * l.span / l.most * interval '1 second' END AS free_at,
       CASE l.mode WHEN 'concurrency' THEN (
           SELECT count(*) FROM jobs a WHERE a.state = 'active' AND a.worker_id IS NOT NULL AND covers(l.scope, l.value, a.queue, a.kind, a.tenant)) END AS active,
       -- How many due jobs it speaks of; tenants are not counted apart, so there the count looks at no more than 10,000 jobs.
       (SELECT count(*) FROM (
            SELECT FROM jobs w
            WHERE w.state IN ('queued', 'scheduled', 'retrying') AND w.run_at <= at AND covers(l.scope, l.value, w.queue, w.kind, w.tenant)
            LIMIT 10001) AS counted) AS waiting
FROM limits l, (SELECT clock_timestamp() AS at) AS clock
WHERE $1::text IS NULL OR l.name = $1
ORDER BY l.scope, l.value NULLS FIRST, l.name
