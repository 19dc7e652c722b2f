-- Find the active job of an attempt, with what is needed to settle it. Without a job id the few active jobs are scanned.
-- $1 execution  $2 its job, or null
SELECT j.id AS job_id, j.kind, j.tenant, j.failures, j.max_attempts, j.backoff, j.timeout, j.worker_id, j.cancel_reason,
       EXISTS (SELECT FROM workers w WHERE w.id = j.worker_id AND w.state = 'draining') AS drain
FROM jobs j
WHERE j.state = 'active' AND j.worker_id IS NOT NULL AND j.execution_id = $1::uuid AND ($2::uuid IS NULL OR j.id = $2)
