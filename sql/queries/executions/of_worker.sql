-- List the active attempts of a worker.
SELECT id AS job_id, execution_id AS id, attempt, worker_id, kind, queue, claimed_at, NULL::timestamptz AS ended_at, NULL::text AS outcome,
       NULL::text AS error, progress_fraction, progress_text, lease_until
FROM jobs
WHERE state = 'active' AND worker_id IS NOT NULL AND worker_id = $1
ORDER BY claimed_at
LIMIT $2
