-- List the steps of the operation that an attempt holds, in order. One row of nulls without steps; no row if the lease is lost.
-- $1 job  $2 execution
SELECT s.position, s.name, s.state, s.code, s.error, s.is_retryable, s.output::text AS output
FROM jobs j LEFT JOIN steps s ON s.job_id = j.id
WHERE j.id = $1 AND j.execution_id = $2 AND j.state = 'active'
ORDER BY s.position
