-- No idempotency key was used for two jobs within its window, and no key refers to a job of another tenant or key.
SELECT other.id::text AS id
FROM job_keys k
JOIN jobs held ON held.id = k.job_id
JOIN jobs other ON (other.tenant, other.kind, other.idempotency_key) = (k.tenant, k.kind, k.key)
WHERE other.id <> held.id AND other.created_at < k.expires_at AND other.replays = 0
  -- The window of an earlier use is unknown, but two jobs within a minute belong to one use.
  AND other.created_at > held.created_at - least(k.expires_at - held.created_at, interval '1 minute')
UNION ALL
SELECT held.id::text
FROM job_keys k JOIN jobs held ON held.id = k.job_id
WHERE (held.tenant, held.idempotency_key) IS DISTINCT FROM (k.tenant, k.key)
