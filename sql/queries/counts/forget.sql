-- Delete provisioning statistics older than eight days and idempotency keys older than one day, at most $1 rows of each.
WITH results AS (
    DELETE FROM provision_stats
    WHERE ctid IN (SELECT ctid FROM provision_stats WHERE minute < clock_timestamp() - interval '8 days' LIMIT $1)
    RETURNING 1
), keys AS (
    DELETE FROM idempotency_keys
    WHERE key IN (SELECT key FROM idempotency_keys WHERE created_at < clock_timestamp() - interval '1 day' LIMIT $1)
    RETURNING 1
)
SELECT (SELECT count(*) FROM results) AS results, (SELECT count(*) FROM keys) AS keys
