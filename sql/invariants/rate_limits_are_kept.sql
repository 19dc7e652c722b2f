-- No rate limit was exceeded within one of its windows, counting attempts that were claimed since its last change.
SELECT DISTINCT name AS id
FROM (
    SELECT l.name, l.amount, l.burst, count(*) OVER (
        PARTITION BY l.name ORDER BY extract(epoch FROM x.claimed_at)::float8 / l.window_s RANGE BETWEEN CURRENT ROW AND 1 FOLLOWING) AS n
    FROM limits l
    JOIN executions x ON x.claimed_at >= l.updated_at
    JOIN jobs j ON j.id = x.job_id
    WHERE l.enabled AND l.mode = 'rate' AND limit_applies(l.scope, l.value, x.queue, x.kind, j.tenant)
) AS claimed
-- One more, because both ends of a window count.
WHERE n > burst::bigint + amount + 1
