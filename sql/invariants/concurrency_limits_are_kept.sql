-- It is never the case that more executions ran at once under a concurrency limit than it allows, counting those that were
-- claimed since it was last changed.
WITH bound AS (
    SELECT l.name, l.most, x.claimed_at, x.ended_at
    FROM limits l
    JOIN executions x ON x.claimed_at >= l.updated_at
    JOIN jobs j ON j.id = x.job_id
    WHERE l.enabled AND l.mode = 'concurrency' AND covers(l.scope, l.value, x.queue, x.kind, j.tenant)
), steps AS (
    SELECT name, most, claimed_at AS at, 1 AS d FROM bound
    UNION ALL
    SELECT name, most, ended_at, -1 FROM bound WHERE ended_at IS NOT NULL
)
SELECT name AS id
FROM (SELECT name, most, sum(d) OVER (PARTITION BY name ORDER BY at, d ROWS UNBOUNDED PRECEDING) AS n FROM steps) AS running
GROUP BY name, most HAVING max(n) > most
