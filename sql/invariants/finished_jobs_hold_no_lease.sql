-- No finished job has a lease, a worker or a pending timeout or lacks its finish time, and no unfinished job has a finish time.
SELECT id::text AS id FROM jobs
WHERE (state IN ('completed', 'failed', 'canceled', 'superseded')) <> (finished_at IS NOT NULL)
   OR (state <> 'active' AND (lease_until IS NOT NULL OR worker_id IS NOT NULL OR timeout_at IS NOT NULL OR cancel_requested_at IS NOT NULL))
