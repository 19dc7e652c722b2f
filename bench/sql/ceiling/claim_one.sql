-- The claim after a notification, as one update.
UPDATE ceiling.jobs_live SET state = 'active', attempt = attempt + 1, worker_id = 'raw', updated_at = clock_timestamp()
WHERE id = (
    SELECT id FROM ceiling.jobs_live
    WHERE queue = 'bench' AND state IN ('queued', 'scheduled', 'retrying') ORDER BY priority, kind, tenant, run_at, id
    LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING 1
