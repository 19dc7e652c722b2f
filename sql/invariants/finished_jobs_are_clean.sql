-- It is never the case that a finished job is leased, or waits for anything, or does not say when it finished, or that an
-- unfinished one says so.
SELECT id::text AS id FROM jobs
WHERE (state IN ('completed', 'failed', 'canceled')) <> (finished_at IS NOT NULL)
   OR (state <> 'active' AND (lease_until IS NOT NULL OR worker_id IS NOT NULL OR timeout_at IS NOT NULL OR cancel_requested_at IS NOT NULL))
