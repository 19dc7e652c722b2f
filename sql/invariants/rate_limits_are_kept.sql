-- It is never the case that more was claimed under a rate limit within one of its windows than its burst and its rate allow,
-- counting what was claimed since it was last changed.
SELECT DISTINCT name AS id
FROM (
    SELECT l.name, l.most, l.burst, count(*) OVER (
        PARTITION BY l.name ORDER BY extract(epoch FROM x.claimed_at)::float8 / l.span RANGE BETWEEN CURRENT ROW AND 1 FOLLOWING) AS n
    FROM limits l
    JOIN executions x ON x.claimed_at >= l.updated_at
    JOIN jobs j ON j.id = x.job_id
    WHERE l.enabled AND l.mode = 'rate' AND covers(l.scope, l.value, x.queue, x.kind, j.tenant)
) AS claimed
-- One more, because the two ends of a window both count.
WHERE n > burst::bigint + most + 1
