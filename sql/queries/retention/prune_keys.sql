-- Forget the idempotency keys whose window is over, and statistics of more than eight days ago.
-- $1 how many at most, of each
WITH keys AS (
    DELETE FROM job_keys WHERE (tenant, kind, key) IN (
        SELECT tenant, kind, key FROM job_keys WHERE expires_at < (SELECT clock_timestamp()) ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING 1
), statistics AS (
    DELETE FROM work_tallies
    WHERE ctid = ANY (ARRAY(SELECT ctid FROM work_tallies WHERE minute < (SELECT clock_timestamp()) - interval '8 days' LIMIT $1))
    RETURNING 1
), counted AS (
    UPDATE retention r SET removed = removed + gone.n, pruned_at = clock_timestamp()
    FROM (SELECT 'keys' AS class, (SELECT count(*) FROM keys) AS n UNION ALL SELECT 'statistics', (SELECT count(*) FROM statistics)) AS gone
    WHERE r.class = gone.class AND gone.n > 0
)
SELECT (SELECT count(*) FROM keys) AS keys, (SELECT count(*) FROM statistics) AS statistics
