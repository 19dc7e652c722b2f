-- Forget what is too old to be asked for: provisioning results after eight days, idempotency keys after one.
WITH results AS (
    DELETE FROM provision_tallies WHERE minute < clock_timestamp() - interval '8 days' RETURNING 1
), keys AS (
    DELETE FROM idempotency_keys WHERE created_at < clock_timestamp() - interval '1 day' RETURNING 1
)
SELECT (SELECT count(*) FROM results) AS results, (SELECT count(*) FROM keys) AS keys
