-- It is never the case that two jobs were enqueued under one idempotency key within its window, or that a key leads to a job of
-- somebody else.
SELECT other.id::text AS id
FROM job_keys k
JOIN jobs held ON held.id = k.job_id
JOIN jobs other ON (other.tenant, other.kind, other.idempotency_key) = (k.tenant, k.kind, k.key)
WHERE other.id <> held.id AND other.created_at >= held.created_at AND other.created_at < k.expires_at AND other.replays = 0
UNION ALL
SELECT held.id::text
FROM job_keys k JOIN jobs held ON held.id = k.job_id
WHERE (held.tenant, held.idempotency_key) IS DISTINCT FROM (k.tenant, k.key)
