-- No concurrency limit was exceeded, counting attempts that were claimed since its last change.
WITH limited AS (
    SELECT l.name, l.amount, x.claimed_at, x.ended_at
    FROM limits l
    JOIN executions x ON x.claimed_at >= l.updated_at
    JOIN jobs j ON j.id = x.job_id
    WHERE l.enabled AND l.mode = 'concurrency' AND limit_applies(l.scope, l.value, x.queue, x.kind, j.tenant)
), changes AS (
    SELECT name, amount, claimed_at AS at, 1 AS change FROM limited
    UNION ALL
    SELECT name, amount, ended_at, -1 FROM limited WHERE ended_at IS NOT NULL
)
SELECT name AS id
FROM (SELECT name, amount, sum(change) OVER (PARTITION BY name ORDER BY at, change ROWS UNBOUNDED PRECEDING) AS n FROM changes) AS sums
GROUP BY name, amount HAVING max(n) > amount
