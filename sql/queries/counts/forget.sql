-- Forget what is too old to be asked for: provisioning results after eight days, idempotency keys after one. At most $1
-- of each, so that a long backlog cannot keep this from ever ending.
WITH results AS (
    DELETE FROM provision_tallies
    WHERE ctid IN (SELECT ctid FROM provision_tallies WHERE minute < clock_timestamp() - interval '8 days' LIMIT $1)
    RETURNING 1
), keys AS (
    DELETE FROM idempotency_keys
    WHERE key IN (SELECT key FROM idempotency_keys WHERE created_at < clock_timestamp() - interval '1 day' LIMIT $1)
    RETURNING 1
)
SELECT (SELECT count(*) FROM results) AS results, (SELECT count(*) FROM keys) AS keys
