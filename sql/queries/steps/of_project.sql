-- List the steps of the latest operations of a project: newest operation first, its steps in order.
-- $1 project  $2 max operations
SELECT s.job_id, s.position, s.name, s.state, s.attempt, s.execution_id, s.started_at, s.ended_at, s.code, s.error, s.is_retryable,
       s.output::text AS output
FROM steps s
WHERE s.project_id = $1
  AND s.job_id IN (SELECT DISTINCT o.job_id FROM steps o WHERE o.project_id = $1 ORDER BY o.job_id DESC LIMIT $2)
ORDER BY s.job_id DESC, s.position
