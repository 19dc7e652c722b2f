-- Delete expired idempotency keys, and statistics older than eight days.
-- $1 max rows of each
WITH keys AS (
    DELETE FROM job_keys WHERE (tenant, kind, key) IN (
        SELECT tenant, kind, key FROM job_keys WHERE expires_at < (SELECT clock_timestamp()) ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING 1
), statistics AS (
    DELETE FROM work_stats
    WHERE ctid = ANY (ARRAY(SELECT ctid FROM work_stats WHERE minute < (SELECT clock_timestamp()) - interval '8 days' LIMIT $1))
    RETURNING 1
), counted AS (
    UPDATE retention r SET removed = removed + deleted.n, pruned_at = clock_timestamp()
    FROM (SELECT 'keys' AS class, (SELECT count(*) FROM keys) AS n UNION ALL SELECT 'statistics', (SELECT count(*) FROM statistics)) AS deleted
    WHERE r.class = deleted.class AND deleted.n > 0
)
SELECT (SELECT count(*) FROM keys) AS keys, (SELECT count(*) FROM statistics) AS statistics
