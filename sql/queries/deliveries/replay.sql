-- Return the attempts of an earlier dequeue request that are still active.
-- $1 worker  $2 request
SELECT j.id, j.execution_id, j.kind, j.queue, j.tenant, j.payload::text AS payload, j.project_id, j.attempt, j.failures, j.max_attempts,
       j.timeout, j.backoff, 'active' AS previous_state, CASE WHEN j.has_dependencies THEN inputs_of(j.id) END AS inputs, false AS project_changed
FROM jobs j
WHERE j.state = 'active' AND j.worker_id IS NOT NULL
  AND j.execution_id = ANY (ARRAY(SELECT unnest(d.executions) FROM deliveries d WHERE d.worker_id = $1::text AND d.request_id = $2::text))
ORDER BY j.priority DESC, j.run_at, j.id
